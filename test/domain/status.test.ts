import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Remark } from '../../src/domain/fleet.js';
import type { RolloutState } from '../../src/domain/state.js';
import { deadlineAt } from '../../src/domain/state.js';
import { type Status, statusOf } from '../../src/domain/status.js';
import type { Around } from '../../src/domain/status-waits.js';
import { applyVerb, type Verb, VERBS } from '../../src/domain/verbs.js';
import { states } from './arbitraries.js';
import {
  candidate,
  clearLook,
  failure,
  flight,
  flying,
  HASH,
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
} from './build.js';

const LATER = NOW + MINUTE;
const iso = (ms: number): string => new Date(ms).toISOString();
const status = (of: RolloutState, around: Partial<Around> = {}): Status => statusOf(of, { now: LATER, ...around });
const remark = (id: string, standing: Remark['standing'], says = 'it is so'): Remark => ({
  id,
  region: 'ord',
  group: 'worker',
  standing,
  says,
});
const ENDED = { outcome: 'completed', says: 'all 4 machines are at target', at: NOW + HOUR } as const;

/** Phase, reason, since and message. */
const head = (of: RolloutState, around: Partial<Around> = {}): string[] => {
  const { phase, reason, since, message } = status(of, around);
  return [phase, reason, since, message];
};

describe('phase, reason, since and message', () => {
  test('of a rollout that has just begun: it looks, since its start', () => {
    expect(head(state())).toEqual(['running', 'looking', iso(NOW), 'looking at the fleet']);
  });

  test('of one that looks: since the look began', () => {
    expect(head(state(), { lookingSince: NOW + 9 })).toEqual([
      'running',
      'looking',
      iso(NOW + 9),
      'looking at the fleet',
    ]);
  });

  test('of one that updates: since the oldest update left', () => {
    const two = { [M1]: flight(M1, { since: NOW + 5 }), [M2]: flight(M2, { since: NOW + 2 }) };
    expect(head(state({ inFlight: two }))).toEqual(['running', 'updating', iso(NOW + 2), '2 updates in flight']);
  });

  test('of one that waits: for what, and how many of each', () => {
    const waiting = state({
      seen: seen({ stragglers: 3, unreachable: 1, busy: 2 }),
      resting: { [M1]: rest(M1) },
    });
    expect(head(waiting, { lookingSince: NOW + 9 })).toEqual([
      'running',
      'waiting',
      iso(NOW + 9),
      'waiting for 3 working machines to stop, 1 machine whose host is not ok, 2 machines between two states, 1 machine that Fly would not update just now',
    ]);
  });

  test('of one that is paused: why, since the pause, whatever else goes on', () => {
    expect(head(paused({ seen: seen({ stragglers: 3 }) })).slice(0, 3)).toEqual(['paused', 'asked', iso(NOW)]);
    expect(status(paused()).message).toContain('5xx spike');
    const pause = { code: 'failures', says: 'machine m failed', since: NOW } as const;
    expect(head(state({ pause }))).toEqual(['paused', 'failures', iso(NOW), 'machine m failed']);
  });

  test('of a pause that was asked for: by whom', () => {
    const pause = { code: 'asked', says: '5xx spike', by: 'ann', since: NOW } as const;
    expect(status(state({ pause })).message).toBe('paused by ann: 5xx spike');
  });

  test('of one that is being paused: pausing, until nothing is in flight', () => {
    expect(head(paused({ inFlight: { [M1]: flight(M1) } })).slice(0, 2)).toEqual(['pausing', 'asked']);
  });

  test('of one that ends: who stopped it; of one that has ended: how, when, and why', () => {
    const stop = { kind: 'abort', says: 'wrong image', since: NOW } as const;
    expect(head(flying(M1, { stop }))).toEqual(['running', 'abort', iso(NOW), 'wrong image']);
    expect(head(flying(M1, { stop }), { ended: { outcome: 'aborted', says: 'wrong image', at: LATER } })).toEqual([
      'done',
      'aborted',
      iso(LATER),
      'wrong image',
    ]);
  });
});

describe('what stands at the top', () => {
  test('is the app, the type, the rollout as its marks name it, the target, and the clocks', () => {
    expect(status(state({ written: 7 }))).toMatchObject({
      app: 'encoder',
      type: 'stoppedSweep',
      rollout: `${HASH}.first`,
      target: 'registry.fly.io/encoder:v2',
      startedAt: iso(NOW),
      deadline: iso(NOW + 24 * HOUR),
      written: 7,
    });
  });

  test('is a deadline that moves on while paused', () => {
    expect(status(paused()).deadline).toBe(iso(NOW + 24 * HOUR + MINUTE));
  });

  test('is when the fleet was last seen, and nothing where it was not', () => {
    expect(status(state({ seen: seen({ at: NOW + 3 }) })).observedAt).toBe(iso(NOW + 3));
    expect(status(state())).not.toHaveProperty('observedAt');
  });

  test('are the plan’s notes, and the notice of the last signal that was refused', () => {
    const noted = state({ plan: plan({ notes: ['2 machines are left'] }) });
    expect(status(noted).notes).toEqual(['2 machines are left']);
    expect(status({ ...noted, notice: 'the signal pasue is not known here' }).notes).toEqual([
      '2 machines are left',
      'the signal pasue is not known here',
    ]);
  });
});

describe('the counts', () => {
  test('are the plan’s until a look has counted', () => {
    expect(status(state()).counts).toMatchObject({ selected: 4, left: 4, atTarget: 0, failed: 0 });
  });

  test('are sums over the pools, and over what the rollout itself knows', () => {
    const pools = [
      pool({ selected: 9, atTarget: 5, verified: 2, foreign: 1, left: 2, failed: 1 }),
      pool({ region: 'ams', selected: 3, atTarget: 1, verified: 1, foreign: 0, left: 2 }),
    ];
    const working = state({
      seen: seen({ pools, stragglers: 2, unreachable: 1 }),
      failed: { [M1]: failure() },
      inFlight: { [M2]: flight(M2) },
      resting: { [M3]: rest(M3) },
    });
    expect(status(working).counts).toEqual({
      selected: 12,
      atTarget: 6,
      verified: 3,
      notRunYet: 3,
      failed: 1,
      foreign: 1,
      left: 4,
      inFlight: 1,
      resting: 1,
      working: 2,
      unreachable: 1,
    });
    expect(status(working).pools[1]).toEqual({
      region: 'ams',
      group: 'worker',
      atTarget: 1,
      verified: 1,
      failed: 0,
      foreign: 0,
      left: 2,
    });
  });

  test('say what is outside the selection, by its reason', () => {
    expect(status(state({ seen: seen({ outside: { unmanaged: 2 } }) })).outside).toEqual({ unmanaged: 2 });
  });
});

describe('the machines that are not fine', () => {
  test('are named with place and reason: failed, resting, in flight, then what the look remarked', () => {
    const many = state({
      seen: seen({
        remarks: [
          remark('r1', 'straggler'),
          remark('r2', 'unreachable'),
          remark('r3', 'foreign'),
          remark('r4', 'busy'),
        ],
      }),
      failed: { [M1]: failure({ region: 'ams' }) },
      resting: { [M2]: rest(M2) },
      inFlight: { [M3]: flight(M3) },
    });
    expect(status(many).machines.map((m) => [m.id, m.state, m.says])).toEqual([
      [M1, 'failed', 'reverted: Fly went back to the version before'],
      [M2, 'resting', `Fly answered 503; again at ${iso(NOW + 5_000)}`],
      [M3, 'in flight', `since ${iso(NOW)}`],
      ['r1', 'working', 'it is so'],
      ['r2', 'unreachable', 'it is so'],
      ['r3', 'foreign', 'it is so'],
      ['r4', 'busy', 'it is so'],
    ]);
    expect(status(many).machines[0]).toMatchObject({ region: 'ams', group: 'worker' });
  });

  test('are named once each, by the first thing to say', () => {
    const both = state({
      seen: seen({ remarks: [M1, M2, M3].map((id) => remark(id, 'straggler')) }),
      failed: { [M1]: failure() },
      resting: { [M2]: rest(M2) },
      inFlight: { [M3]: flight(M3), [M1]: flight(M1) },
    });
    expect(status(both).machines.map((m) => [m.id, m.state])).toEqual([
      [M1, 'failed'],
      [M2, 'resting'],
      [M3, 'in flight'],
    ]);
  });

  test('are two hundred at most, the failed ones first', () => {
    const failed = Object.fromEntries(Array.from({ length: 199 }, (_, n) => [`f${n}`, failure()]));
    const remarks = Array.from({ length: 60 }, (_, n) => remark(`r${n}`, 'straggler'));
    const { machines } = status(state({ failed, seen: seen({ remarks }) }));
    expect(machines).toHaveLength(200);
    expect(machines.filter((m) => m.state === 'failed')).toHaveLength(199);
  });

  test('met at work are all named: whoever lost a job wants to know', () => {
    const interrupted = Array.from({ length: 1_000 }, (_, n) => `m${n}`);
    expect(status(state({ interrupted })).interrupted).toEqual(interrupted);
  });
});

describe('the waits', () => {
  test('have a name, a reason, a since and the deadline as the latest', () => {
    const waiting = flying(M1, {
      seen: seen({ stragglers: 2, unreachable: 1, busy: 1 }),
      resting: { [M2]: rest(M2) },
    });
    const { waits } = status(waiting, { lookingSince: NOW + 9 });
    expect(waits.map((wait) => [wait.name, wait.says, wait.since])).toEqual([
      ['sweep:updates', '1 update in flight', iso(NOW)],
      ['sweep:stragglers', '2 working machines to stop', iso(NOW + 9)],
      ['sweep:unreachable', '1 machine whose host is not ok', iso(NOW + 9)],
      ['sweep:busy', '1 machine between two states', iso(NOW + 9)],
      ['sweep:resting', '1 machine that Fly would not update just now', iso(NOW + 9)],
    ]);
    expect(new Set(waits.map((wait) => wait.until))).toEqual(new Set([iso(NOW + 24 * HOUR)]));
  });

  test('of a paused rollout are the pause alone, which has no deadline', () => {
    const [only, ...others] = status(paused({ seen: seen({ stragglers: 2 }) })).waits;
    expect(others).toEqual([]);
    expect(only).toMatchObject({ name: 'pause', since: iso(NOW) });
    expect(only?.says).toContain('5xx spike');
    expect(only).not.toHaveProperty('until');
  });

  test('of one that has ended are none', () => {
    expect(status(state({ seen: seen({ stragglers: 2 }) }), { ended: ENDED }).waits).toEqual([]);
  });
});

const SIGNAL = 'temporal workflow signal --workflow-id rollout:encoder --name';
const REASON = ` --input '{"reason":"…"}'`;

/** Nothing of it could be taken back. */
const restarting = (of: RolloutState): RolloutState => {
  const { image: _image, env: _env, ...change } = of.plan.context.change;
  return { ...of, plan: { ...of.plan, context: { ...of.plan.context, change } } };
};

describe('what can be typed now', () => {
  test.each<[string, RolloutState, readonly string[]]>([
    ['running', state(), [`${SIGNAL} pause${REASON}`, `${SIGNAL} rollback${REASON}`, `${SIGNAL} abort${REASON}`]],
    [
      'running with failures',
      state({ failed: { [M1]: failure() } }),
      [`${SIGNAL} pause${REASON}`, `${SIGNAL} retry`, `${SIGNAL} rollback${REASON}`, `${SIGNAL} abort${REASON}`],
    ],
    ['paused', paused(), [`${SIGNAL} resume`, `${SIGNAL} rollback${REASON}`, `${SIGNAL} abort${REASON}`]],
    [
      'pausing',
      paused({ inFlight: { [M1]: flight(M1) } }),
      [`${SIGNAL} resume`, `${SIGNAL} rollback${REASON}`, `${SIGNAL} abort${REASON}`],
    ],
    [
      'paused with failures',
      paused({ failed: { [M1]: failure() } }),
      [`${SIGNAL} resume`, `${SIGNAL} retry`, `${SIGNAL} rollback${REASON}`, `${SIGNAL} abort${REASON}`],
    ],
    ['only restarting', restarting(state()), [`${SIGNAL} pause${REASON}`, `${SIGNAL} abort${REASON}`]],
    [
      'ending',
      flying(M1, { stop: { kind: 'abort', says: 'x', since: NOW } }),
      ['temporal workflow query --workflow-id rollout:encoder --name status'],
    ],
  ])('%s', (_phase, of, lines) => {
    expect(status(of).canType).toEqual(lines);
  });

  test('at its end is how to read the result', () => {
    expect(status(state(), { ended: ENDED }).canType).toEqual([
      'temporal workflow result --workflow-id rollout:encoder',
    ]);
  });

  test('is never refused', () => {
    fc.assert(
      fc.property(states, (of) => {
        const offered = status(of).canType.filter((line) => line.includes(' signal '));
        for (const line of offered) {
          const verb = VERBS.find((known: Verb) => line.includes(`--name ${known}`)) ?? 'pause';
          const input: unknown = JSON.parse(/'(\{.*\})'/.exec(line)?.[1] ?? 'null');
          expect(line).toContain(`--name ${verb}`);
          expect(applyVerb(of, verb, input, LATER)).toMatchObject({ ok: true });
        }
        expect(offered.length > 0).toBe(of.stop === undefined);
      }),
    );
  });
});

describe('whatever the rollout', () => {
  const around = fc.record({ now: fc.constant(LATER), lookingSince: fc.integer({ min: NOW, max: LATER }) });

  test('no text is missing, and it survives JSON', () => {
    fc.assert(
      fc.property(states, around, (of, near) => {
        const text = JSON.stringify(statusOf(of, near));
        expect(text).not.toMatch(/undefined|NaN|\[object|null/);
        expect(JSON.parse(text)).toEqual(statusOf(of, near));
      }),
    );
  });

  test('each machine is named once, and two hundred at most', () => {
    fc.assert(
      fc.property(states, around, (of, near) => {
        const ids = statusOf(of, near).machines.map((m) => m.id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBeLessThanOrEqual(200);
      }),
    );
  });

  test('it says paused exactly when it is paused and nothing is in flight', () => {
    fc.assert(
      fc.property(states, around, (of, near) => {
        const isStill = of.pause !== undefined && Object.keys(of.inFlight).length === 0;
        expect(statusOf(of, near).phase === 'paused').toBe(isStill);
      }),
    );
  });

  test('whoever waits is told since when, and until when unless it is a pause', () => {
    fc.assert(
      fc.property(states, around, (of, near) => {
        const { waits, reason } = statusOf(of, near);
        const until = of.pause === undefined ? iso(deadlineAt(of, near.now)) : undefined;
        for (const wait of waits) {
          expect(Date.parse(wait.since)).toBeLessThanOrEqual(near.now);
          expect(wait.until).toBe(until);
        }
        expect(waits.length > 0 || !['waiting', 'updating', 'asked', 'failures'].includes(reason)).toBe(true);
      }),
    );
  });

  test('of ten thousand machines it stays small', () => {
    const pools = Array.from({ length: 300 }, (_, n) =>
      pool({ region: `r${n % 30}`, group: `process-group-${n % 10}` }),
    );
    const candidates = Array.from({ length: 200 }, (_, n) => candidate(`m${n}`));
    const inFlight = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`f${n}`, flight(`f${n}`)]));
    const failed = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`x${n}`, failure()]));
    const huge = state({ seen: { ...clearLook(), pools, candidates }, inFlight, failed });
    expect(JSON.stringify(status(huge)).length).toBeLessThan(100 * 1024);
  });
});
