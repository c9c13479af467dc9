import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/worker/config.js';

const read = (env: Record<string, string | undefined>) => readConfig({ FLY_API_TOKEN: 'fo1_secret', ...env });

describe('the worker’s environment', () => {
  test('needs a token and nothing else: the public API, no registry of its own', () => {
    expect(read({})).toEqual({
      token: 'fo1_secret',
      flyUrl: 'https://api.machines.dev',
      pollMs: { busy: 3_000, calm: 60_000 },
    });
  });

  test.each([undefined, '', '   '])('a token of %j is refused with the way to get one', (token) => {
    expect(() => read({ FLY_API_TOKEN: token })).toThrow(/^FLY_API_TOKEN is .*fly tokens create deploy -a <app>/);
  });

  test.each(['http://127.0.0.1:4280', 'http://127.0.0.1:4280/', 'http://_api.internal:4280', 'https://fly.test'])(
    'the base address %s is taken',
    (url) => {
      expect(read({ FLY_FLAPS_BASE_URL: url, LAYOVER_REGISTRY_URL: url })).toMatchObject({
        flyUrl: url.replace(/\/$/, ''),
        registryUrl: url.replace(/\/$/, ''),
      });
    },
  );

  test.each(['fly.test', 'ftp://fly.test', 'http://fly.test/v1', 'http://fly.test/?a=b', 'http://'])(
    'the base address %s is refused: scheme, host and port only',
    (url) => {
      expect(() => read({ FLY_FLAPS_BASE_URL: url })).toThrow('FLY_FLAPS_BASE_URL must be scheme, host and port only');
    },
  );

  test('names every wrong variable at once, and repeats no value', () => {
    const wrong = { FLY_API_TOKEN: '', FLY_FLAPS_BASE_URL: 'sec:ret', LAYOVER_POLL_BUSY: '3', LAYOVER_POLL_CALM: '1m' };
    expect(() => read(wrong)).toThrow(/FLY_API_TOKEN[^\n]*\nFLY_FLAPS_BASE_URL[^\n]*\nLAYOVER_POLL_BUSY/);
    expect(() => read({ ...wrong, FLY_API_TOKEN: 'fo1_secret' })).not.toThrow(/sec:ret|fo1_secret/);
  });
});
