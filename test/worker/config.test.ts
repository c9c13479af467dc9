import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/worker/config.js';

const read = (env: Record<string, string | undefined>) => readConfig({ FLY_API_TOKEN: 'fo1_secret', ...env });

describe('the worker’s environment', () => {
  test('needs a token and nothing else: the public API, no registry of its own, a minute of grace, nothing listens', () => {
    expect(read({})).toEqual({
      token: 'fo1_secret',
      flyUrl: 'https://api.machines.dev',
      pollMs: { busy: 3_000, calm: 60_000 },
      graceMs: 60_000,
      judges: { http: {} },
      sinks: {},
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

  test.each([
    ['0.0.0.0:9464', { host: '0.0.0.0', port: 9464 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['[::]:9464', { host: '[::]', port: 9464 }],
  ])('%s is an address to listen on', (address, listen) => {
    expect(read({ LAYOVER_METRICS: address })).toMatchObject({ metrics: listen });
    expect(read({ LAYOVER_HEALTH: address })).toMatchObject({ health: listen });
  });

  test('health may listen on a name', () => {
    expect(read({ LAYOVER_HEALTH: 'localhost:0' })).toMatchObject({ health: { host: 'localhost', port: 0 } });
  });

  test.each(['9464', ':9464', 'http://0.0.0.0:9464', '0.0.0.0:99999', '0.0.0.0:', ''])(
    'the address %j is refused with an example',
    (address) => {
      expect(() => read({ LAYOVER_METRICS: address })).toThrow(
        /^LAYOVER_METRICS must be host and port .*127\.0\.0\.1:9464/,
      );
      expect(() => read({ LAYOVER_HEALTH: address })).toThrow(/^LAYOVER_HEALTH must be host and port/);
    },
  );

  test('a grace that Fly would cut short is refused', () => {
    expect(read({ LAYOVER_GRACE: '4m' }).graceMs).toBe(240_000);
    expect(() => read({ LAYOVER_GRACE: '5m' })).toThrow(/^LAYOVER_GRACE must not be longer than 4m/);
  });

  test('on Fly the app it runs in is known, and may be rolled out only when that is said', () => {
    expect(read({ FLY_APP_NAME: 'layover-worker' }).ownApp).toBe('layover-worker');
    expect(read({ FLY_APP_NAME: 'layover-worker', LAYOVER_OWN_APP: 'allow' }).ownApp).toBeUndefined();
    expect(() => read({ LAYOVER_OWN_APP: 'yes' })).toThrow(/^LAYOVER_OWN_APP must be refuse or allow/);
  });

  test('a mistyped setting is refused with the names there are, since it would be ignored for ever', () => {
    expect(() => read({ LAYOVER_METRIC: '0.0.0.0:9464' })).toThrow(/^LAYOVER_METRIC is no setting .*LAYOVER_METRICS/);
  });

  test('names every wrong variable at once, and repeats no value', () => {
    const wrong = { FLY_API_TOKEN: '', FLY_FLAPS_BASE_URL: 'sec:ret', LAYOVER_POLL_BUSY: '3', LAYOVER_POLL_CALM: '1m' };
    expect(() => read(wrong)).toThrow(/FLY_API_TOKEN[^\n]*\nFLY_FLAPS_BASE_URL[^\n]*\nLAYOVER_POLL_BUSY/);
    expect(() => read({ ...wrong, FLY_API_TOKEN: 'fo1_secret' })).not.toThrow(/sec:ret|fo1_secret/);
  });
});

test.each(['http://user:SECRET@127.0.0.1:4280', 'http://127.0.0.1:4280/#SECRET', 'httpx://127.0.0.1:4280'])(
  'the base address %s is refused, and not repeated',
  (url) => {
    for (const name of ['FLY_FLAPS_BASE_URL', 'LAYOVER_REGISTRY_URL']) {
      expect(() => read({ [name]: url })).toThrow(new RegExp(`^${name} must be scheme, host and port only`));
      expect(() => read({ [name]: url })).not.toThrow(/SECRET/);
    }
  },
);

test('a token that holds a line break is refused, and not repeated', () => {
  expect(() => read({ FLY_API_TOKEN: 'SEC\nRET' })).toThrow(/^FLY_API_TOKEN holds a line break/);
  expect(() => read({ FLY_API_TOKEN: 'SEC\nRET' })).not.toThrow(/SEC|RET/);
});

test('metrics want an IP address, and a port that health does not have', () => {
  expect(() => read({ LAYOVER_METRICS: 'localhost:9464' })).toThrow(/^LAYOVER_METRICS must name an IP address/);
  const both = { LAYOVER_METRICS: '127.0.0.1:9464', LAYOVER_HEALTH: '127.0.0.1:9464' };
  expect(() => read({ FLY_API_TOKEN: 't', ...both })).toThrow(/^LAYOVER_METRICS is the address of LAYOVER_HEALTH/);
});
