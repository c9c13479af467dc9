import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leftToDo } from '../../src/domain/fleet.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { begin, carry, deadlineAt, paceOf, type RolloutState, without } from '../../src/domain/state.js';
import { onLaunched, onLost, onRested, onUpdated } from '../../src/domain/landing.js';
import { onLooked } from '../../src/domain/seeing.js';
import { unaccepted } from '../../src/domain/pauses.js';
import { observation, states } from './arbitraries.js';
import {
  candidate,
  clearLook,
  context,
  doubt,
  ERROR,
  FAILED,
  failure,
  flight,
  flying,
  HOUR,
  M1,
  M2,
  M3,
  MINUTE,
  NEW,
  NOW,
  paused,
  plan,
  pool,
  rest,
  seen,
  state,
  unpinned,
  UPDATED,
} from './build.js';

const landed = (outcome: UpdateOutcome, from: RolloutState = flying()): RolloutState =>
  onUpdated(from, M1, outcome, NOW);
const looked = (from: RolloutState, observed = seen(), now = NOW): RolloutState =>
  onLooked(from, { kind: 'seen', observation: observed }, now);
const passed = (verified: number) => seen({ pools: [pool({ atTarget: verified, verified, left: 4 })] });

describe('the beginning', () => {
  test('knows the plan and the time, and nothing else', () => {
    expect(begin(plan(), NOW)).toEqual({
      v: 1,
      plan: plan(),
      startedAt: NOW,
      pausedMs: 0,
      step: { index: 0, since: NOW, pausedMs: 0, extendedMs: 0, gates: {} },
      proceeded: [],
      failedInRow: 0,
      imageOnly: [],
      failed: {},
      retries: {},
      forgiven: {},
      unknown: {},
      resting: {},
      inFlight: {},
      holds: {},
      trials: {},
      landed: {},
      lately: {},
      vain: {},
      boots: 0,
      queue: [],
      clear: { looks: 0, at: 0 },
      written: 0,
      interrupted: [],
      stopped: [],
    });
  });
});

describe('an order that leaves', () => {
  test('takes its machine out of the queue and of its rest into flight, since now', () => {
    const before = state({ queue: [candidate(M1), candidate(M2)], resting: { [M1]: rest(M1), [M3]: rest(M3) } });
    const after = onLaunched(before, candidate(M1, { tries: 2 }), NOW);
    expect(after.queue).toEqual([candidate(M2)]);
    expect(Object.keys(after.resting)).toEqual([M3]);
    expect(after.inFlight).toEqual({ [M1]: { ...candidate(M1), tries: 2, since: NOW } });
  });
});

describe('an order that ended well', () => {
  test('is written, counted and no longer in flight', () => {
    const after = landed(UPDATED);
    expect(after.inFlight).toEqual({});
    expect(after.written).toBe(1);
    expect(after.seen?.pools[0]).toMatchObject({ atTarget: 1, left: 3 });
  });

  test('without a write is counted at target, and not as written', () => {
    const after = landed({ ...UPDATED, wrote: false });
    expect(after.written).toBe(0);
    expect(after.seen?.pools[0]).toMatchObject({ atTarget: 1, left: 3 });
  });

  test('settles a doubt', () => {
    expect(landed(UPDATED, flying(M1, { unknown: { [M1]: doubt(), [M2]: doubt() } })).unknown).toEqual({
      [M2]: doubt(),
    });
  });

  test('teaches the digest where none was known, and never another one', () => {
    const learning = flying(M1, { plan: plan({ context: unpinned() }) });
    expect(landed(UPDATED, learning).plan.context.pin).toBe(NEW);
    const { digest: _digest, ...silent } = UPDATED;
    expect(landed(silent, learning).plan.context.pin).toBeUndefined();
    expect(landed({ ...silent, digest: 'sha256:other' }).plan.context.pin).toBe(NEW);
    const envOnly = flying(M1, { plan: plan({ context: unpinned({ change: { env: { LOG: 'x' } } }) }) });
    expect(landed(UPDATED, envOnly).plan.context.pin).toBeUndefined();
  });

  test('at a machine at work is reported', () => {
    expect(landed({ ...UPDATED, interrupted: true }, flying(M1, { interrupted: [M2] })).interrupted).toEqual([M2, M1]);
    expect(landed(UPDATED).interrupted).toEqual([]);
  });

  test('counts in its own pool only, and never takes from an empty one', () => {
    const pools = [pool({ region: 'ams' }), pool({ left: 0, atTarget: 4 })];
    expect(landed(UPDATED, flying(M1, { seen: seen({ pools }) })).seen?.pools).toEqual(pools);
  });
});

describe('an order that failed', () => {
  test('is remembered with its evidence and place, counts, and settles a doubt', () => {
    const after = landed(FAILED, flying(M1, { unknown: { [M1]: doubt() }, seen: passed(20) }));
    expect(after.failed).toEqual({
      [M1]: {
        code: 'reverted',
        says: 'Fly went back to the version before',
        at: NOW,
        region: 'ord',
        group: 'worker',
        accepted: false,
      },
    });
    expect(after.unknown).toEqual({});
    expect(after.seen?.pools[0]).toMatchObject({ failed: 1, left: 3 });
    expect(after.pause).toBeUndefined();
  });

  test('pauses the rollout while no machine has passed, and says which, where, why and how many', () => {
    expect(landed(FAILED).pause).toEqual({
      code: 'failures',
      says: `machine ${M1} (ord) failed: Fly went back to the version before`,
      since: NOW,
    });
    const second = landed(FAILED, flying(M1, { failed: { [M2]: failure({ region: 'ams', says: 'x' }) } }));
    expect(second.pause?.says).toBe(`machine ${M2} (ams) failed: x and 1 more`);
  });

  test('does not pause again for what a person accepted', () => {
    const accepted = { [M2]: failure({ accepted: true }) };
    expect(landed(UPDATED, flying(M1, { failed: accepted })).pause).toBeUndefined();
    expect(landed(FAILED, flying(M1, { failed: accepted, seen: passed(1) })).pause).toBeUndefined();
    expect(landed(FAILED, flying(M1, { failed: accepted })).pause?.says).toContain(`machine ${M1} (ord)`);
  });

  test('does not pause what is paused or ending already', () => {
    const pause = { code: 'asked', says: '5xx spike', since: NOW - HOUR } as const;
    expect(landed(FAILED, flying(M1, { pause })).pause).toEqual(pause);
    const stop = { kind: 'abort', says: 'wrong image', since: NOW } as const;
    expect(landed(FAILED, flying(M1, { stop })).pause).toBeUndefined();
  });

  test('at a machine at work is reported too', () => {
    expect(landed({ ...FAILED, interrupted: true }).interrupted).toEqual([M1]);
  });
});

describe('an order that Fly did not let through', () => {
  test('is no failure: its machine rests, and is still to do', () => {
    const after = landed(ERROR);
    expect(after.failed).toEqual({});
    expect(after.pause).toBeUndefined();
    expect(leftToDo(after.seen ?? seen())).toBe(4);
    expect(after.resting).toEqual({
      [M1]: { ...candidate(M1), tries: 1, until: NOW + 5_000, says: 'Fly answered 503' },
    });
  });

  test.each([
    [0, 5_000],
    [1, 10_000],
    [2, 20_000],
    [5, 160_000],
    [6, 300_000],
    [2_000, 300_000],
  ])('after %i in a row it rests %i ms: twice as long each time, five minutes at most', (tries, ms) => {
    const after = landed(ERROR, flying(M1, { inFlight: { [M1]: flight(M1, { tries }) } }));
    expect(after.resting[M1]).toMatchObject({ tries: tries + 1, until: NOW + ms });
  });

  test('rests as long as Fly asks for, if that is longer', () => {
    expect(landed({ ...ERROR, retryAfterMs: HOUR }).resting[M1]?.until).toBe(NOW + HOUR);
  });

  test('is in doubt where it may have written, since the version before the first such order', () => {
    const doubtful: UpdateOutcome = { ...ERROR, inDoubt: true };
    expect(landed(ERROR).unknown).toEqual({});
    expect(landed(doubtful).unknown).toEqual({ [M1]: doubt() });
    expect(landed(doubtful, flying(M1, { unknown: { [M1]: doubt({ bornAt: 1 }) } })).unknown).toEqual({
      [M1]: doubt({ bornAt: 1 }),
    });
  });

  test('counts its tries through rest, queue and the next order, and from one again once it went well', () => {
    let now = onRested(landed(ERROR), M1);
    expect(now.queue).toMatchObject([{ id: M1, tries: 1 }]);
    now = onLaunched(now, now.queue[0] ?? candidate(M1), NOW);
    now = landed(ERROR, now);
    expect(now.resting[M1]?.tries).toBe(2);
    now = landed(UPDATED, onLaunched(onRested(now, M1), candidate(M1, { tries: 2 }), NOW));
    expect(now.resting).toEqual({});
  });
});

describe('an order that left its machine alone', () => {
  test.each<UpdateOutcome>([{ kind: 'left', standing: 'foreign', inDoubt: true }, { kind: 'calledBack' }])(
    '$kind: nothing is counted, and the next look decides',
    (outcome) => {
      const before = flying();
      expect(landed(outcome, before)).toEqual({ ...before, inFlight: {}, landedAt: NOW });
    },
  );

  test('called back or left after its traces were looked for, it settles a doubt; left in doubt, it keeps it', () => {
    const doubted = flying(M1, { unknown: { [M1]: doubt() } });
    expect(landed({ kind: 'calledBack' }, doubted).unknown).toEqual({});
    expect(landed({ kind: 'left', standing: 'straggler', inDoubt: false }, doubted).unknown).toEqual({});
    expect(landed({ kind: 'left', standing: 'gone', inDoubt: true }, doubted).unknown).toEqual({ [M1]: doubt() });
  });
});

describe('an order whose end nobody knows', () => {
  test('is marked with the version before, the first one if it was marked before', () => {
    expect(onLost(flying(), M1, NOW)).toMatchObject({ inFlight: {}, unknown: { [M1]: doubt() } });
    const twice = flying(M1, { unknown: { [M1]: doubt({ bornAt: 1 }) } });
    expect(onLost(twice, M1, NOW).unknown).toEqual({ [M1]: doubt({ bornAt: 1 }) });
  });

  test('neither counts nor fails nor rests', () => {
    const before = flying();
    expect(onLost(before, M1, NOW)).toMatchObject({ failed: {}, resting: {}, written: 0, seen: before.seen });
  });
});

test('the end of an order that nobody knows of changes nothing', () => {
  const before = flying();
  for (const outcome of [UPDATED, FAILED, ERROR]) expect(onUpdated(before, M2, outcome, NOW)).toBe(before);
  expect(onLost(before, M2, NOW)).toBe(before);
  expect(onRested(before, M1)).toBe(before);
});

describe('whatever order lands', () => {
  const outcome = fc.constantFrom<UpdateOutcome>(
    UPDATED,
    FAILED,
    ERROR,
    { kind: 'left', standing: 'foreign', inDoubt: true },
    { kind: 'calledBack' },
    { ...ERROR, inDoubt: true },
  );

  test('an update whose end nobody knows stays marked until it ends one way or the other', () => {
    fc.assert(
      fc.property(states, fc.array(outcome, { maxLength: 6 }), (first, outcomes) => {
        let now = onLost(onLaunched(first, candidate(M1), NOW), M1, NOW);
        for (const next of outcomes) now = onUpdated(onLaunched(carry(now), candidate(M1), NOW), M1, next, NOW);
        const settles = (o: UpdateOutcome) => o.kind !== 'error' && !(o.kind === 'left' && o.inDoubt);
        const known = outcomes.some(settles);
        const doubted = outcomes.slice(outcomes.findLastIndex(settles) + 1);
        const again = doubted.some((o) => o.kind === 'error' && o.inDoubt);
        expect(Object.hasOwn(now.unknown, M1)).toBe(!known || again);
      }),
    );
  });

  test('its machine is in flight no more, and it ended the closing pass that had begun', () => {
    fc.assert(
      fc.property(states, outcome, (first, next) => {
        const after = onUpdated(onLaunched(first, candidate(M1), NOW), M1, next, NOW);
        expect(Object.keys(after.inFlight)).not.toContain(M1);
        expect(after.clear.looks).toBe(0);
      }),
    );
  });

  test('what is still to do never grows, and the pools still add up', () => {
    fc.assert(
      fc.property(states, outcome, (first, next) => {
        const before = onLaunched(first, candidate(M1), NOW);
        const after = onUpdated(before, M1, next, NOW);
        const gone = leftToDo(before.seen ?? seen()) - leftToDo(after.seen ?? seen());
        expect([0, 1]).toContain(gone);
        for (const { left, atTarget, foreign, failed, selected } of after.seen?.pools ?? []) {
          expect(left).toBeGreaterThanOrEqual(0);
          expect(left + atTarget + foreign).toBeLessThanOrEqual(selected);
          expect(left + atTarget + foreign + failed).toBeGreaterThanOrEqual(selected);
        }
      }),
    );
  });

  test('nothing but a failure pauses, and nothing ends a pause or a stop', () => {
    fc.assert(
      fc.property(states, outcome, (first, next) => {
        const after = onUpdated(onLaunched(first, candidate(M1), NOW), M1, next, NOW);
        expect(after.stop).toEqual(first.stop);
        expect(after.pause ?? first.pause).toEqual(after.pause);
        const paused = first.pause === undefined && after.pause !== undefined;
        expect(paused && unaccepted(after) === 0).toBe(false);
      }),
    );
  });
});

describe('a machine that has rested', () => {
  test('waits for a slot behind those that wait already', () => {
    const before = state({ queue: [candidate(M2)], resting: { [M1]: rest(M1, { tries: 3 }) } });
    const after = onRested(before, M1);
    expect(after.resting).toEqual({});
    expect(after.queue).toMatchObject([{ id: M2 }, { id: M1, tries: 3 }]);
  });
});

describe('a look that came back', () => {
  test('replaces the queue with what it found, without those in flight, resting or failed', () => {
    const before = state({
      queue: [candidate('gone')],
      inFlight: { [M1]: flight(M1) },
      resting: { [M2]: rest(M2) },
      failed: { [M3]: failure({ accepted: true }) },
    });
    const found = seen({ candidates: [M1, M2, M3, 'm4'].map((id) => candidate(id)) });
    expect(looked(before, found).queue).toEqual([candidate('m4')]);
    expect(looked(before, found).seen).toEqual(found);
  });

  test('counts the looks in a row that found nothing to do, and begins again with one that did', () => {
    const once = looked(state(), clearLook(), NOW + 1);
    expect(once.clear).toEqual({ looks: 1, at: NOW + 1 });
    expect(looked(once, clearLook(), NOW + 2).clear).toEqual({ looks: 2, at: NOW + 2 });
    expect(looked(once, seen(), NOW + 2).clear).toEqual({ looks: 0, at: NOW + 2 });
  });

  test('adds new failures, keeps the first evidence of an old one, and pauses by the same rule', () => {
    const sick = {
      id: M1,
      region: 'ord',
      group: 'worker',
      code: 'checks' as const,
      says: 'checks do not pass',
      at: NOW,
    };
    const after = looked(state(), seen({ sick: [sick] }));
    expect(after.failed[M1]).toMatchObject({ code: 'checks', at: NOW, accepted: false });
    expect(after.pause?.says).toBe(`machine ${M1} (ord) failed: checks do not pass`);
    const old = { [M1]: failure({ accepted: true }) };
    expect(looked(state({ failed: old }), seen({ sick: [sick] })).failed).toEqual(old);
    expect(looked(state(), { ...passed(3), sick: [sick] }).pause).toBeUndefined();
  });

  test('does not offer a machine whose failure it brings', () => {
    const sick = { id: M1, region: 'ord', group: 'worker', code: 'checks' as const, says: 'x', at: NOW };
    expect(looked(state(), seen({ sick: [sick], candidates: [candidate(M1)] })).queue).toEqual([]);
  });

  test('with a list that cannot be believed pauses, says why, and changes nothing else', () => {
    const before = state({ queue: [candidate(M1)], seen: seen(), clear: { looks: 1, at: NOW } });
    const suspect = { kind: 'suspect', listed: 2, expected: 9, at: NOW } as const;
    expect(onLooked(before, suspect, NOW + 1)).toEqual({
      ...before,
      pause: {
        code: 'list_suspect',
        says: 'Fly listed 2 machines where it counts 9; a list that short is not believed',
        since: NOW + 1,
      },
    });
    expect(onLooked(paused(), suspect, NOW + 1).pause).toEqual(paused().pause);
  });

  test('never queues a machine twice, nor one that is in flight, resting or failed', () => {
    fc.assert(
      fc.property(states, observation, (before, found) => {
        const { queue, inFlight, resting, failed } = looked(before, found);
        const ids = queue.map((c) => c.id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const record of [inFlight, resting, failed]) expect(ids.filter((id) => id in record)).toEqual([]);
      }),
    );
  });
});

describe('what goes into the next run', () => {
  const lived = (): RolloutState =>
    state({
      pausedMs: HOUR,
      failed: { [M1]: failure({ accepted: true }) },
      retries: { [M1]: 2 },
      forgiven: { [M1]: NOW },
      unknown: { [M2]: doubt() },
      resting: { [M2]: rest(M2) },
      queue: [candidate(M3)],
      seen: seen(),
      clear: { looks: 1, at: NOW },
      written: 7,
      interrupted: [M3],
      notice: 'the signal pasue is not known here',
    });

  test('is all that a look cannot find again', () => {
    const { seen: _seen, ...kept } = lived();
    expect(carry(lived())).toEqual({ ...kept, resting: {}, inFlight: {}, queue: [], clear: { looks: 0, at: 0 } });
  });

  test('keeps failed ids with their codes, doubts, a person’s words and the clocks', () => {
    const after = carry({
      ...lived(),
      ...paused({ pausedMs: HOUR }),
      unknown: { [M2]: doubt() },
      failed: lived().failed,
    });
    expect(after).toMatchObject({
      pause: paused().pause,
      unknown: { [M2]: doubt() },
      failed: { [M1]: { code: 'reverted' } },
    });
    expect(deadlineAt(after, NOW + MINUTE)).toBe(NOW + 25 * HOUR + MINUTE);
  });

  test('keeps the digest that was learnt', () => {
    const learnt = landed(UPDATED, flying(M1, { plan: plan({ context: unpinned() }) }));
    expect(carry(learnt).plan.context).toEqual({ ...context(), pin: NEW });
  });

  test('survives JSON, and carrying twice is carrying once', () => {
    fc.assert(
      fc.property(states, (before) => {
        const after = carry(before);
        expect(JSON.parse(JSON.stringify(after))).toEqual(after);
        expect(carry(after)).toEqual(after);
      }),
    );
  });

  test('is small, whatever the fleet was', () => {
    const big = seen({ candidates: Array.from({ length: 200 }, (_, n) => candidate(`m${n}`)) });
    expect(JSON.stringify(carry(state({ seen: big, queue: big.candidates }))).length).toBeLessThan(2_000);
  });
});

describe('the deadline', () => {
  test('is the plan’s length after the start, and later by every pause', () => {
    expect(deadlineAt(state(), NOW)).toBe(NOW + 24 * HOUR);
    expect(deadlineAt(state({ pausedMs: HOUR }), NOW)).toBe(NOW + 25 * HOUR);
  });

  test('moves on with the time while paused, and stands still otherwise', () => {
    fc.assert(
      fc.property(states, fc.nat({ max: HOUR }), (any, ms) => {
        const moved = deadlineAt(any, NOW + ms) - deadlineAt(any, NOW);
        expect(moved).toBe(any.pause === undefined ? 0 : ms);
      }),
    );
  });
});

test('a rollout is proven by its own write, or by a machine that is at target already', () => {
  expect(paceOf(state()).proven).toBe(false);
  expect(paceOf(state({ seen: seen() })).proven).toBe(false);
  expect(paceOf(state({ written: 1 })).proven).toBe(true);
  expect(paceOf(state({ seen: seen({ pools: [pool(), pool({ region: 'ams', atTarget: 1 })] }) })).proven).toBe(true);
});

test('without takes one entry, and gives the same record where there is none', () => {
  const record = { a: 1, b: 2 };
  expect(without(record, 'a')).toEqual({ b: 2 });
  expect(without(record, 'toString')).toBe(record);
});
