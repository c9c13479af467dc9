import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findDigest } from '../../src/fly/registry.js';
import { undiciTransport } from '../../src/fly/transport.js';

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/ok': (response) => response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-one': 'y' }).end('{"fine":true}'),
  '/moved': (response) => response.writeHead(302, { location: '/ok' }).end(),
  '/slow': () => undefined,
  '/cut': (response) => response.destroy(),
  '/half': (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"half":', () => response.destroy());
  },
  '/v2/repo/manifests/html': (response) => response.writeHead(200).end('<html>sign in</html>'),
  '/v2/repo/manifests/arm': (response) =>
    response.end(
      JSON.stringify({ manifests: [{ digest: 'sha256:1', platform: { os: 'linux', architecture: 'arm64' } }] }),
    ),
};

let server: Server;
let base = '';

beforeAll(async () => {
  server = createServer((request, response) =>
    (ANSWERS[request.url ?? ''] ?? ((r) => r.writeHead(404).end()))(response),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test('a timeout comes, and so does a call back, however often memory is tidied up meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const tidy = runInNewContext('gc') as () => void;
  const transport = undiciTransport();
  const [never, soon] = [new AbortController(), new AbortController()];
  const slow = { method: 'GET', url: `${base}/slow`, headers: {}, timeoutMs: 300 };
  const away = AbortSignal.any([never.signal, soon.signal]);
  const calls = [slow, { ...slow, signal: never.signal }, { ...slow, timeoutMs: 60_000, signal: away }];
  const ends = calls.map((one) => transport(one).then(String, String));
  const tidying = setInterval(tidy, 20);
  setTimeout(() => soon.abort(new Error('called back')), 200);
  const tooLate = new Promise((resolve) => setTimeout(resolve, 5_000, 'it never came'));
  const said = await Promise.race([Promise.all(ends), tooLate]);
  clearInterval(tidying);
  const expected = ['no answer in 300 ms', 'no answer in 300 ms', 'called back'];
  expect(said).toEqual(expected.map((part) => expect.stringContaining(part) as unknown));
});

describe('the transport', () => {
  const transport = undiciTransport();
  const get = (path: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    transport({ method: 'GET', url: `${base}${path}`, headers: {}, timeoutMs: 5_000, ...more });

  test('gives status, body and headers, several cookies joined', async () => {
    expect(await get('/ok')).toMatchObject({
      status: 200,
      body: '{"fine":true}',
      headers: { 'set-cookie': 'a=1, b=2', 'x-one': 'y' },
    });
  });

  test('lets no call wait behind the long polls of others, and bounds the whole of it', async () => {
    const ended = new AbortController();
    const polls = Array.from({ length: 100 }, () => get('/slow', { timeoutMs: 60_000, signal: ended.signal }));
    const all = Promise.allSettled(polls);
    expect((await get('/ok', { timeoutMs: 2_000 })).status).toBe(200);
    ended.abort();
    expect((await all).map(({ status }) => status)).toEqual(polls.map(() => 'rejected'));
  });

  test('follows no redirect: a token must not travel', async () => {
    expect((await get('/moved')).status).toBe(302);
  });

  test('rejects when no answer comes in time, none at all, or half of one', async () => {
    await expect(get('/slow', { timeoutMs: 200 })).rejects.toThrow('no answer in 200 ms');
    await expect(get('/cut')).rejects.toThrow('other side closed');
    await expect(get('/half')).rejects.toThrow('other side closed');
  });

  test('is given up when its signal says so', async () => {
    const controller = new AbortController();
    const call = get('/slow', { signal: controller.signal });
    controller.abort();
    await expect(call).rejects.toThrow('aborted');
  });

  test('a registry that answers what is no manifest is a registry that would not say', async () => {
    const options = { transport, token: 't', baseUrl: base };
    expect(await findDigest('registry.fly.io/repo', 'html', options)).toMatchObject({ kind: 'unreachable' });
    expect(await findDigest('registry.fly.io/repo', 'arm', options)).toMatchObject({
      kind: 'unknown',
      says: 'has no image for linux/amd64 under',
    });
    expect(await findDigest('registry.fly.io/repo', 'none', options)).toEqual({
      kind: 'unknown',
      says: 'does not know',
    });
  });
});
