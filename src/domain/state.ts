import { hasImage, isRestartOnly } from './change.js';
import type { Candidate } from './candidates.js';
import type { Diary } from './diary.js';
import type { Observation } from './fleet.js';
import type { Plan } from './plan.js';
import { type Flight, isBootable, isInHand, type Landed, type Pace, type Trial } from './pace.js';
import { type Place, total } from './pools.js';
import { reachedBy, beginStep, type StepState } from './steps.js';
import type { Evidence } from './verdict.js';
import type { Waits } from './waits.js';

/**
 * Why it is paused. Only `fly_unavailable` ends by itself: when Fly lists the fleet again; the others need a person.
 */
export type PauseCode =
  | 'asked'
  | 'failures'
  | 'list_suspect'
  | 'superseded'
  | 'fly_auth'
  | 'fly_unavailable'
  | 'stuck'
  | 'gate_failed'
  | 'gate_silent'
  | 'judge_unavailable'
  | 'approval_expired'
  | 'needs_person'
  | 'mixed_too_long';

export interface Pause {
  readonly code: PauseCode;
  /** The gate that it is about. */
  readonly gate?: string;
  readonly says: string;
  readonly by?: string;
  readonly since: number;
}

export interface Stop {
  readonly kind: 'abort' | 'cancel';
  readonly says: string;
  readonly by?: string;
  readonly since: number;
}

/** Why a rollout goes back, by a person's word or of itself. */
export interface Turn {
  readonly says: string;
  readonly by?: string;
  readonly since: number;
  /** What had failed when it turned. */
  readonly failed: Readonly<Record<string, Failure>>;
}

export interface Failure extends Evidence {
  readonly region: string;
  readonly group: string;
  /** A person resumed in spite of it: it no longer pauses, and still ends the rollout Partial. */
  readonly accepted: boolean;
}

/** A machine that Fly would not let us update just now; it is tried again, and never counts as a failure. */
export interface Rest extends Candidate {
  readonly until: number;
  readonly tries: number;
  readonly says: string;
}

/** The first order in doubt counts: what was born since may be its write. */
export interface Doubt extends Place {
  /** Fly's time of the machine's newest birth of a version before it, ms. */
  readonly bornAt: number;
  /** On the way back: of an order before it. */
  readonly forward?: true;
}

/** How often what it says could not be put back. */
export interface Held extends Place {
  readonly tries: number;
  /** Nothing is held of it: only a write that may come late is fenced off. */
  readonly fenceOnly?: true;
}

/** The one state of a rollout. Everything but `inFlight`, `queue`, `seen` and `seenAt` survives continue-as-new. */
export interface RolloutState {
  readonly v: 1;
  readonly plan: Plan;
  readonly startedAt: number;
  readonly pausedMs: number;
  /** When the last pause ended. */
  readonly resumedAt?: number;
  readonly pause?: Pause;
  readonly stop?: Stop;
  readonly step: StepState;
  /** Waits that a person has ended, by name. */
  readonly proceeded: readonly string[];
  /** It goes back: as soon as nothing is in flight, when `plan.context.back` is not there yet. */
  readonly turned?: Turn;
  /** Failures on the way back without a success in between. */
  readonly failedInRow: number;
  readonly failed: Readonly<Record<string, Failure>>;
  /** A person's retries, by machine: the `n` of its next mark. */
  readonly retries: Readonly<Record<string, number>>;
  readonly forgiven: Readonly<Record<string, number>>;
  /** Machines with an order whose end nobody knows: the next one looks for traces first. */
  readonly unknown: Readonly<Record<string, Doubt>>;
  readonly resting: Readonly<Record<string, Rest>>;
  readonly inFlight: Readonly<Record<string, Flight>>;
  /** Machines with an order that may have left a hold on them: it is put right before a rollout pauses or ends. */
  readonly holds: Readonly<Record<string, Held>>;
  readonly trials: Readonly<Record<string, Trial>>;
  /** Whose orders took capacity and landed lately: no capacity until a list shows what became of them. */
  readonly landed: Readonly<Record<string, Landed>>;
  /** Whom the change was written to in the last minute, and when, ms: lists may show them as they were before. */
  readonly lately: Readonly<Record<string, number>>;
  /** As many as `bootFirst` asks for have passed, or no machine could be booted. */
  readonly booted?: true;
  /** Machines booted so far, whatever came of them. */
  readonly boots: number;
  /**
   * Fly is back, and has not served an update since: one at a time, and the first error tells, unless it is again that
   * of this machine (`''`: of none).
   */
  readonly wary?: string;
  /** The machine whose error came last when Fly was found to be away. */
  readonly lastTroubled?: string;
  /** Stopped in vain: put right without an update. Each is given twice the time before it is stopped again. */
  readonly vain: Readonly<Record<string, { readonly times: number; readonly at: number }>>;
  /** Stopped past "forceAfter", by id. */
  readonly stopped: readonly string[];
  readonly queue: readonly Candidate[];
  readonly seen?: Observation;
  /** When it came in. */
  readonly seenAt?: number;
  /** Machines that Fly's own errors met in a row, without an update that Fly served in between. */
  readonly troubled?: readonly string[];
  /** Lists in a row that Fly did not serve. */
  readonly missedLists?: number;
  /** Foreign machines that a person resumed in spite of. */
  readonly acceptedForeign?: number;
  /** A person resumed in spite of two versions side by side for too long. */
  readonly acceptedMixed?: true;
  /** How many the pause `superseded` asked about: the look that saw them may be of an earlier run. */
  readonly askedForeign?: number;
  /** Looks in a row that found nothing left to do, and when the last one was. */
  readonly clear: { readonly looks: number; readonly at: number };
  readonly waits?: Waits;
  /** When the last update ended with an outcome. */
  readonly landedAt?: number;
  /** When a machine last came to its target, or failed. */
  readonly movedAt?: number;
  /** When there was last something to update after there had been nothing. */
  readonly readyAt?: number;
  readonly written: number;
  readonly interrupted: readonly string[];
  /** What happened, for whoever asks later. */
  readonly diary?: Diary;
  /** Brought back by their image alone, since Fly no longer keeps what they ran. */
  readonly imageOnly: readonly string[];
  readonly notice?: string;
}

const none: Readonly<Record<string, never>> = {};

export function begin(plan: Plan, now: number): RolloutState {
  const maps = {
    failed: none,
    retries: none,
    forgiven: none,
    unknown: none,
    resting: none,
    inFlight: none,
    holds: none,
    trials: none,
    landed: none,
    lately: none,
    vain: none,
  };
  return {
    v: 1,
    plan,
    startedAt: now,
    pausedMs: 0,
    ...maps,
    queue: [],
    step: beginStep(0, now),
    proceeded: [],
    failedInRow: 0,
    clear: { looks: 0, at: 0 },
    written: 0,
    boots: 0,
    interrupted: [],
    imageOnly: [],
    stopped: [],
  };
}

/** What goes into the next run: nothing that a fresh look can find again. Nothing may be in flight. */
export function carry(state: RolloutState): RolloutState {
  const { seen: _seen, seenAt: _at, ...kept } = state;
  const ours = [...state.queue, ...Object.values(state.resting)].filter(({ working }) => working === 'ours');
  return { ...kept, queue: ours, inFlight: none, resting: none, clear: { looks: 0, at: 0 } };
}

export function without<T>(record: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  if (!Object.hasOwn(record, id)) return record;
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== id));
}

/** The absolute deadline, `Infinity` where there is none: pauses stop its clock. */
export function deadlineAt(state: RolloutState, now: number): number {
  if (state.plan.deadlineMs === undefined) return Infinity;
  const pausing = state.pause === undefined ? 0 : now - state.pause.since;
  return state.startedAt + state.plan.deadlineMs + state.pausedMs + pausing;
}

/** Whether any update of this change is known to have settled: in this rollout, or in an earlier start of it. */
const isProven = (state: RolloutState): boolean =>
  state.written > 0 || (state.seen !== undefined && total(state.seen.pools, 'atTarget') > 0);

/** A list may show machines as they were so long ago: an older one proves nothing of what was done since. */
export const LISTS_LAG_MS = 60_000;

/** After so many tries (some ten minutes) a rollout ends all the same, and says what is still held. */
const MOST_TRIES = 8;

/** What may be held and is to be put right before the rollout ends; a pause waits for it however long it takes. */
export const openHolds = ({ holds, pause, stop }: RolloutState): readonly (readonly [string, Held])[] =>
  Object.entries(holds).filter(([, { tries, fenceOnly }]) => {
    const isPaused = pause !== undefined && stop === undefined;
    // A Fly that is away lets nobody fence, and is not to be asked for more than its lists; the next order looks first.
    if (isPaused && fenceOnly === true && pause.code === 'fly_unavailable') return false;
    return tries < MOST_TRIES || isPaused;
  });

/** A stop by whoever asks: what could not be put right so far is tried anew. */
export const stopWith = (state: RolloutState, stop: Stop): RolloutState => ({
  ...state,
  stop,
  holds: Object.fromEntries(Object.entries(state.holds).map(([id, hold]) => [id, { ...hold, tries: 0 }])),
});

/** A person may tell it to go back: it does not yet, and what it changes can be taken back. */
export const canGoBack = ({ plan: { context }, turned }: RolloutState): boolean =>
  turned === undefined && context.back === undefined && !isRestartOnly(context.change);

/** From when on a machine that works may be taken, 0 where none waits for its time: the rollout is old enough, and it was not stopped in vain lately. */
export function mayStopAt({ plan, startedAt, pausedMs, vain }: RolloutState, id: string): number {
  if (plan.forceAfterMs === undefined) return 0;
  const { times = 0, at = 0 } = vain[id] ?? {};
  const first = startedAt + plan.forceAfterMs + pausedMs;
  return times === 0 ? first : Math.max(first, at + plan.forceAfterMs * 2 ** times);
}

/** Boots that are still wanted before anything else is updated; undefined when there are enough, or can be none. */
export function bootsOf(state: RolloutState): number | undefined {
  const { plan, booted, seen, trials, queue, inFlight, resting } = state;
  if (plan.bootFirst === 0 || booted || seen === undefined) return undefined;
  const onTrial = Object.values(trials).filter(({ why }) => why === 'boot').length;
  const canCome = [...queue, ...Object.values(inFlight), ...Object.values(resting)].some(isBootable);
  if (onTrial === 0 && (!canCome || hasBootedInVain(state))) return undefined;
  return Math.max(0, plan.bootFirst - total(seen.pools, 'verified') - onTrial);
}

/** Machines that were booted ended before they could show how they do, twice as many as asked for: more would not help. */
export const hasBootedInVain = ({ plan, boots, booted }: RolloutState): boolean =>
  !booted && plan.bootFirst > 0 && boots >= 2 * plan.bootFirst;

/** Stopped by us and waiting for Fly, they are away as much as those in flight. */
const restingHeld = ({ resting }: RolloutState): Candidate[] => Object.values(resting).filter(isInHand);

/** How many more that work the current batch may take; what is in flight comes on top of what the look counted. */
function batchOf({ plan, step, seen }: RolloutState): Pick<Pace, 'batch'> {
  const current = plan.steps[step.index];
  if (current?.kind !== 'update' || current.batch === undefined) return {};
  return { batch: Math.max(0, current.batch - reachedBy(seen?.pools ?? [], current.scope)) };
}

/** What slots are given out by. */
export const paceOf = (state: RolloutState): Pace => ({
  pools: state.seen?.pools ?? [],
  inFlight: Object.values(state.inFlight),
  resting: restingHeld(state),
  trials: Object.values(state.trials),
  landed: Object.values(state.landed).filter(({ landedAt }) => landedAt >= (state.seen?.since ?? 0)),
  // What it goes back to has run before.
  proven: (state.plan.context.back !== undefined || isProven(state)) && state.wary === undefined,
  pinned:
    state.plan.context.back !== undefined ||
    !hasImage(state.plan.context.change) ||
    state.plan.context.pin !== undefined,
  ramp: state.plan.ramp,
  boots: bootsOf(state),
  ...batchOf(state),
});
