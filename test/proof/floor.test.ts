import { expect, test } from 'vitest';
import { floorOf } from '../../src/proof/floor.js';

const scenario = (...counts: number[]) => ({
  timing: { replaceMs: [1_000, 3_000] },
  apps: [{ machines: counts.map((count, at) => ({ count, region: `r${at}` })) }],
});

test('the least time is two rounds where half may be away, three where half of three is one, and one alone takes one', () => {
  expect(floorOf(scenario(100, 40), 50_000).halfMs).toBe(4_000);
  expect(floorOf(scenario(3), 50).halfMs).toBe(6_000);
  expect(floorOf(scenario(1), 50).halfMs).toBe(2_000);
});

test('blocks of one region and group share its slots, and those of another group do not', () => {
  const block = { count: 2, region: 'ord' };
  const of = (group: string) => ({
    timing: { replaceMs: [1_000, 1_000] },
    apps: [{ machines: [block, { ...block, count: 1, group }] }],
  });
  expect(floorOf(of('app'), 50).halfMs).toBe(3_000);
  expect(floorOf(of('batch'), 50).halfMs).toBe(2_000);
});

test('a bound on all of them counts only where it is the tighter one', () => {
  expect(floorOf(scenario(100, 100), 50).cappedMs).toBe(8_000);
  expect(floorOf(scenario(10, 10), 50).cappedMs).toBe(4_000);
});
