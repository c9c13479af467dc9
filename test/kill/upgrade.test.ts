import { expect, test } from 'vitest';
import { isUpgraded, proveUpgrade, sayUpgrade } from '../../src/proof/upgrade.js';

/** A short form of `npm run prove -- upgrade`. */
test('sweeps go on under the next build of the worker, when the old one is killed with updates in flight and a machine held', async ({
  signal,
}) => {
  const report = await proveUpgrade({ machines: 20, forced: 3, upgrades: 1, signal });
  expect(isUpgraded(report) ? [] : sayUpgrade(report)).toEqual([]);
}, 180_000);
