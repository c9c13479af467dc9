import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Candidate } from '../../src/domain/candidates.js';
import {
  admit,
  type Flight,
  fullLanes,
  idleSlots,
  isSlotNews,
  MOST_IN_FLIGHT,
  tooManyFailed,
} from '../../src/domain/pace.js';
import { candidates, pools } from './arbitraries.js';
import { candidate, flight, NOW, pace, pool } from './build.js';

const TENTH = { share: 0.1 };
const queue = (count: number, more: Partial<Candidate> = {}): Candidate[] =>
  Array.from({ length: count }, (_, n) => candidate(`m${String(n).padStart(3, '0')}`, more));
const flights = (count: number, more: Partial<Flight> = {}): Flight[] =>
  Array.from({ length: count }, (_, n) => flight(`f${n}`, more));
const idsOf = (some: readonly Candidate[]): string[] => some.map((c) => c.id);

test.each([
  [0, 1],
  [1, 1],
  [2, 1],
  [3, 1],
  [4, 2],
  [5, 2],
  [9, 4],
  [10, 5],
])('of %i idle machines %i may be in flight', (idle, slots) => {
  expect(idleSlots(idle)).toBe(slots);
});

describe('admission', () => {
  test('takes half of a pool’s idle machines, in the queue’s order', () => {
    expect(idsOf(admit(queue(9), pace({ pools: [pool({ idle: 9 })] })))).toEqual(['m000', 'm001', 'm002', 'm003']);
  });

  test('never takes a standby together with its machine, whichever comes first', () => {
    const of = { pools: [pool({ idle: 9 })] };
    const standby = candidate('s', { standbyFor: ['m', 'n'] });
    expect(idsOf(admit([candidate('m'), standby, candidate('o')], pace(of)))).toEqual(['m', 'o']);
    expect(idsOf(admit([standby, candidate('n')], pace(of)))).toEqual(['s']);
    expect(admit([candidate('n')], pace({ ...of, inFlight: [{ ...standby, since: NOW }] }))).toEqual([]);
  });

  test('counts what is in flight already', () => {
    const of = { pools: [pool({ idle: 9 })] };
    expect(admit(queue(9), pace({ ...of, inFlight: flights(3) }))).toHaveLength(1);
    expect(admit(queue(9), pace({ ...of, inFlight: flights(4) }))).toEqual([]);
    expect(admit(queue(9), pace({ ...of, inFlight: flights(7) }))).toEqual([]);
  });

  test('counts each region and process group for itself, and a full pool holds up no other', () => {
    const places = [
      { region: 'ord', group: 'app' },
      { region: 'ord', group: 'worker' },
      { region: 'ams', group: 'app' },
    ];
    const waiting = places.flatMap((place, n) => queue(4, place).map((c) => ({ ...c, id: `${n}${c.id}` })));
    const admitted = admit(waiting, pace({ pools: places.map((place) => pool({ ...place, idle: 4 })) }));
    expect(idsOf(admitted)).toEqual(['0m000', '0m001', '1m000', '1m001', '2m000', '2m001']);
  });

  test('gives a pool that no look has counted one slot', () => {
    expect(admit(queue(4), pace({ pools: [] }))).toHaveLength(1);
    expect(admit(queue(4), pace({ pools: [pool({ region: 'ams', idle: 40 })] }))).toHaveLength(1);
    expect(admit(queue(4), pace({ pools: [], inFlight: flights(1) }))).toEqual([]);
  });

  test('sends the first of a rollout alone', () => {
    const large = { pools: [pool({ idle: 100 })], proven: false };
    expect(idsOf(admit(queue(9), pace(large)))).toEqual(['m000']);
    expect(admit(queue(9), pace({ ...large, inFlight: flights(1, { region: 'ams' }) }))).toEqual([]);
  });

  test('sends one at a time while no digest is known, also when one is proven', () => {
    const large = { pools: [pool({ idle: 100 })], pinned: false };
    expect(admit(queue(9), pace(large))).toHaveLength(1);
    expect(admit(queue(9), pace({ ...large, inFlight: flights(1) }))).toEqual([]);
  });

  test('stops at fifty in flight, whatever the fleet', () => {
    const huge = [pool({ idle: 1_000 })];
    expect(admit(queue(200), pace({ pools: huge }))).toHaveLength(MOST_IN_FLIGHT);
    expect(admit(queue(200), pace({ pools: huge, inFlight: flights(49, { group: 'app' }) }))).toHaveLength(1);
  });

  test('of an empty queue is empty', () => {
    expect(admit([], pace())).toEqual([]);
  });
});

describe('whatever waits and flies', () => {
  const any = fc.record({
    waiting: candidates,
    pools,
    proven: fc.boolean(),
    pinned: fc.boolean(),
    airborne: candidates,
  });
  const drawn = any.map(({ waiting, airborne, ...rest }) => {
    const inFlight = airborne.map((c) => ({ ...c, id: `f${c.id}`, since: NOW }));
    const of = pace({ ...rest, inFlight });
    return { waiting, of, admitted: admit(waiting, of) };
  });
  const isHere = (a: { region: string; group: string }) => (b: { region: string; group: string }) =>
    a.region === b.region && a.group === b.group;

  test('an admission never brings a pool above half of its idle machines', () => {
    fc.assert(
      fc.property(drawn, ({ of, admitted }) => {
        for (const one of admitted) {
          const flying = [...of.inFlight, ...admitted].filter(isHere(one)).length;
          expect(flying).toBeLessThanOrEqual(idleSlots(of.pools.find(isHere(one))?.idle ?? 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('the queue’s order is kept, and nobody is admitted who did not wait', () => {
    fc.assert(
      fc.property(drawn, ({ waiting, admitted }) => {
        expect(admitted).toEqual(waiting.filter((c) => admitted.includes(c)));
        expect(new Set(idsOf(admitted)).size).toBe(admitted.length);
      }),
    );
  });

  test('until one is proven and the digest is known, there is never more than one in flight', () => {
    fc.assert(
      fc.property(drawn, ({ of, admitted }) => {
        fc.pre(!(of.proven && of.pinned));
        expect(admitted.length).toBeLessThanOrEqual(Math.max(0, 1 - of.inFlight.length));
      }),
    );
  });

  test('where nothing flies and somebody waits, somebody is admitted: a rollout never stands still by its pace', () => {
    fc.assert(
      fc.property(drawn, ({ waiting, of, admitted }) => {
        fc.pre(waiting.length > 0 && of.inFlight.length === 0);
        expect(admitted.length).toBeGreaterThan(0);
      }),
    );
  });

  test('more in flight never lets more in', () => {
    fc.assert(
      fc.property(drawn, ({ waiting, of, admitted }) => {
        const more = admit(waiting, { ...of, inFlight: [...of.inFlight, flight('another')] });
        expect(more.length).toBeLessThanOrEqual(admitted.length);
      }),
    );
  });
});

describe('failures', () => {
  const passed = (verified: number) => [pool({ atTarget: verified, verified })];

  test('none is never too many', () => {
    expect(tooManyFailed(0, [], TENTH)).toBe(false);
    expect(tooManyFailed(0, passed(0), TENTH)).toBe(false);
  });

  test('the first is too many while no machine has passed, whatever is at target and never ran', () => {
    expect(tooManyFailed(1, passed(0), TENTH)).toBe(true);
    expect(tooManyFailed(1, [pool({ atTarget: 500, verified: 0, left: 0 })], TENTH)).toBe(true);
    expect(tooManyFailed(1, [], TENTH)).toBe(true);
  });

  test('one is tolerated as soon as one has passed, two are not while few have', () => {
    expect(tooManyFailed(1, passed(1), TENTH)).toBe(false);
    expect(tooManyFailed(2, passed(1), TENTH)).toBe(true);
    expect(tooManyFailed(2, passed(17), TENTH)).toBe(true);
  });

  test('from then on a tenth of those passed or failed decides, over all pools', () => {
    expect(tooManyFailed(2, passed(18), TENTH)).toBe(false);
    expect(tooManyFailed(3, passed(26), TENTH)).toBe(true);
    expect(tooManyFailed(3, passed(27), TENTH)).toBe(false);
    expect(tooManyFailed(3, [...passed(20), pool({ region: 'ams', verified: 7 })], TENTH)).toBe(false);
  });

  test('a count is taken as it is: none means none, however many have passed', () => {
    expect(tooManyFailed(1, passed(500), { count: 0 })).toBe(true);
    expect(tooManyFailed(3, passed(1), { count: 3 })).toBe(false);
    expect(tooManyFailed(4, passed(500), { count: 3 })).toBe(true);
    expect(tooManyFailed(1, passed(0), { count: 3 })).toBe(true);
  });

  test('one more failure never makes it right, one more that passed never makes it wrong', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 500 }), (failures, verified) => {
        expect(
          tooManyFailed(failures, passed(verified), TENTH) && !tooManyFailed(failures + 1, passed(verified), TENTH),
        ).toBe(false);
        expect(
          !tooManyFailed(failures, passed(verified), TENTH) && tooManyFailed(failures, passed(verified + 1), TENTH),
        ).toBe(false);
      }),
    );
  });

  test('what is tolerated is at most one, or a tenth', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat({ max: 500 }), (failures, verified) => {
        fc.pre(!tooManyFailed(failures, passed(verified), TENTH));
        expect(failures).toBeLessThanOrEqual(Math.max(1, TENTH.share * (failures + verified)));
      }),
    );
  });
});

test('what is to be brought back waits for none but the bound of all, and then no look is news of it', () => {
  const held = candidate('held', { restore: true });
  const inFlight = [...flights(30), ...queue(20, { restore: true }).map((one) => ({ ...one, since: NOW }))];
  const full = pace({ pools: [pool({ idle: 100 })], inFlight });
  expect(admit([held], full)).toEqual([]);
  expect(isSlotNews(held, full.pools, fullLanes([held], full))).toBe(false);
});

describe('on a way back, of a group that can spare one', () => {
  const places = ['ams', 'ord'].map((region) => ({ region, group: 'zk' }));
  const calm = { ramp: undefined };
  const waiting = places.map((place, n) => candidate(`m${n}`, { ...place, working: 'up' }));
  const spare = (more: number) =>
    places.map((place) => pool({ ...place, up: 1, room: 1, spare: { room: more, hands: more } }));

  test('one goes at a time, whatever its regions could spare', () => {
    expect(idsOf(admit(waiting, pace({ ...calm, pools: spare(1) })))).toEqual(['m0']);
  });

  test('the next has a slot as soon as a look shows that the group can spare one again', () => {
    const inFlight = [{ ...waiting[0], since: NOW } as Flight];
    const lanes = fullLanes(waiting.slice(1), pace({ ...calm, pools: spare(1), inFlight }));
    const [, next] = waiting as [Candidate, Candidate];
    expect([0, 1, 2].map((more) => isSlotNews(next, spare(more), lanes))).toEqual([false, false, true]);
    const landed = fullLanes([next], pace({ ...calm, pools: spare(1), landed: [places[0] as (typeof places)[0]] }));
    expect([0, 1].map((more) => isSlotNews(next, spare(more), landed))).toEqual([false, true]);
  });
});
