import { describe, expect, test } from 'vitest';
import { lookOrder, updateOrder } from '../../src/domain/orders.js';
import { onLooked, onLost, onUpdated } from '../../src/domain/state.js';
import { applyVerb } from '../../src/domain/verbs.js';
import {
  candidate,
  context,
  failure,
  flight,
  flying,
  M1,
  M2,
  M3,
  NOW,
  plan,
  rest,
  seen,
  state,
  UPDATED,
} from './build.js';

const LOOK = { pace: 'busy', after: NOW, until: NOW + 1 } as const;

describe('the order of an update', () => {
  test('names the machine as the list showed it, and the rollout’s context', () => {
    expect(updateOrder(state(), candidate(M1))).toEqual({ context: context(), machine: candidate(M1), n: 0 });
  });

  test('carries of the named and the hidden machines its own alone: orders stay small', () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => `m${n}`);
    const about = context({ selection: { only: { machines: [M1, ...ids] } }, unread: [...ids, M1] });
    const order = updateOrder(state({ plan: plan({ context: about }) }), candidate(M1));
    expect(order.context.selection).toEqual({ only: { machines: [M1] } });
    expect(order.context.unread).toEqual([M1]);
    expect(updateOrder(state({ plan: plan({ context: about }) }), candidate(M2)).context.unread).toEqual([]);
    expect(JSON.stringify(order).length).toBeLessThan(1_000);
  });

  test('carries a person’s retries of that machine', () => {
    const retried = applyVerb(state({ failed: { [M1]: failure() } }), 'retry', undefined, NOW);
    const after = retried.ok ? retried.state : state();
    expect([updateOrder(after, candidate(M1)).n, updateOrder(after, candidate(M2)).n]).toEqual([1, 0]);
  });

  test('carries a doubt, since the version before the first order whose end nobody knows', () => {
    const lost = onLost(flying(M1, { inFlight: { [M1]: flight(M1, { version: 'v-first' }) } }), M1);
    expect(updateOrder(lost, candidate(M1, { version: 'v-now' }))).toMatchObject({ inDoubtSince: 'v-first' });
    expect(updateOrder(lost, candidate(M2))).not.toHaveProperty('inDoubtSince');
  });

  test('carries the digest that the first update taught', () => {
    const { pin: _pin, ...bare } = context();
    const learnt = onUpdated(flying(M1, { plan: plan({ context: bare }) }), M1, UPDATED, NOW);
    expect(updateOrder(learnt, candidate(M2)).context.pin).toBe(UPDATED.digest);
  });
});

describe('the order of a look', () => {
  test('leaves out what is in flight or rests, and says which have failed and what is forgiven', () => {
    const now = state({
      inFlight: { [M1]: flight(M1) },
      resting: { [M2]: rest(M2) },
      failed: { [M3]: failure() },
      forgiven: { [M3]: NOW },
      queue: [candidate('m4')],
      unknown: { m5: 'v1' },
    });
    expect(lookOrder(now, LOOK)).toEqual({
      context: context(),
      look: LOOK,
      taken: [M1, M2],
      failed: [M3],
      doubt: ['m5'],
      forgiven: { [M3]: NOW },
      expected: 5,
    });
  });

  test('expects as many machines as the last whole list held, the plan’s before the first', () => {
    const after = (whole: boolean) =>
      lookOrder(onLooked(state(), { kind: 'seen', observation: seen({ listed: 3, whole }) }, NOW), LOOK).expected;
    expect(lookOrder(state(), LOOK).expected).toBe(5);
    expect(after(true)).toBe(3);
    expect(after(false)).toBe(5);
  });
});
