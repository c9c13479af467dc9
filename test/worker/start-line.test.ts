import { expect, test } from 'vitest';
import { readConfig } from '../../src/worker/config.js';
import { startLine } from '../../src/worker/start-line.js';
import { readTemporal } from '../../src/worker/temporal.js';

const config = (env: Record<string, string> = {}) => readConfig({ FLY_API_TOKEN: 'fo1_secret', ...env });
const temporal = readTemporal({ HOME: '/nowhere', TEMPORAL_ADDRESS: 'cloud:7233', TEMPORAL_API_KEY: 'key_secret' });

test('one line says what the worker is connected to and what it may do, and no secret', () => {
  const line = startLine(
    config({ FLY_APP_NAME: 'layover-worker', LAYOVER_METRICS: '0.0.0.0:9464', LAYOVER_GRACE: '90s' }),
    temporal,
    { organisations: ['personal'], apps: ['encoder', 'web'] },
  );
  expect(line).toBe(
    'layover worker: Temporal cloud:7233 (TLS) namespace default queue layover; Fly https://api.machines.dev; updates machines of the apps encoder, web of personal its token may write, never its own app layover-worker; no health, metrics on 0.0.0.0:9464, 90 s of grace',
  );
});

test.each([
  [undefined, 'every app its token may write (Fly does not say which)'],
  [{ organisations: ['personal'], apps: [] }, 'every app of personal its token may write'],
  [{ organisations: [], apps: Array.from({ length: 12 }, (_, n) => `a${n}`) }, 'a8, a9 and 2 more its token may write'],
])('a token’s scope of %j', (scope, says) => {
  expect(startLine(config(), temporal, scope)).toContain(says);
});
