import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/domain/decide.js';
import { observe } from '../../src/domain/fleet.js';
import { onLaunched, onLost, onRested, onUpdated } from '../../src/domain/landing.js';
import { isNews, isOutdated, lookOrder } from '../../src/domain/look.js';
import type { MachineFacts, RolloutContext } from '../../src/domain/machine.js';
import { updateOrder } from '../../src/domain/orders.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { admit, fullLanes, isSlotNews, type Pace } from '../../src/domain/pace.js';
import { onLooked } from '../../src/domain/seeing.js';
import { openHolds, paceOf, type RolloutState } from '../../src/domain/state.js';
import { statusOf } from '../../src/domain/status.js';
import {
  candidate,
  context,
  flight,
  HOUR,
  M1,
  M2,
  machine,
  MINUTE,
  NOW,
  pace,
  plan,
  pool,
  rest,
  seen,
  state,
  view,
} from './build.js';

const HOLD = { rollout: 'abcdef012345.first', machine: M1, started: true, cordoned: false };
const up = (id: string, more = {}) => candidate(id, { working: 'up', ...more });
const roomy = (more: Partial<Pace> = {}) => pace({ pools: [pool({ up: 9, room: 3, verified: 100 })], ...more });
const ids = (some: readonly { id: string }[]) => some.map(({ id }) => id);
const STOPPED: UpdateOutcome = {
  kind: 'updated',
  version: 'v-two',
  wrote: true,
  interrupted: false,
  started: true,
  stopped: true,
};

describe('who may be stopped', () => {
  const working = (more: Partial<MachineFacts> = {}) =>
    machine({ state: 'started', lastStartAt: NOW - 2 * HOUR, ...more });
  const look = (machines: readonly MachineFacts[], more: Partial<RolloutContext> = {}) =>
    observe(machines, context({ forceBefore: NOW - HOUR, ...more }), view());

  test('is one whose last start is long enough ago, and nobody where no time is named', () => {
    const fleet = [working(), working({ id: M2, lastStartAt: NOW - MINUTE })];
    expect(look(fleet).candidates).toEqual([expect.objectContaining({ id: M1, working: 'up' })]);
    expect(observe(fleet, context(), view()).candidates).toEqual([]);
  });

  test('is never one that is scheduled, a standby, foreign, or at target', () => {
    const fleet = [
      working({ id: 'a', onlyIdle: 'scheduled' }),
      working({ id: 'b', onlyIdle: 'standby' }),
      working({ id: 'c', digest: 'sha256:else' }),
      working({ id: 'd', digest: context().pin }),
    ];
    expect(look(fleet).candidates).toEqual([]);
  });

  test('comes after the idle ones, those that are no capacity before those that are', () => {
    const bad = [{ name: 'alive', status: 'critical', since: NOW - 10 * MINUTE }];
    const fleet = [
      working({ id: 'a' }),
      working({ id: 'b', checks: bad }),
      machine({ id: 'c' }),
      working({ id: 'd', hold: HOLD }),
    ];
    expect(ids(look(fleet).candidates)).toEqual(['d', 'c', 'b', 'a']);
  });

  test('leaves room for a third of those meant to be up, rounded up, less what is down', () => {
    const fleet = Array.from({ length: 7 }, (_, n) => working({ id: `m${n}`, cordoned: n === 0 }));
    expect(look(fleet).pools[0]).toMatchObject({ up: 7, down: 1, room: 2 });
    expect(look(fleet, { maxUnavailable: { count: 1 } }).pools[0]).toMatchObject({ room: 0 });
    expect(look([working()]).pools[0]).toMatchObject({ up: 1, room: 1 });
  });
});

describe('slots of those that are stopped', () => {
  const waiting = Array.from({ length: 9 }, (_, n) => up(`m${n}`));

  test('are as many as there is room, whatever the idle ones take', () => {
    expect(admit(waiting, roomy())).toHaveLength(3);
    expect(admit(waiting, roomy({ inFlight: [flight('f1', { working: 'up' }), flight('f2')] }))).toHaveLength(2);
    expect(admit(waiting, roomy({ pools: [pool({ up: 9, room: 0, verified: 100 })] }))).toEqual([]);
  });

  test('are taken by one that has just landed, until a look has counted it', () => {
    const landed = [{ region: 'ord', group: 'worker' }];
    expect(admit(waiting, roomy({ landed }))).toHaveLength(2);
    expect(admit(waiting, roomy({ landed: [] }))).toHaveLength(3);
    const lanes = fullLanes(waiting, roomy({ landed, pools: [pool({ up: 9, room: 1, verified: 100 })] }));
    expect(isSlotNews(up('m0'), [pool({ room: 1 })], lanes)).toBe(true);
    expect(isSlotNews(up('m0'), [pool({ room: 0 })], lanes)).toBe(false);
  });

  test('grow with those that passed: an image that never works meets one, then waits for its verdict', () => {
    const none = roomy({ pools: [pool({ up: 99, room: 99 })] });
    expect(admit(waiting, none)).toHaveLength(1);
    const trials = [{ region: 'ord', group: 'worker', why: 'working' as const, landedAt: NOW - MINUTE }];
    expect(admit(waiting, { ...none, trials })).toEqual([]);
    expect(admit(waiting, { ...none, ramp: undefined })).toHaveLength(9);
    expect(admit(waiting, roomy({ pools: [pool({ up: 99, room: 99, verified: 2 })] }))).toHaveLength(7);
  });

  test('a machine that is down already costs none of the capacity', () => {
    const downs = [up('a', { working: 'down' }), up('b', { working: 'down' })];
    expect(admit(downs, roomy({ pools: [pool({ up: 9, room: 0, hands: 3, down: 2, verified: 100 })] }))).toHaveLength(
      2,
    );
  });

  test('of those that are down no more are in our hands at once than may be away', () => {
    const downs = ['a', 'b', 'c'].map((id) => up(id, { working: 'down' }));
    const pools = [pool({ up: 9, room: 0, hands: 2, down: 5, verified: 100 })];
    expect(admit(downs, roomy({ pools }))).toHaveLength(2);
    expect(admit(downs, roomy({ pools, inFlight: [flight('f1', { working: 'up' })] }))).toHaveLength(1);
  });

  test('what is held has its own, and waits for nobody', () => {
    const held = [candidate('h1', { restore: true }), candidate('h2', { restore: true })];
    expect(admit(held, roomy({ proven: false, boots: 1, inFlight: [flight('f1')] }))).toHaveLength(2);
  });

  test('however machines land and are judged, no more are away than there is room and ramp for', () => {
    const drawn = fc.record({
      room: fc.integer({ min: 0, max: 6 }),
      verified: fc.integer({ min: 0, max: 4 }),
      ramp: fc.constantFrom(1, 3, undefined),
      flying: fc.integer({ min: 0, max: 4 }),
      landed: fc.array(fc.boolean(), { maxLength: 4 }),
    });
    fc.assert(
      fc.property(drawn, ({ room, verified, ramp, flying, landed }) => {
        const inFlight = Array.from({ length: flying }, (_, n) => flight(`f${n}`, { working: 'up' }));
        const trials = landed.map((isFresh) => {
          const landedAt = isFresh ? NOW : NOW - MINUTE;
          return { region: 'ord', group: 'worker', why: 'working' as const, landedAt };
        });
        const fresh = trials.filter(({ landedAt }) => landedAt === NOW);
        const all = roomy({ pools: [pool({ up: 9, room, verified })], inFlight, trials, landed: fresh, ramp });
        const admitted = admit(waiting, all).length;
        expect(admitted).toBeLessThanOrEqual(Math.max(0, room - flying - fresh.length));
        const most = ramp === undefined ? Infinity : 1 + ramp * verified;
        expect(admitted).toBeLessThanOrEqual(Math.max(0, most - flying - landed.length));
      }),
    );
  });
});

test('a look that was not told who waits for capacity is outdated: it would pass them over for as long as it goes on', () => {
  const look = { pace: 'busy', errors: 'told', since: 0, after: 0, stale: NOW + HOUR, until: NOW + HOUR } as const;
  const before = state({ seen: seen({ pools: [pool({ up: 3, room: 1 })] }), written: 1 });
  const order = lookOrder(before, look);
  const trials = { [M1]: { region: 'ord', group: 'worker', why: 'working' as const, landedAt: NOW } };
  const after = { ...before, queue: [up(M2)], trials };
  expect(isOutdated(order, after)).toBe(true);
  expect(isOutdated(lookOrder(after, look), after)).toBe(false);
});

describe('what may be stopped when', () => {
  const forced = (more: Partial<RolloutState> = {}): RolloutState =>
    state({
      plan: plan({ forceAfterMs: HOUR }),
      seen: seen({ pools: [pool({ up: 9, room: 3, verified: 9 })] }),
      queue: [up(M1)],
      ...more,
    });
  const start = (of: RolloutState, now: number) => {
    const decision = decide({ ...of, seenAt: now }, now);
    return decision.kind === 'act' ? ids(decision.start) : [];
  };

  test('nobody before the rollout is that old, all pauses added: also who was queued before the last of them', () => {
    expect(start(forced(), NOW + HOUR - 1)).toEqual([]);
    expect(start(forced(), NOW + HOUR)).toEqual([M1]);
    expect(start(forced({ pausedMs: 2 * HOUR }), NOW + 3 * HOUR - 1)).toEqual([]);
    expect(start(forced({ pausedMs: 2 * HOUR }), NOW + 3 * HOUR)).toEqual([M1]);
  });

  test('who was stopped in vain is given twice the time, and twice that the next time', () => {
    const vain = (times: number) => forced({ vain: { [M1]: { times, at: NOW + HOUR } } });
    expect(start(vain(1), NOW + 3 * HOUR - 1)).toEqual([]);
    expect(start(vain(1), NOW + 3 * HOUR)).toEqual([M1]);
    expect(start(vain(2), NOW + 5 * HOUR - 1)).toEqual([]);
  });

  test('one that rests, stopped, takes its place’s capacity, and goes on before all others when it has rested', () => {
    const flying = onLaunched(forced({ written: 1, queue: [up(M1), up(M2)] }), up(M1), NOW);
    const full: UpdateOutcome = {
      kind: 'error',
      code: 'capacity',
      says: 'x',
      retryAfterMs: 1,
      inDoubt: false,
      held: true,
      stopped: true,
    };
    const rests = onUpdated(flying, M1, full, NOW);
    const one = { ...rests, seen: seen({ pools: [pool({ up: 9, room: 1, verified: 9 })] }) };
    expect(start(one, NOW + HOUR)).toEqual([]);
    expect(ids(onRested(one, M1).queue)).toEqual([M1, M2]);
    // The look under way passed it over: it is not lost by that.
    const looked = onLooked(onRested(one, M1), { kind: 'seen', observation: seen({ candidates: [up(M2)] }) }, NOW);
    expect(ids(looked.queue)).toEqual([M1, M2]);
  });
});

describe('capacity', () => {
  const working = (more: Partial<MachineFacts> = {}) =>
    machine({ state: 'started', lastStartAt: NOW - 2 * HOUR, ...more });
  const at = (fleet: readonly MachineFacts[]) =>
    observe(fleet, context({ forceBefore: NOW - HOUR, maxUnavailable: { count: 1 } }), view()).pools[0];
  const ours = { mark: 'abcdef012345.first#0', digest: context().pin, metadata: { layover_from: '01A started' } };
  const crash = { at: NOW, code: 1, requested: false, oom: false, looping: false };

  test.each<[string, Partial<MachineFacts>]>([
    ['that is starting', { state: 'starting' }],
    ['whose checks have not reported', { checksConfigured: 1 }],
    [
      'with a check that does not pass',
      { checksConfigured: 1, checks: [{ name: 'a', status: 'warning', since: NOW }] },
    ],
    ['that we stopped for its update and that has crashed since', { state: 'stopped', ...ours, life: { exit: crash } }],
    ['that we hold', { state: 'stopped', hold: HOLD }],
  ])('a machine %s takes room', (_what, more) => {
    expect(at([working({ id: 'a' }), working({ id: 'b' }), working({ id: 'c', ...more })])).toMatchObject({
      up: 3,
      down: 1,
      room: 0,
    });
  });

  test('one that ended well by itself takes none', () => {
    const done = { state: 'stopped', ...ours, life: { exit: { ...crash, code: 0 } } };
    expect(at([working({ id: 'a' }), working({ id: 'c', ...done })])).toMatchObject({ up: 1, down: 0, room: 1 });
  });

  test('a blip of a check makes nobody free to be stopped beside the others', () => {
    const blip = (since: number) => ({ checksConfigured: 1, checks: [{ name: 'a', status: 'critical', since }] });
    const stopOf = (since: number) =>
      observe([working(blip(since))], context({ forceBefore: NOW - HOUR }), view()).candidates[0]?.working;
    expect(stopOf(NOW - MINUTE)).toBe('up');
    expect(stopOf(NOW - 10 * MINUTE)).toBe('down');
  });
});

describe('a hold', () => {
  const flying = (id = M1): RolloutState => onLaunched(state({ seen: seen() }), up(id), NOW);
  const paused = (of: RolloutState): RolloutState => ({ ...of, pause: { code: 'asked', says: 'x', since: NOW } });

  test('may be on a machine from its order’s start until its end says that it is not', () => {
    expect(ids(openHolds(flying()).map(([id]) => ({ id })))).toEqual([M1]);
    expect(openHolds(onUpdated(flying(), M1, STOPPED, NOW))).toEqual([]);
    expect(openHolds(onUpdated(flying(), M1, { kind: 'calledBack' }, NOW))).toEqual([]);
    expect(openHolds(onUpdated(flying(), M1, { kind: 'calledBack', held: true }, NOW))).toHaveLength(1);
    expect(openHolds(onLost(flying(), M1, NOW))).toHaveLength(1);
    expect(openHolds(onLaunched(state({ seen: seen() }), candidate(M1), NOW))).toEqual([]);
  });

  test.each<[string, (of: RolloutState) => RolloutState, string]>([
    ['pauses', paused, 'hold'],
    ['is aborted', (of) => ({ ...of, stop: { kind: 'abort', says: 'x', since: NOW } }), 'finish'],
    ['is canceled', (of) => ({ ...of, stop: { kind: 'cancel', says: 'x', since: NOW } }), 'finish'],
    ['has passed its deadline', (of) => ({ ...of, startedAt: NOW - 25 * HOUR }), 'finish'],
  ])('is put right before a rollout rests or ends: one that %s', (_what, halt, then) => {
    const lost = halt(onLost(flying(), M1, NOW));
    const decision = decide(lost, NOW);
    expect(decision).toEqual({ kind: 'act', start: [expect.objectContaining({ id: M1, restore: true })] });
    expect(updateOrder(lost, { ...up(M1), restore: true }).machine.restore).toBe(true);
    const again = onLaunched(lost, { ...candidate(M1), restore: true }, NOW);
    // Nobody calls back what puts a machine right.
    expect(decide(again, NOW)).toEqual({ kind: 'act', start: [] });
    expect(statusOf(paused(again), { now: NOW }).phase).toBe('pausing');
    const right = onUpdated(again, M1, { kind: 'left', standing: 'held', inDoubt: true }, NOW);
    expect(decide(right, NOW).kind).toBe(then);
  });

  test('that Fly never lets us put back ends the rollout all the same, which says so', () => {
    let now: RolloutState = onLost(flying(), M1, NOW);
    now = { ...now, stop: { kind: 'abort', says: 'enough', since: NOW } };
    const full: UpdateOutcome = {
      kind: 'error',
      code: 'capacity',
      says: 'no room',
      retryAfterMs: 1,
      inDoubt: true,
      held: true,
    };
    for (let tries = 0; tries < 20 && decide(now, NOW).kind === 'act'; tries += 1) {
      now = onUpdated(onLaunched(now, { ...candidate(M1), restore: true }, NOW), M1, full, NOW);
      now = { ...now, resting: {} };
    }
    expect(decide(now, NOW)).toEqual({
      kind: 'finish',
      outcome: 'aborted',
      says: 'enough; 1 machine may still be cordoned or stopped by Layover: the next start that selects it puts it right',
    });
    expect(statusOf(now, { now: NOW }).machines).toContainEqual(expect.objectContaining({ id: M1, state: 'held' }));
  });

  test('on a machine that failed is put right, and nothing else is done to it', () => {
    const failed = state({
      failed: { [M1]: { code: 'checks', says: 'x', at: NOW, region: 'ord', group: 'worker', accepted: true } },
    });
    const observation = seen({ candidates: [candidate(M1, { restore: true }), candidate(M2, { restore: true })] });
    const after = onLooked(failed, { kind: 'seen', observation }, NOW);
    expect(after.queue.map(({ id, restore }) => [id, restore])).toEqual([
      [M1, true],
      [M2, true],
    ]);
  });

  test('keeps a fleet from being clear: done means that nothing is held', () => {
    const done = seen({ pools: [pool({ atTarget: 4, left: 0 })], held: 1 });
    expect(onLooked(state(), { kind: 'seen', observation: done }, NOW).clear.looks).toBe(0);
  });
});

describe('an order for a machine past its time', () => {
  const forced = state({ plan: plan({ forceAfterMs: HOUR }), pausedMs: MINUTE });

  test('carries the time after its last start, pauses added; one for an idle machine carries none', () => {
    expect(updateOrder(forced, up(M1)).forceAfterMs).toBe(HOUR + MINUTE);
    expect(updateOrder(forced, candidate(M1, { restore: true }))).not.toHaveProperty('forceAfterMs');
    expect(updateOrder(forced, candidate(M1))).not.toHaveProperty('forceAfterMs');
  });

  test('is not given before the rollout is that old itself, pauses added', () => {
    const order = lookOrder(forced, { pace: 'calm', errors: 'told', since: 0, after: 0, stale: 0, until: 0 });
    expect(order.force).toEqual({ afterMs: HOUR + MINUTE, from: forced.startedAt + HOUR + MINUTE });
  });
});

describe('machines that are booted first', () => {
  const booting = (more: Partial<RolloutState> = {}) =>
    state({
      plan: plan({ bootFirst: 2 }),
      seen: seen(),
      queue: [candidate(M1), candidate(M2), candidate('m3')],
      written: 1,
      ...more,
    });
  const start = (of: RolloutState) => {
    const decision = decide(of, NOW);
    return decision.kind === 'act' ? ids(decision.start) : [];
  };
  const BOOTED: UpdateOutcome = { kind: 'updated', version: 'v', wrote: true, interrupted: false, started: true };

  test('go before all others, and the others wait until so many have passed', () => {
    expect(start(booting())).toEqual([M1, M2]);
    const launched = [candidate(M1), candidate(M2)].reduce((of, one) => onLaunched(of, one, NOW), booting());
    expect(updateOrder(launched, candidate(M1)).boot).toBe(true);
    const landed = onUpdated(onUpdated(launched, M1, BOOTED, NOW), M2, BOOTED, NOW);
    expect(start(landed)).toEqual([]);
    const one = seen({ pools: [pool({ verified: 1 })], candidates: [candidate('m3')], at: NOW + 1, trials: [M2] });
    expect(start(onLooked(landed, { kind: 'seen', observation: one }, NOW))).toEqual([]);
    const both = seen({ pools: [pool({ verified: 2 })], candidates: [candidate('m3')], at: NOW + 1 });
    const passed = onLooked(landed, { kind: 'seen', observation: both }, NOW);
    expect(start(passed)).toEqual(['m3']);
    expect(updateOrder(onLaunched(passed, candidate('m3'), NOW), candidate('m3'))).not.toHaveProperty('boot');
  });

  test('twice as many that end without a verdict are enough: the others go on, and the status says so', () => {
    const vain = booting({ boots: 4 });
    expect(paceOf(vain).boots).toBeUndefined();
    expect(statusOf(vain, { now: NOW }).notes.join()).toContain('4 machines were booted and ended before');
    expect(paceOf(booting({ boots: 3 })).boots).toBe(2);
  });

  test('a list that lags ends no trial in its first minute', () => {
    const landed = onUpdated(onLaunched(booting(), candidate(M1), NOW), M1, BOOTED, NOW);
    const before = seen({ candidates: [candidate(M2)], at: NOW + 1_000 });
    expect(Object.keys(onLooked(landed, { kind: 'seen', observation: before }, NOW).trials)).toEqual([M1]);
    const shown = { ...before, shown: [M1] };
    expect(onLooked(landed, { kind: 'seen', observation: shown }, NOW).trials).toEqual({});
  });

  test('one that ended without a verdict is followed by another', () => {
    const landed = onUpdated(onLaunched(booting(), candidate(M1), NOW), M1, BOOTED, NOW);
    const idle = seen({ candidates: [candidate(M2), candidate('m3')], at: NOW + MINUTE + 1 });
    expect(start(onLooked(landed, { kind: 'seen', observation: idle }, NOW))).toEqual([M2, 'm3']);
  });

  test('a look comes back as soon as one has passed, or will not show anything any more', () => {
    const landed = onUpdated(onLaunched(booting(), candidate(M1), NOW), M1, BOOTED, NOW);
    const order = {
      ...lookOrder(landed, { pace: 'busy', errors: 'told', since: 0, after: 0, stale: NOW + HOUR, until: NOW + HOUR }),
      counts: 'x',
    };
    const waiting = { candidates: [], trials: [M1] };
    expect(isNews(seen(waiting), order)).toBe(false);
    expect(isNews(seen({ ...waiting, pools: [pool({ verified: 1 })] }), order)).toBe(true);
    expect(isNews(seen({ candidates: [] }), order)).toBe(true);
  });

  test('are none where nothing can be started: the rollout goes on without', () => {
    const scheduled = [candidate(M1, { onlyIdle: true })];
    expect(start(booting({ queue: scheduled }))).toEqual([M1]);
    expect(start(booting({ queue: scheduled, seen: seen({ stragglers: 1 }) }))).toEqual([M1]);
    expect(start(booting({ queue: scheduled, resting: { [M2]: rest(M2) } }))).toEqual([]);
    expect(paceOf(booting({ queue: [up(M1)], seen: seen({ overdue: 1 }) })).boots).toBeUndefined();
  });
});
