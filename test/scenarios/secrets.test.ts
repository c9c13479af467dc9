import { expect, test } from 'vitest';
import { isSecret, proveSecrets, saySecrets } from '../../src/proof/secrets.js';

test('no token, secret, config, check output or error body of Fly is in any history, log, status, detail or answer, whatever goes wrong', async ({
  signal,
}) => {
  const report = await proveSecrets(signal);
  expect(isSecret(report) ? [] : saySecrets(report)).toEqual([]);
}, 180_000);
