import { isClear, type Observation, placeKey, total, type View } from './fleet.js';
import type { RolloutContext } from './machine.js';
import { fullPlaces, slotsAt } from './pace.js';
import { paceOf, type RolloutState } from './state.js';

/** How to look: seconds while something moves, a minute when calm; never before `after`. */
export interface Look {
  readonly pace: 'busy' | 'calm';
  readonly after: number;
  /** Absolute: from this time on other counts than the last ones are news, so that no status is older than it says. */
  readonly stale: number;
  /** Whether an error of Fly's ends the look; else it is tried again at the look's pace, and any list at all is news. */
  readonly errors: 'told' | 'retried';
  /** Absolute: the look comes back at this time at the latest. */
  readonly until: number;
}

/** The last whole list: a shorter one never proves an end, one below half is not believed at once. */
export interface Expected {
  readonly listed: number;
  /** How many more the app counted when planned; believed from `trustedAt` on, ms. */
  readonly unlisted: number;
  readonly trustedAt: number;
}

/** Lists have been wrong for minutes (Fly's incident of April 2026). */
const TRUSTED_AFTER_MS = 600_000;

/** What one look is told: what the workflow knows of the machines, and how to look. */
export interface LookOrder extends Omit<View, 'now' | 'whole' | 'unlisted'> {
  readonly context: RolloutContext;
  readonly look: Look;
  readonly expected: Expected;
  /** Places where machines wait for a slot, with the slots there are: one more is no news unless it makes more slots. */
  readonly waiting: Readonly<Record<string, number>>;
  /** The last counts, as `countsOf` writes them; empty before the first look of a run. */
  readonly counts: string;
}

/** The counts of a look in one text, to be compared. */
function countsOf(seen: Observation): string {
  const sums = (['selected', 'atTarget', 'verified', 'failed', 'foreign', 'left'] as const).map((count) =>
    total(seen.pools, count),
  );
  const outside = Object.entries(seen.outside)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([standing, n]) => `${standing} ${n}`);
  return [...sums, seen.stragglers, seen.unreachable, seen.busy, ...outside].join(',');
}

export function lookOrder(state: RolloutState, look: Look): LookOrder {
  return {
    context: state.plan.context,
    look,
    taken: [...Object.keys(state.inFlight), ...Object.keys(state.resting)],
    failed: Object.keys(state.failed),
    doubt: Object.keys(state.unknown),
    forgiven: state.forgiven,
    expected: {
      listed: state.plan.listed,
      unlisted: state.plan.unlisted,
      trustedAt: state.plan.plannedAt + TRUSTED_AFTER_MS,
    },
    waiting: fullPlaces(state.queue, paceOf(state)),
    counts: state.seen === undefined ? '' : countsOf(state.seen),
  };
}

/** Whether a look has something to say: a machine that may get a slot, nothing left to do, a new failure, other counts. */
export function isNews(seen: Observation, { look, waiting, counts }: LookOrder): boolean {
  if (seen.candidates.some((one) => slotsAt(seen.pools, one) > (waiting[placeKey(one)] ?? 0))) return true;
  if (seen.sick.length > 0 || isClear(seen)) return true;
  // Whoever started it wants to read what it waits for: the first look of a run comes back whatever it saw.
  if (counts === '' || look.errors === 'retried' || seen.at >= look.until) return true;
  return seen.at >= look.stale && countsOf(seen) !== counts;
}

/**
 * Whether a look under way is blind to what it would have to tell now: it was told of a place that it is full, and has
 * it pass over machines there; or of a doubt, and has it wait for an end that has come.
 */
export function isOutdated({ waiting, doubt }: LookOrder, state: RolloutState): boolean {
  if (doubt.some((id) => !Object.hasOwn(state.unknown, id))) return true;
  const now = fullPlaces(state.queue, paceOf(state));
  return Object.entries(waiting).some(([place, slots]) => now[place] !== slots);
}
