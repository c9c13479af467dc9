import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Forecast, forecast, LEAST_UPDATE_MS } from '../../src/domain/forecast.js';
import { isInside } from '../../src/domain/fleet.js';
import type { MachineFacts } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import { MOST_IN_FLIGHT } from '../../src/domain/pace.js';
import * as draw from './arbitraries.js';
import { context, machine, NEW, plan, unpinned } from './build.js';

const idle = (count: number, more: Partial<MachineFacts> = {}, prefix = 'a'): MachineFacts[] =>
  Array.from({ length: count }, (_, n) => machine({ id: `${prefix}${String(n).padStart(4, '0')}`, ...more }));
const done = machine({ id: 'z', region: 'fra', digest: NEW });
const idsOf = ({ steps }: Forecast): string[][] => steps.map((step) => step.map(({ id }) => id));

describe('the steps', () => {
  test('begin with one machine alone, and go on with half of each place, the places in turn', () => {
    const fleet = [...idle(4, { region: 'ams' }, 'b'), ...idle(4, { region: 'ord' }, 'a')];
    expect(idsOf(forecast(fleet, plan()))).toEqual([
      ['a0000'],
      ['b0000', 'a0001', 'b0001', 'a0002'],
      ['b0002', 'a0003', 'b0003'],
    ]);
  });

  test('have nobody alone where a machine is at target already', () => {
    expect(idsOf(forecast([...idle(4), done], plan()))).toEqual([
      ['a0000', 'a0001'],
      ['a0002', 'a0003'],
    ]);
  });

  test('have one alone while no digest is known, whatever is at target', () => {
    const unknown = plan({ context: unpinned({ change: { image: { repository: 'registry.fly.io/encoder' } } }) });
    expect(idsOf(forecast([...idle(5), done], unknown))).toEqual([['a0000'], ['a0001', 'a0002'], ['a0003', 'a0004']]);
  });

  test('never hold a standby together with its machine', () => {
    const fleet = [...idle(1), ...idle(1, { region: 'ams', standbyFor: ['a0000'] }, 'b'), done];
    expect(idsOf(forecast(fleet, plan()))).toEqual([['a0000'], ['b0000']]);
  });

  test('hold neither working machines nor those that are left', () => {
    const fleet = [
      machine({ state: 'started' }),
      machine({ state: 'suspended' }),
      machine({ managed: false }),
      machine({ hostOk: false }),
      done,
    ];
    expect(forecast(fleet, plan())).toMatchObject({ steps: [], inARow: 0, leastMs: 0 });
  });
});

describe('the least time', () => {
  test.each([
    [1, 1],
    [2, 2],
    [4, 3],
    [100, 3],
    [101, 3],
    [1_001, 21],
    [10_000, 201],
  ])('of %i idle machines in one place is that of %i updates in a row', (count, inARow) => {
    expect(forecast(idle(count), plan())).toMatchObject({ inARow, leastMs: inARow * LEAST_UPDATE_MS });
  });

  test('is that of the place with the fewest slots', () => {
    const crowd = Array.from({ length: 30 }, (_, n) => idle(1, { region: `r${n}` }, `b${n}`)).flat();
    expect(forecast([...crowd, ...idle(3), done], plan()).inARow).toBe(3);
  });
});

const fleets = fc.uniqueArray(draw.facts, { maxLength: 30, selector: ({ id }) => id });

describe('of any fleet', () => {
  test('each machine that may be updated now has exactly one step, and nobody else has', () => {
    fc.assert(
      fc.property(fleets, (fleet) => {
        const { steps } = forecast(fleet, plan());
        const ready = fleet
          .filter((one) => ['held', 'ready', 'cut'].includes(classify(one, context()).standing))
          .map(({ id }) => id);
        expect(
          steps
            .flat()
            .map(({ id }) => id)
            .toSorted(),
        ).toEqual(ready.toSorted());
      }),
    );
  });

  test('no step is larger than the slots, and no order needs fewer than the least', () => {
    fc.assert(
      fc.property(fleets, (fleet) => {
        const { steps, inARow, pools } = forecast(fleet, plan());
        expect(inARow).toBeLessThanOrEqual(steps.length);
        expect(Math.max(0, ...steps.map((step) => step.length))).toBeLessThanOrEqual(MOST_IN_FLIGHT);
        const selected = fleet.filter((one) => isInside(classify(one, context()).standing)).length;
        expect(pools.reduce((sum, pool) => sum + pool.selected, 0)).toBe(selected);
      }),
    );
  });
});
