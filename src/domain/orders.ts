import type { Look } from './decide.js';
import type { Candidate, View } from './fleet.js';
import type { RolloutContext } from './machine.js';
import { selectionFor } from './selection.js';
import type { RolloutState } from './state.js';

/** What one machine's update is told. */
export interface UpdateOrder {
  /** Its selection is narrowed to this machine. */
  readonly context: RolloutContext;
  readonly machine: Candidate;
  /** A person's retries so far. */
  readonly n: number;
  /** The version before an order whose end nobody knows: traces of it are looked for before any write. */
  readonly inDoubtSince?: string;
}

/** What one look is told: what the workflow knows of the machines, and how to look. */
export interface LookOrder extends Omit<View, 'now' | 'whole'> {
  readonly context: RolloutContext;
  readonly look: Look;
  /** Machines the last whole list held: a shorter one never proves an end, one below half is not believed at once. */
  readonly expected: number;
}

export function updateOrder(state: RolloutState, machine: Candidate): UpdateOrder {
  const { context } = state.plan;
  const inDoubtSince = state.unknown[machine.id];
  return {
    context: {
      ...context,
      selection: selectionFor(context.selection, machine.id),
      unread: context.unread.filter((id) => id === machine.id),
    },
    machine,
    n: state.retries[machine.id] ?? 0,
    ...(inDoubtSince === undefined ? {} : { inDoubtSince }),
  };
}

export function lookOrder(state: RolloutState, look: Look): LookOrder {
  return {
    context: state.plan.context,
    look,
    taken: [...Object.keys(state.inFlight), ...Object.keys(state.resting)],
    failed: Object.keys(state.failed),
    doubt: Object.keys(state.unknown),
    forgiven: state.forgiven,
    expected: state.plan.listed,
  };
}
