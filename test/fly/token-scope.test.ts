import { expect, test } from 'vitest';
import { readTokenScope } from '../../src/fly/token-scope.js';
import type { HttpAnswer, HttpRequest } from '../../src/fly/transport.js';

async function scopeOf(answer: Partial<HttpAnswer> | Error) {
  const asked: HttpRequest[] = [];
  const scope = await readTokenScope({
    baseUrl: 'http://fly.test',
    token: 'FlyV1 fm2_a',
    transport: (request) => {
      asked.push(request);
      return answer instanceof Error
        ? Promise.reject(answer)
        : Promise.resolve({ status: 200, headers: {}, body: '', ...answer });
    },
  });
  return { scope, asked };
}

test('organisations and apps of all parts of the token, each once', async () => {
  const tokens = [
    { org_slug: 'acme', apps: ['encoder', 'web'], token_id: 'x' },
    { organization: 'acme', apps: ['web'] },
    { org_slug: 'other', apps: null },
  ];
  const { scope, asked } = await scopeOf({ body: JSON.stringify({ tokens }) });
  expect(scope).toEqual({ organisations: ['acme', 'other'], apps: ['encoder', 'web'] });
  expect(asked).toMatchObject([
    { method: 'GET', url: 'http://fly.test/v1/tokens/current', headers: { authorization: 'FlyV1 fm2_a' } },
  ]);
});

test.each([
  ['a status that is no 200', { status: 401 }],
  ['a body that is no JSON', { body: 'ok' }],
  ['a body of another shape', { body: '{"tokens":"all"}' }],
  ['no answer', new Error('cut')],
])('%s: the scope is not known, and that is no error', async (_, answer) => {
  expect((await scopeOf(answer)).scope).toBeUndefined();
});
