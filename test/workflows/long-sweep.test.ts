import { expect, test } from 'vitest';
import { isSwept, proveDays, sayDays } from '../../src/proof/days.js';

/** A short form of `npm run prove -- days`: half a day of forty machines instead of three days of two hundred. */
test('a sweep of hours brings random machines, those made meanwhile and those that never stop to their target, and stops none before forceAfter', async ({
  signal,
}) => {
  const report = await proveDays({ machines: 40, hours: 12, seed: 3 }, signal);
  expect(isSwept(report) ? [] : sayDays(report)).toEqual([]);
  expect(report).toMatchObject({ made: 4, stopped: 8 });
}, 120_000);
