import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { undiciTransport } from '../../src/fly/transport.js';
import { askHttp } from '../../src/gates/http.js';
import { MOST_ANSWER_BYTES, type Question } from '../../src/gates/question.js';

const QUESTION: Question = {
  app: 'shop',
  regions: ['ams'],
  machines: ['a1', 'b2'],
  windowMs: 1_000,
  image: 'registry.fly.io/shop:v2',
  rollout: 'abc.def',
  step: 'ams:bake',
};

/** Answers by its path: `/204`, `/big`, `/hang`; keeps what it was told. */
let server: Server;
const told: { body: string; authorization: string | undefined }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      told.push({ body, authorization: request.headers.authorization });
      const path = request.url?.slice(1) ?? '';
      if (path === 'cut') return void response.destroy();
      if (path === 'big') return void response.end('x'.repeat(MOST_ANSWER_BYTES * 2));
      response.writeHead(Number(path), path === '302' ? { location: '/200' } : {}).end('secret-text');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

const ask = (path: string) => {
  const { port } = server.address() as AddressInfo;
  const judge = { url: `http://127.0.0.1:${port}/${path}`, authorization: 'Bearer t' };
  return askHttp(judge, QUESTION, undiciTransport());
};

test.each([
  ...[200, 201, 202, 204].map((status) => [status, 'PASS'] as const),
  ...[400, 402, 409, 412, 418, 422, 451].map((status) => [status, 'FAIL'] as const),
  ...[401, 403, 404, 408, 425, 429].map((status) => [status, 'ERROR'] as const),
  ...[302, 500, 502, 503].map((status) => [status, 'ERROR'] as const),
])('%i is %s', async (status, verdict) => {
  const answer = await ask(`${status}`);
  expect(answer.verdict).toBe(verdict);
  expect(answer.says).toContain(`${status}`);
  expect(answer.says).not.toContain('secret-text');
});

test.each(['cut', 'big'])('an answer that is %s is ERROR', async (path) => {
  expect(await ask(path)).toMatchObject({ verdict: 'ERROR', says: 'no whole answer came in time' });
});

test('it is told app, regions, machines, image, rollout and step, with the token', async () => {
  await ask('200');
  const { windowMs: _window, ...asked } = QUESTION;
  expect(JSON.parse(told.at(-1)?.body ?? '')).toEqual(asked);
  expect(told.at(-1)?.authorization).toBe('Bearer t');
});
