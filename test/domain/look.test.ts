import { describe, expect, test } from 'vitest';
import { isNews, isOutdated, lookOrder, type LookOrder } from '../../src/domain/look.js';
import { type RolloutState } from '../../src/domain/state.js';
import { onLooked } from '../../src/domain/seeing.js';
import {
  candidate,
  context,
  doubt,
  failure,
  flight,
  M1,
  M2,
  M3,
  MINUTE,
  NOW,
  pool,
  rest,
  seen,
  state,
} from './build.js';

const LOOK = {
  pace: 'busy',
  errors: 'told',
  since: 0,
  after: NOW,
  stale: NOW + MINUTE,
  until: NOW + 2 * MINUTE,
} as const;

describe('the order of a look', () => {
  test('leaves out what is in flight or rests, and says which have failed and what is forgiven', () => {
    const now = state({
      inFlight: { [M1]: flight(M1) },
      resting: { [M2]: rest(M2) },
      failed: { [M3]: failure() },
      forgiven: { [M3]: NOW },
      queue: [candidate('m4')],
      unknown: { m5: doubt() },
    });
    expect(lookOrder(now, LOOK)).toEqual({
      context: context(),
      look: LOOK,
      step: { kind: 'update', scope: {} },
      taken: [M1, M2],
      away: [M1],
      landed: {},
      lately: {},
      fallen: {},
      trials: [],
      accepted: [],
      spared: [],
      failed: [M3],
      doubt: ['m5'],
      forgiven: { [M3]: NOW },
      expected: { listed: 5, unlisted: 0, trustedAt: NOW + 10 * MINUTE },
      waiting: { 'ord worker': Number.MAX_SAFE_INTEGER },
      counts: '',
    });
  });

  test('expects as many machines as the last whole list held, the plan’s before the first', () => {
    const after = (whole: boolean) =>
      lookOrder(onLooked(state(), { kind: 'seen', observation: seen({ listed: 3, whole }) }, NOW), LOOK).expected
        .listed;
    expect(lookOrder(state(), LOOK).expected.listed).toBe(5);
    expect(after(true)).toBe(3);
    expect(after(false)).toBe(5);
  });
});

describe('a look comes back', () => {
  const LAST = seen({ stragglers: 4 });
  const order = (more: Partial<LookOrder> = {}): LookOrder => ({
    ...lookOrder(state({ seen: LAST }), LOOK),
    ...more,
  });
  const idle = seen({ stragglers: 4, candidates: [candidate(M1)] });

  test('for a machine that may be updated', () => {
    expect(isNews(LAST, order())).toBe(false);
    expect(isNews(idle, order())).toBe(true);
  });

  test('not for one more where machines wait for a slot already, but for one elsewhere', () => {
    const waiting = order({ waiting: { 'ord worker': 2 } });
    expect(isNews(idle, waiting)).toBe(false);
    expect(isNews({ ...idle, pools: [pool({ idle: 6 })] }, waiting)).toBe(true);
    const elsewhere = { ...candidate(M2), region: 'ams' };
    expect(isNews(seen({ candidates: [candidate(M1), elsewhere] }), waiting)).toBe(true);
    expect(isNews(seen({ candidates: [{ ...candidate(M2), group: 'web' }] }), waiting)).toBe(true);
  });

  test('at once while nothing has been seen yet: whoever started it wants to read what it waits for', () => {
    expect(isNews(LAST, order({ counts: '' }))).toBe(true);
  });

  test('when nothing is left to do, unless the list is short', () => {
    const done = seen({ pools: [pool({ left: 0, atTarget: 4 })], stragglers: 4 });
    expect(isNews(done, order())).toBe(true);
    expect(isNews({ ...done, whole: false }, order())).toBe(false);
  });

  test('for a failure, also while others wait for a slot', () => {
    const sick = { id: M3, region: 'ord', group: 'worker', code: 'exit_code' as const, says: 'x', at: NOW };
    expect(isNews({ ...LAST, sick: [sick] }, order({ waiting: { 'ord worker': 2 } }))).toBe(true);
  });

  test('at its end, whatever it saw', () => {
    expect(isNews({ ...LAST, at: LOOK.until - 1 }, order())).toBe(false);
    expect(isNews({ ...LAST, at: LOOK.until }, order())).toBe(true);
  });

  test.each([
    ['a straggler went', seen({ stragglers: 3 })],
    ['one was verified', seen({ stragglers: 4, pools: [pool({ verified: 1 })] })],
    ['a host went away', seen({ stragglers: 4, unreachable: 1 })],
    ['one was suspended', seen({ stragglers: 4, outside: { suspended: 1 } })],
  ])('for other counts (%s) once the last ones are stale', (_what, other) => {
    expect(isNews({ ...other, at: LOOK.stale - 1 }, order())).toBe(false);
    expect(isNews({ ...other, at: LOOK.stale }, order())).toBe(true);
  });

  test('not for the same counts, however old', () => {
    expect(isNews({ ...LAST, at: LOOK.stale }, order())).toBe(false);
  });
});

describe('a look is outdated', () => {
  const both = seen({ pools: [pool(), pool({ region: 'ams' })] });
  const full = { a: flight('a'), b: flight('b'), c: flight('c', { region: 'ams' }), d: flight('d', { region: 'ams' }) };
  const ams = candidate(M2, { region: 'ams' });
  const proven = (more: Partial<RolloutState>) => state({ written: 1, seen: both, inFlight: full, ...more });
  const order = lookOrder(proven({ queue: [candidate(M1), ams] }), LOOK);

  test('once nobody waits any more in a place that it was told is full', () => {
    expect(order.waiting).toEqual({ 'ord worker': 2, 'ams worker': 2 });
    expect(isOutdated(order, proven({ queue: [candidate(M3), ams] }))).toBe(false);
    expect(isOutdated(order, proven({ queue: [ams] }))).toBe(true);
  });

  test('once the rollout as a whole has more slots', () => {
    const unproven = lookOrder(state({ seen: both, inFlight: { a: flight('a') }, queue: [candidate(M1)] }), LOOK);
    expect(unproven.waiting).toEqual({ 'ord worker': Number.MAX_SAFE_INTEGER });
    expect(isOutdated(unproven, proven({ queue: [candidate(M3)] }))).toBe(true);
  });

  test('once a doubt that it was told of has ended: it would wait for its end', () => {
    const doubted = lookOrder(state({ unknown: { [M1]: doubt(), [M2]: doubt() } }), LOOK);
    expect(isOutdated(doubted, state({ unknown: { [M1]: doubt(), [M2]: doubt(), [M3]: doubt() } }))).toBe(false);
    expect(isOutdated(doubted, state({ unknown: { [M2]: doubt() } }))).toBe(true);
  });

  test('never where it was told of none', () => {
    expect(isOutdated(lookOrder(state(), LOOK), proven({ queue: [ams] }))).toBe(false);
  });

  test('nor is a place full where only a standby waits for its machine', () => {
    const standby = candidate(M3, { standbyFor: ['a'] });
    const now = state({ written: 1, seen: both, inFlight: { a: flight('a') }, queue: [standby] });
    expect(lookOrder(now, LOOK).waiting).toEqual({});
  });
});
