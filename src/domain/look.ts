import { isClear, type Observation, placeKey, total, type View } from './fleet.js';
import type { RolloutContext } from './machine.js';
import type { RolloutState } from './state.js';

/** How to look: seconds while something moves, a minute when calm; never before `after`. */
export interface Look {
  readonly pace: 'busy' | 'calm';
  readonly after: number;
  /** Absolute: from this time on other counts than the last ones are news, so that no status is older than it says. */
  readonly stale: number;
  /** Absolute: the look comes back at this time at the latest. */
  readonly until: number;
}

/** What one look is told: what the workflow knows of the machines, and how to look. */
export interface LookOrder extends Omit<View, 'now' | 'whole'> {
  readonly context: RolloutContext;
  readonly look: Look;
  /** The last whole list: a shorter one never proves an end, one below half is not believed at once. */
  readonly expected: { readonly listed: number; readonly unlisted: number };
  /** Regions with process groups where machines wait for a slot: one more there is no news. */
  readonly waiting: readonly string[];
  /** The last counts, as `countsOf` writes them; empty before the first look of a run. */
  readonly counts: string;
}

const waitingPlaces = ({ queue }: RolloutState): string[] => [...new Set(queue.map(placeKey))];

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
    expected: { listed: state.plan.listed, unlisted: state.plan.unlisted },
    waiting: waitingPlaces(state),
    counts: state.seen === undefined ? '' : countsOf(state.seen),
  };
}

/** Whether a look has something to say: a machine that may get a slot, nothing left to do, a new failure, other counts. */
export function isNews(seen: Observation, { look, waiting, counts }: LookOrder): boolean {
  if (seen.candidates.some((candidate) => !waiting.includes(placeKey(candidate)))) return true;
  if (seen.sick.length > 0 || isClear(seen)) return true;
  // Whoever started it wants to read what it waits for: the first look of a run comes back whatever it saw.
  if (counts === '' || seen.at >= look.until) return true;
  return seen.at >= look.stale && countsOf(seen) !== counts;
}

/** Whether a look under way passes over machines that could have a slot now: no others wait where it was told so. */
export function isOutdated({ waiting }: LookOrder, state: RolloutState): boolean {
  const places = waitingPlaces(state);
  return waiting.some((place) => !places.includes(place));
}
