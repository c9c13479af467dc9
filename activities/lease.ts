import { leaseText } from '../src/domain/change.js';
import { FlyError } from '../src/fly/errors.js';
import type { Lease } from '../src/fly/wire.js';
import type { UpdateOrder } from '../src/domain/orders.js';
import type { UpdateDeps } from './update-machine.js';

/** Seconds; a killed worker's lease is gone after this, and nothing of ours outlives it. */
const TTL_S = 60;

/** A lease older than this is refreshed before anything relies on it. */
const FRESH_MS = 25_000;

/** A lease we hold. */
export interface Held {
  readonly nonce: () => string;
  /** The machine's version as its host told with the lease. */
  readonly version: string | undefined;
  /** An older attempt of this rollout held it, and is fenced off now. */
  readonly fenced: boolean;
  /** Refreshes it when it is no longer young: a write must never ride on a lease that may have run out. */
  fresh(): Promise<void>;
  /** Gives it back; what cannot be given back runs out by itself. */
  release(): Promise<void>;
}

export type Taken =
  { readonly kind: 'held'; readonly lease: Held } | { readonly kind: 'held by another'; readonly retryAfterMs: number };

/**
 * Takes the machine's lease. When it is held under this rollout's own description an older attempt left it (its
 * worker died, or still runs unseen): it is released with its own nonce, which a GET shows (docs
 * machines_lease_get_resp), and a new one taken, so that whatever the older attempt still sends is refused.
 */
export async function takeLease(order: UpdateOrder, deps: UpdateDeps): Promise<Taken> {
  const { app, rollout } = order.context;
  const { id } = order.machine;
  const body = { ttl: TTL_S, description: leaseText(rollout) };
  const acquire = async (fenced: boolean): Promise<Taken> => {
    const takenAt = deps.clock.now();
    const lease = await deps.fly.acquireLease(app, id, body);
    return { kind: 'held', lease: hold({ order, deps, lease, takenAt, fenced }) };
  };
  try {
    return await acquire(false);
  } catch (error) {
    if (!(error instanceof FlyError) || error.code !== 'lease_held') throw error;
    const found = await deps.fly.findLease(app, id);
    if (found !== undefined && found.description !== body.description) {
      return { kind: 'held by another', retryAfterMs: error.failure.retryAfterMs ?? 15_000 };
    }
    if (found !== undefined) await deps.fly.releaseLease(app, id, found.nonce);
    return acquire(true);
  }
}

function hold(held: { order: UpdateOrder; deps: UpdateDeps; lease: Lease; takenAt: number; fenced: boolean }): Held {
  const { app, rollout } = held.order.context;
  const { id } = held.order.machine;
  const { fly, clock } = held.deps;
  let { nonce } = held.lease;
  let takenAt = held.takenAt;
  return {
    nonce: () => nonce,
    version: held.lease.version ?? undefined,
    fenced: held.fenced,
    fresh: async () => {
      const now = clock.now();
      if (now - takenAt < FRESH_MS) return;
      ({ nonce } = await fly.refreshLease(app, id, { ttl: TTL_S, description: leaseText(rollout) }, nonce));
      takenAt = now;
    },
    release: async () => {
      try {
        await fly.releaseLease(app, id, nonce);
      } catch {
        // Whether it is gone already or cannot be reached: it runs out within its 60 s.
      }
    },
  };
}
