import type { Candidate } from './candidates.js';
import type { RolloutContext } from './machine.js';
import { selectionFor } from './selection.js';
import type { RolloutState } from './state.js';

/** What one machine's update is told. */
export interface UpdateOrder {
  /** Narrowed to this machine: fifty orders travel together, and a fleet may have thousands of images. */
  readonly context: RolloutContext;
  readonly machine: Candidate;
  /** A person's retries so far. */
  readonly n: number;
  /** For a machine that has had its time: it is stopped when its last start is this long ago, ms. */
  readonly forceAfterMs?: number;
  /** How long one that works is out of the proxy's routing before its update; left out, it is not taken out. */
  readonly drainMs?: number;
  /** Started after its update. */
  readonly boot?: true;
  /** As `machine.bornAt`, before the first order whose end nobody knows: its traces are looked for before any write. */
  readonly inDoubtSince?: number;
}

/** @param machine as launched: its flight says whether it is booted. */
export function updateOrder(state: RolloutState, machine: Candidate): UpdateOrder {
  const { context, forceAfterMs } = state.plan;
  const mayStop = forceAfterMs !== undefined && machine.working !== undefined;
  const doubt = state.unknown[machine.id];
  // Of a write forward there is nothing to repeat on the way back: what it left is taken back like any other.
  const inDoubtSince = doubt?.forward === true ? undefined : doubt?.bornAt;
  return {
    context: {
      ...context,
      origins: context.origins.filter((digest) => digest === (machine.digest ?? '')),
      selection: selectionFor(context.selection, machine.id),
      cut: context.cut.filter((id) => id === machine.id),
      unread: context.unread.filter((id) => id === machine.id),
    },
    machine,
    n: state.retries[machine.id] ?? 0,
    ...(state.plan.drainMs === undefined ? {} : { drainMs: state.plan.drainMs }),
    ...(mayStop ? { forceAfterMs: forceAfterMs + state.pausedMs } : {}),
    ...(state.inFlight[machine.id]?.boot ? { boot: true } : {}),
    ...(inDoubtSince === undefined ? {} : { inDoubtSince }),
  };
}
