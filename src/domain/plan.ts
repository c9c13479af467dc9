import type { Amount, InputType, Source } from '../input/types.js';
import type { RolloutContext } from './machine.js';
import type { Step } from './steps.js';

/** What the plan settles once; it travels with the rollout through continue-as-new. */
export interface Plan {
  readonly type: InputType;
  readonly context: RolloutContext;
  readonly plannedAt: number;
  /** One after another; the last ends when two looks in a row find nothing left to do. */
  readonly steps: readonly Step[];
  /** Left out where the steps have ends of their own. */
  readonly deadlineMs?: number;
  readonly maxFailed: Amount;
  readonly onFailure: 'pause' | 'rollback';
  /** See `ChangeInput`. */
  readonly maxMixedMs?: number;
  /** Working machines are stopped this long after their last start; left out: never. */
  readonly forceAfterMs?: number;
  /** Machines that are updated where they are leave the proxy's routing so long before. */
  readonly drainMs?: number;
  /** See `Pace`. */
  readonly ramp?: number;
  /** Machines that are started after their update, before any other is updated, to see whether the new version works. */
  readonly bootFirst: number;
  /** Machines of the selection when planned. */
  readonly selected: number;
  /** Machines of the app in the last whole list, selected or not. */
  readonly listed: number;
  /** How many more the app counted when planned than any list showed. */
  readonly unlisted: number;
  /** As the operator wrote it, and what it was pinned to. */
  readonly target: string;
  readonly notes: readonly string[];
  /** Who is told of it, by the names of the worker's config; left out: nobody. */
  readonly sinks?: readonly string[];
  readonly source?: Source;
  /** Search attributes that the namespace has. */
  readonly attributes: readonly string[];
}
