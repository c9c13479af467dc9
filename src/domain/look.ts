import { isClear, type Observation, type View } from './fleet.js';
import { total } from './pools.js';
import { stepOf } from './progress.js';
import type { RolloutContext } from './machine.js';
import { fullLanes, isAway, isInHand, isSlotNews, queueOf } from './pace.js';
import { mayStopAt, paceOf, type RolloutState } from './state.js';
import { type StepView, viewOf } from './steps.js';

/** How to look: seconds while something moves, a minute when calm; never before `after`. */
export interface Look {
  readonly pace: 'busy' | 'calm';
  readonly after: number;
  /** Absolute: when it was decided on. The longer it goes on for nothing, the slower it gets. */
  readonly since: number;
  /** Absolute: from this time on other counts than the last ones are news, so that no status is older than it says. */
  readonly stale: number;
  /** Whether an error of Fly's ends the look; else it is tried again at the look's pace, and any list at all is news. */
  readonly errors: 'told' | 'retried';
  /** Absolute: the look comes back at this time at the latest. */
  readonly until: number;
  /** Somebody has a slot by a look that is too old to be believed: it comes back at once, and ends the one under way. */
  readonly afresh?: true;
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

/** From when on machines that never rest are stopped, and which of them. */
export interface Force {
  /** A machine has had its time this long after its last start, ms, pauses added. */
  readonly afterMs: number;
  /** Nobody is stopped before this time. */
  readonly from: number;
}

/** What one look is told: what the workflow knows of the machines, and how to look. */
export interface LookOrder extends Omit<View, 'now' | 'since' | 'flyNow' | 'whole' | 'unlisted' | 'bornSince'> {
  readonly context: RolloutContext;
  readonly look: Look;
  readonly expected: Expected;
  /** Left out where nobody is ever stopped. */
  readonly force?: Force;
  /** Lanes where machines wait for a slot, with what there is: one more is no news unless it makes more slots. */
  readonly waiting: Readonly<Record<string, number>>;
  /** Machines that had passed at the last look, where others wait for one more; left out where none does. */
  readonly passed?: number;
  /** The last counts, as `countsOf` writes them; empty before the first look of a run. */
  readonly counts: string;
}

/** What is known where nothing was done yet. @param now ms; Fly's clock is taken for ours. */
export const firstView = (now: number, step: StepView): View => ({
  now,
  since: now,
  flyNow: now,
  bornSince: now,
  step,
  trials: [],
  accepted: [],
  spared: [],
  whole: true,
  unlisted: 0,
  doubt: [],
  taken: [],
  away: [],
  landed: {},
  lately: {},
  fallen: {},
  failed: [],
  forgiven: {},
});

/** The counts of a look in one text, to be compared. */
function countsOf(seen: Observation): string {
  const sums = (['selected', 'atTarget', 'verified', 'failed', 'foreign', 'left'] as const).map((count) =>
    total(seen.pools, count),
  );
  const outside = Object.entries(seen.outside)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([standing, n]) => `${standing} ${n}`);
  return [...sums, seen.stragglers, seen.overdue, seen.held, seen.unreachable, seen.busy, ...outside].join(',');
}

export function lookOrder(state: RolloutState, look: Look): LookOrder {
  return {
    context: state.plan.context,
    look,
    ...forceOf(state),
    ...passedOf(state),
    trials: Object.keys(state.trials),
    taken: takenOf(state),
    away: awayOf(state),
    landed: state.landed,
    lately: state.plan.context.back === undefined ? {} : state.lately,
    fallen: fallenOf(state),
    failed: Object.keys(state.failed),
    accepted: Object.entries(state.failed).flatMap(([id, { accepted }]) => (accepted ? [id] : [])),
    spared: Object.keys(state.vain).filter((id) => mayStopAt(state, id) > look.since),
    step: viewOf(stepOf(state)),
    doubt: Object.keys(state.unknown),
    forgiven: state.forgiven,
    expected: {
      listed: state.plan.listed,
      unlisted: state.plan.unlisted,
      trustedAt: state.plan.plannedAt + TRUSTED_AFTER_MS,
    },
    waiting: fullLanes(state.queue, paceOf(state)),
    counts: state.seen === undefined ? '' : countsOf(state.seen),
  };
}

/** In flight, resting, or stopped by us and about to go on. */
const takenOf = (state: RolloutState): string[] => [
  ...Object.keys(state.inFlight),
  ...Object.keys(state.resting),
  ...waitingOurs(state),
];

/** What slots count as away themselves: those in flight, and those that we hold while they wait. */
const awayOf = (state: RolloutState): string[] => [
  ...Object.keys(state.inFlight),
  ...Object.entries(state.resting).flatMap(([id, rest]) => (isInHand(rest) ? [id] : [])),
  ...waitingOurs(state),
];

/** What it rests from may have stopped it; what we hold is away, and is told as such. */
const fallenOf = ({ resting }: RolloutState): Record<string, number> =>
  Object.fromEntries(
    Object.entries(resting).flatMap(([id, rest]) =>
      !isAway(rest) && (rest.working !== undefined || rest.crashed === true) ? [[id, rest.tries] as const] : [],
    ),
  );

/** Stopped by us and about to go on: no look finds anything about them. */
const waitingOurs = ({ queue }: RolloutState): string[] =>
  queue.filter(({ working }) => working === 'ours').map(({ id }) => id);

function forceOf({ plan, startedAt, pausedMs }: RolloutState): { force?: Force } {
  if (plan.forceAfterMs === undefined) return {};
  const afterMs = plan.forceAfterMs + pausedMs;
  return { force: { afterMs, from: startedAt + afterMs } };
}

/** Some wait for others to show that the new version works. */
function passedOf(state: RolloutState): { passed?: number } {
  const { boots, ramp } = paceOf(state);
  const isShowing = state.plan.context.inPlace === true && stepOf(state).kind === 'update';
  const isAwaited =
    isShowing ||
    boots !== undefined ||
    (ramp !== undefined && state.queue.some(({ working }) => working !== undefined));
  return isAwaited ? { passed: total(state.seen?.pools ?? [], 'verified') } : {};
}

/** Whether a look has something to say: a machine that may get a slot, nothing left to do, a new failure, other counts. */
export function isNews(seen: Observation, order: LookOrder): boolean {
  const { look, waiting, counts, passed, trials, step, context } = order;
  if (seen.candidates.some((one) => isSlotNews(one, seen.pools, waiting))) return true;
  if (passed !== undefined && (total(seen.pools, 'verified') > passed || seen.trials.length < trials.length))
    return true;
  if (seen.sick.length > 0 || isClear(seen, step, context.inPlace === true)) return true;
  // Whoever started it wants to read what it waits for: the first look of a run comes back whatever it saw.
  if (counts === '' || look.errors === 'retried' || seen.at >= look.until) return true;
  return seen.at >= look.stale && countsOf(seen) !== counts;
}

/** It was sent off before some of that came to be which it would have to look at. */
function isBlind({ trials, landed, taken }: LookOrder, state: RolloutState): boolean {
  // What a machine on trial shows, and the capacity that it is not yet, only a look tells that knows of it.
  if (Object.keys(state.trials).some((id) => !trials.includes(id))) return true;
  if (Object.keys(state.landed).some((id) => !Object.hasOwn(landed, id))) return true;
  // It passes over whoever was in our hands: one in doubt that is not any more is to be looked into.
  const now = new Set(takenOf(state));
  return taken.some((id) => Object.hasOwn(state.unknown, id) && !now.has(id));
}

/**
 * Whether a look under way is blind to what it would have to tell now: it was told of a lane that it is full, or not
 * yet, and has it pass over machines there; of a doubt, and has it wait for an end that has come; or it does not know
 * for whom others wait.
 */
export function isOutdated(order: LookOrder, state: RolloutState): boolean {
  const { context, waiting, doubt, passed, step } = order;
  if (doubt.some((id) => !Object.hasOwn(state.unknown, id))) return true;
  if (context.pin !== state.plan.context.pin || context.back?.hash !== state.plan.context.back?.hash) return true;
  if (JSON.stringify(step) !== JSON.stringify(viewOf(stepOf(state)))) return true;
  if (isBlind(order, state)) return true;
  const awaited = passedOf(state).passed;
  if (awaited !== undefined && awaited !== passed) return true;
  const now = fullLanes(state.queue, paceOf(state));
  const lanes = Object.entries(waiting);
  // Slots among idle machines are there again when one lands; capacity only when a look shows it.
  const untold = state.queue.filter(({ working }) => working !== undefined).map(queueOf);
  return lanes.some(([lane, slots]) => now[lane] !== slots) || untold.some((lane) => now[lane] !== waiting[lane]);
}
