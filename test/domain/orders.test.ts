import { describe, expect, test } from 'vitest';
import { updateOrder } from '../../src/domain/orders.js';
import { onLost, onUpdated } from '../../src/domain/landing.js';
import { applyVerb } from '../../src/domain/verbs.js';
import { candidate, context, failure, flight, flying, M1, M2, NOW, plan, state, UPDATED } from './build.js';

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

  test('carries of all the origins only its machine’s own, so that fifty orders stay small', () => {
    const origins = Array.from({ length: 3_000 }, (_, n) => `sha256:${n}`);
    const about = state({ plan: plan({ context: context({ origins }) }) });
    const originsFor = (digest: string) => updateOrder(about, candidate(M1, { digest })).context.origins;
    expect(originsFor('sha256:7')).toEqual(['sha256:7']);
    expect(originsFor('sha256:other')).toEqual([]);
  });

  test('carries a person’s retries of that machine', () => {
    const retried = applyVerb(state({ failed: { [M1]: failure() } }), 'retry', undefined, NOW);
    const after = retried.ok ? retried.state : state();
    expect([updateOrder(after, candidate(M1)).n, updateOrder(after, candidate(M2)).n]).toEqual([1, 0]);
  });

  test('carries a doubt, since the newest birth before the first order whose end nobody knows', () => {
    const lost = onLost(flying(M1, { inFlight: { [M1]: flight(M1, { bornAt: 7 }) } }), M1, NOW);
    expect(updateOrder(lost, candidate(M1, { bornAt: 9 }))).toMatchObject({ inDoubtSince: 7 });
    expect(updateOrder(lost, candidate(M2))).not.toHaveProperty('inDoubtSince');
  });

  test('carries the digest that the first update taught', () => {
    const { pin: _pin, ...bare } = context();
    const learnt = onUpdated(flying(M1, { plan: plan({ context: bare }) }), M1, UPDATED, NOW);
    expect(updateOrder(learnt, candidate(M2)).context.pin).toBe(UPDATED.digest);
  });
});
