import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLOSING_MS, decide, type Decision, RULES } from '../../src/domain/decide.js';
import { idleSlots } from '../../src/domain/pace.js';
import { deadlineAt, type RolloutState } from '../../src/domain/state.js';
import { states } from './arbitraries.js';
import {
  candidate,
  clearLook,
  context,
  doubt,
  failure,
  flight,
  flying,
  HOUR,
  M1,
  M2,
  M3,
  MINUTE,
  NOW,
  paused,
  plan,
  pool,
  rest,
  seen,
  state,
  unpinned,
} from './build.js';

const stop = (kind: 'abort' | 'cancel') => ({ kind, says: 'wrong image', since: NOW }) as const;
const aloft = { [M1]: flight(M1) };
const waiting = (more: Partial<RolloutState> = {}): RolloutState =>
  state({
    queue: [M1, M2, M3].map((id) => candidate(id)),
    seen: seen({ pools: [pool({ idle: 6, left: 6, selected: 6 })] }),
    written: 1,
    ...more,
  });
const clear = (more: Partial<RolloutState> = {}): RolloutState =>
  state({ clear: { looks: 2, at: NOW }, seen: clearLook(), ...more });
const started = (decision: Decision): string[] => (decision.kind === 'act' ? decision.start.map((c) => c.id) : []);
const OVERDUE = NOW + 24 * HOUR;

describe('a rollout that somebody stopped', () => {
  test('calls back what is in flight, and waits for it', () => {
    expect(decide(flying(M1, { stop: stop('abort') }), NOW)).toEqual({ kind: 'callBack' });
  });

  test('ends as aborted or canceled once nothing is, with what was said', () => {
    expect(decide(state({ stop: stop('abort') }), NOW)).toEqual({
      kind: 'finish',
      outcome: 'aborted',
      says: 'wrong image',
    });
    expect(decide(state({ stop: stop('cancel') }), NOW)).toMatchObject({ kind: 'finish', outcome: 'canceled' });
  });
});

describe('a rollout that is paused', () => {
  test('calls back what is in flight, then holds', () => {
    expect(decide(paused({ inFlight: aloft }), NOW)).toEqual({ kind: 'callBack' });
    expect(decide(paused(), NOW)).toEqual({ kind: 'hold' });
    expect(decide(waiting(paused()), NOW)).toEqual({ kind: 'hold' });
  });

  test('has no deadline: the clock stands still', () => {
    expect(decide(paused(), NOW + 1_000 * HOUR)).toEqual({ kind: 'hold' });
    const resumed = state({ pausedMs: HOUR });
    expect(decide(resumed, OVERDUE).kind).toBe('act');
    expect(decide(resumed, OVERDUE + HOUR)).toMatchObject({ kind: 'finish', outcome: 'partial' });
  });
});

describe('a rollout whose deadline has passed', () => {
  test('calls back what is in flight, then ends Partial with what is left', () => {
    expect(decide(flying(), OVERDUE)).toEqual({ kind: 'callBack' });
    const late = state({ seen: seen({ pools: [pool({ left: 2 }), pool({ region: 'ams', left: 1 })] }) });
    expect(decide(late, OVERDUE)).toEqual({
      kind: 'finish',
      outcome: 'partial',
      says: 'the deadline passed with 3 machines left',
    });
  });

  test('without a look has all of its plan left', () => {
    expect(decide(state(), OVERDUE)).toMatchObject({ says: 'the deadline passed with 4 machines left' });
  });

  test('and whose closing pass is under way looks on for a minute, starts nothing, and ends in this run', () => {
    const closing = clear({ clear: { looks: 1, at: OVERDUE - 1 }, queue: [candidate(M1)] });
    for (const draining of [false, true]) {
      expect(decide(closing, OVERDUE, draining)).toMatchObject({ start: [], look: { until: OVERDUE + MINUTE } });
      expect(decide(closing, OVERDUE + MINUTE, draining)).toMatchObject({ kind: 'finish', outcome: 'partial' });
    }
    const late = { ...closing, landedAt: OVERDUE + HOUR };
    expect(decide(late, OVERDUE + HOUR)).toMatchObject({ look: { until: OVERDUE + HOUR + MINUTE } });
    const doubted = { ...closing, unknown: { [M1]: doubt() } };
    expect(decide(doubted, OVERDUE)).toMatchObject({ kind: 'finish', outcome: 'partial' });
  });

  test('still works a moment before it', () => {
    expect(decide(waiting(), OVERDUE - 1).kind).toBe('act');
    expect(started(decide(waiting(), OVERDUE - 1))).toHaveLength(3);
  });
});

describe('the closing pass', () => {
  test('needs two looks in a row that found nothing left', () => {
    for (const looks of [0, 1]) expect(decide(clear({ clear: { looks, at: NOW } }), NOW).kind).toBe('act');
    expect(decide(clear(), NOW)).toMatchObject({ kind: 'finish', outcome: 'completed' });
  });

  test('takes its second look some seconds after the first, and at the busy pace', () => {
    expect(decide(clear({ clear: { looks: 1, at: NOW - 1 } }), NOW)).toMatchObject({
      look: { pace: 'busy', after: NOW - 1 + CLOSING_MS },
    });
  });

  test('does not end while an update is in flight', () => {
    expect(decide(clear({ inFlight: aloft }), NOW).kind).toBe('act');
  });

  test('completes with all at target, and says how many of them nobody has seen run', () => {
    expect(decide(clear({ seen: clearLook({ verified: 4 }) }), NOW)).toEqual({
      kind: 'finish',
      outcome: 'completed',
      says: 'all 4 machines are at target',
    });
    const says = decide(clear({ seen: clearLook({ verified: 1 }) }), NOW);
    expect(says).toMatchObject({ kind: 'finish', outcome: 'completed' });
    expect(says.kind === 'finish' && says.says).toContain('; 3 of them are not verified');
  });

  test('ends Partial where machines failed, accepted or not, or are foreign, and says how many', () => {
    const failed = { [M1]: failure({ accepted: true }), [M2]: failure() };
    expect(decide(clear({ failed }), NOW)).toEqual({ kind: 'finish', outcome: 'partial', says: '2 failed' });
    expect(decide(clear({ seen: clearLook({ foreign: 3 }) }), NOW)).toMatchObject({
      outcome: 'partial',
      says: '3 foreign',
    });
    expect(decide(clear({ failed, seen: clearLook({ foreign: 3 }) }), NOW)).toMatchObject({
      outcome: 'partial',
      says: '2 failed, 3 foreign',
    });
  });

  test('names the machines that it left because they are suspended', () => {
    const says = (from: RolloutState) => decide(from, NOW);
    const outside = { suspended: 1 };
    expect(says(clear({ seen: { ...clearLook({ verified: 4 }), outside } }))).toMatchObject({
      outcome: 'completed',
      says: 'all 4 machines are at target; 1 machine left suspended',
    });
    expect(says(clear({ seen: seen({ pools: [], outside: { suspended: 2 } }) }))).toMatchObject({
      outcome: 'partial',
      says: 'nothing is selected any more: 2 machines left suspended ("suspended": "update" takes them)',
    });
  });

  test('of a selection that is gone is no success', () => {
    expect(decide(clear({ seen: seen({ pools: [] }) }), NOW)).toEqual({
      kind: 'finish',
      outcome: 'partial',
      says: 'every selected machine is gone',
    });
  });
});

describe('a run that is about to continue as new', () => {
  test('starts nothing and looks at nothing: it waits for what is in flight, then holds', () => {
    expect(decide(waiting({ inFlight: { [M3]: flight(M3) } }), NOW, true)).toEqual({ kind: 'act', start: [] });
    expect(decide(waiting(), NOW, true)).toEqual({ kind: 'hold' });
    expect(decide(state(), NOW, true)).toEqual({ kind: 'hold' });
  });

  test('ends here if this is the end', () => {
    expect(decide(clear(), NOW, true).kind).toBe('finish');
    expect(decide(state({ stop: stop('abort') }), NOW, true).kind).toBe('finish');
    expect(decide(state(), OVERDUE, true).kind).toBe('finish');
  });
});

describe('machines that wait for a slot', () => {
  test('get as many as the pace allows, in their order', () => {
    expect(started(decide(waiting(), NOW))).toEqual([M1, M2, M3]);
    expect(started(decide(waiting({ inFlight: { a: flight('a'), b: flight('b') } }), NOW))).toEqual([M1]);
    expect(started(decide(waiting({ seen: seen() }), NOW))).toEqual([M1, M2]);
  });

  test('do not stop the rollout from looking: other places, failures and the deadline cannot wait for a slow update', () => {
    const full = { a: flight('a'), b: flight('b'), c: flight('c') };
    expect(decide(waiting({ inFlight: full }), NOW)).toMatchObject({ start: [], look: { pace: 'busy' } });
    expect(decide(waiting(), NOW)).toMatchObject({ look: { pace: 'busy', until: NOW + 5 * MINUTE } });
  });

  test('go one by one until one of the change is known to have settled', () => {
    expect(started(decide(waiting({ written: 0 }), NOW))).toEqual([M1]);
    const proven = seen({ pools: [pool({ idle: 6, atTarget: 1 })] });
    expect(started(decide(waiting({ written: 0, seen: proven }), NOW))).toEqual([M1, M2, M3]);
  });

  test('go one by one until the digest is known, unless the change has no image', () => {
    expect(started(decide(waiting({ plan: plan({ context: unpinned() }) }), NOW))).toEqual([M1]);
    const envOnly = plan({ context: unpinned({ change: { env: { LOG: 'x' } } }) });
    expect(started(decide(waiting({ plan: envOnly }), NOW))).toEqual([M1, M2, M3]);
    expect(started(decide(waiting({ plan: plan({ context: context() }) }), NOW))).toHaveLength(3);
  });
});

describe('a rollout that knows of nothing to start', () => {
  const lookOf = (from: RolloutState, now = NOW) => {
    const decision = decide(from, now);
    return decision.kind === 'act' ? decision.look : undefined;
  };

  test('looks at once and calmly, for a day at most', () => {
    expect(lookOf(state({ plan: plan({ deadlineMs: 100 * HOUR }) }))).toEqual({
      pace: 'calm',
      errors: 'told',
      since: NOW,
      after: NOW,
      stale: NOW + 15 * MINUTE,
      until: NOW + 24 * HOUR,
    });
  });

  test('looks often, and anew after five minutes, while something flies or rests', () => {
    const busy = {
      pace: 'busy',
      errors: 'told',
      since: NOW,
      after: NOW,
      stale: NOW + 15 * MINUTE,
      until: NOW + 5 * MINUTE,
    };
    expect(lookOf(flying())).toEqual(busy);
    expect(lookOf(state({ resting: { [M1]: rest(M1) } }))).toEqual(busy);
  });

  test('never looks beyond its deadline', () => {
    expect(lookOf(state(), NOW + 23 * HOUR)?.until).toBe(OVERDUE);
    expect(lookOf(flying(), OVERDUE - 1)?.until).toBe(OVERDUE);
  });
});

describe('whatever the state', () => {
  const times = fc.integer({ min: NOW - HOUR, max: NOW + 2 * HOUR });
  const any = [states, times, fc.boolean()] as const;

  test('the last rule always has an answer, so that no state is without a decision', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        const isFlying = Object.keys(now.inFlight).length > 0;
        const situation = {
          state: now,
          now: at,
          draining,
          flying: isFlying,
          updating: isFlying,
          deadline: deadlineAt(now, at),
        };
        const answers = RULES.map((rule) => rule.decide(situation));
        expect(answers.at(-1)).toBeDefined();
        expect(decide(now, at, draining)).toEqual(answers.find((answer) => answer !== undefined));
      }),
    );
  });

  test('a paused rollout never starts anything, never looks and never ends', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        const { stop: _stop, ...rest } = now;
        const halted = { ...rest, pause: { code: 'asked' as const, says: 'x', since: NOW - HOUR } };
        const isFlying = Object.keys(now.inFlight).length > 0;
        expect(decide(halted, at, draining)).toEqual({ kind: isFlying ? 'callBack' : 'hold' });
      }),
    );
  });

  test('a stopped rollout never starts anything, paused or not, early or late', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        const decision = decide({ ...now, stop: stop('abort') }, at, draining);
        expect(decision.kind).toBe(Object.keys(now.inFlight).length > 0 ? 'callBack' : 'finish');
      }),
    );
  });

  test('nothing starts, and nothing is looked at, while draining', () => {
    fc.assert(
      fc.property(states, times, (now, at) => {
        const decision = decide(now, at, true);
        expect(started(decision)).toEqual([]);
        expect(decision).not.toHaveProperty('look');
      }),
    );
  });

  test('nothing ends while something is in flight', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        fc.pre(Object.keys(now.inFlight).length > 0);
        expect(decide(now, at, draining).kind).not.toBe('finish');
      }),
    );
  });

  test('nothing starts after the deadline', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        fc.pre(at >= deadlineAt(now, at));
        expect(['callBack', 'hold', 'finish']).toContain(decide(now, at, draining).kind);
      }),
    );
  });

  test('what starts has waited, is not in flight, and leaves half of its pool’s idle machines', () => {
    fc.assert(
      fc.property(...any, (now, at, draining) => {
        const decision = decide(now, at, draining);
        const start = decision.kind === 'act' ? decision.start : [];
        for (const machine of start) {
          expect(now.queue).toContain(machine);
          expect(now.inFlight).not.toHaveProperty(machine.id);
          const isHere = (p: { region: string; group: string }) =>
            p.region === machine.region && p.group === machine.group;
          const flyingHere = [...Object.values(now.inFlight), ...start].filter(isHere).length;
          expect(flyingHere).toBeLessThanOrEqual(idleSlots(now.seen?.pools.find(isHere)?.idle ?? 0));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('it completes only where two looks in a row left nothing, none is foreign and none has failed', () => {
    const foreign = fc.constantFrom(0, 0, 1);
    const looks = fc.constantFrom(1, 2, 2, 3);
    let completions = 0;
    fc.assert(
      fc.property(states, foreign, looks, fc.boolean(), (any, strangers, seenClear, forgives) => {
        const { stop: _stop, pause: _pause, ...now } = any;
        const failed = forgives ? {} : now.failed;
        const observed = clearLook({ foreign: strangers, selected: 4 + strangers });
        const found = { ...now, failed, startedAt: NOW, clear: { looks: seenClear, at: NOW }, seen: observed };
        const decision = decide(found, NOW);
        const isDone = seenClear >= 2 && strangers === 0 && Object.keys({ ...failed, ...now.inFlight }).length === 0;
        expect(decision.kind === 'finish' && decision.outcome === 'completed').toBe(isDone);
        completions += isDone ? 1 : 0;
      }),
      { numRuns: 200 },
    );
    expect(completions).toBeGreaterThan(0);
  });

  test('pausing for a while and going on only moves the same decision to a later time', () => {
    fc.assert(
      fc.property(states, fc.integer({ min: 1, max: HOUR }), fc.boolean(), (now, ms, draining) => {
        fc.pre(now.pause === undefined);
        const later = decide({ ...now, pausedMs: now.pausedMs + ms }, NOW + ms, draining);
        const shifted = JSON.stringify(decide(now, NOW, draining), (key, value: unknown) => {
          const isTime = ['until', 'stale', 'since'].includes(key) || (key === 'after' && now.clear.looks === 0);
          return isTime && typeof value === 'number' ? value + ms : value;
        });
        expect(JSON.stringify(later)).toBe(shifted);
      }),
    );
  });
});
