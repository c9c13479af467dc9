import { expect, test } from 'vitest';
import { driveDays, isSwept, sayDays } from '../../src/proof/days.js';

/** A short form of `npm run prove -- days --no-server`. The one with Temporal is no test: docs/proof.md says why. */
test('a sweep of half a day in process brings random machines to their target, and stops none before forceAfter', async () => {
  const report = await driveDays({ machines: 40, hours: 12, seed: 5 });
  expect(isSwept(report) ? [] : sayDays(report)).toEqual([]);
  expect(report).toMatchObject({ made: 4, stopped: 8 });
}, 60_000);
