import type { Amount } from '../input/types.js';
import type { Candidate, Observation, Place, Sick } from './fleet.js';
import { isClear, samePlace, total } from './fleet.js';
import type { RolloutContext } from './machine.js';
import type { LookOutcome, UpdateOutcome } from './outcomes.js';
import type { Flight, Pace } from './pace.js';
import {
  pauseOnError,
  pauseOnFailures,
  pauseOnForeign,
  pauseOnNoList,
  pauseOnShortList,
  served,
  unpause,
} from './pauses.js';
import type { Evidence } from './verdict.js';
import { type Waits, waitsAfter } from './waits.js';

/** What the plan settles once; it travels with the rollout through continue-as-new. */
export interface Plan {
  readonly type: 'stoppedSweep';
  readonly context: RolloutContext;
  readonly plannedAt: number;
  readonly deadlineMs: number;
  readonly maxFailed: Amount;
  /** Machines of the selection when planned. */
  readonly selected: number;
  /** Machines of the app in the last whole list, selected or not. */
  readonly listed: number;
  /** How many more the app counted when planned than any list showed. */
  readonly unlisted: number;
  /** As the operator wrote it, and what it was pinned to. */
  readonly target: string;
  readonly notes: readonly string[];
  /** Search attributes that the namespace has. */
  readonly attributes: readonly string[];
}

/**
 * Why it is paused. Only `fly_unavailable` ends by itself: when Fly lists the fleet again; the others need a person.
 */
export type PauseCode = 'asked' | 'failures' | 'list_suspect' | 'superseded' | 'fly_auth' | 'fly_unavailable';

export interface Pause {
  readonly code: PauseCode;
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
}

/** The one state of a rollout. Everything but `inFlight`, `queue` and `seen` survives continue-as-new. */
export interface RolloutState {
  readonly v: 1;
  readonly plan: Plan;
  readonly startedAt: number;
  readonly pausedMs: number;
  readonly pause?: Pause;
  readonly stop?: Stop;
  readonly failed: Readonly<Record<string, Failure>>;
  /** A person's retries, by machine: the `n` of its next mark. */
  readonly retries: Readonly<Record<string, number>>;
  readonly forgiven: Readonly<Record<string, number>>;
  /** Machines with an order whose end nobody knows: the next one looks for traces first. */
  readonly unknown: Readonly<Record<string, Doubt>>;
  readonly resting: Readonly<Record<string, Rest>>;
  readonly inFlight: Readonly<Record<string, Flight>>;
  readonly queue: readonly Candidate[];
  readonly seen?: Observation;
  /** Machines that Fly's own errors met in a row, without an update that Fly served in between. */
  readonly troubled?: readonly string[];
  /** Lists in a row that Fly did not serve. */
  readonly missedLists?: number;
  /** Foreign machines that a person resumed in spite of. */
  readonly acceptedForeign?: number;
  /** Looks in a row that found nothing left to do, and when the last one was. */
  readonly clear: { readonly looks: number; readonly at: number };
  readonly waits?: Waits;
  /** When the last update ended with an outcome. */
  readonly landedAt?: number;
  readonly written: number;
  readonly interrupted: readonly string[];
  readonly notice?: string;
}

const none: Readonly<Record<string, never>> = {};

export function begin(plan: Plan, now: number): RolloutState {
  const maps = { failed: none, retries: none, forgiven: none, unknown: none, resting: none, inFlight: none };
  return {
    v: 1,
    plan,
    startedAt: now,
    pausedMs: 0,
    ...maps,
    queue: [],
    clear: { looks: 0, at: 0 },
    written: 0,
    interrupted: [],
  };
}

/** What goes into the next run: nothing that a fresh look can find again. Nothing may be in flight. */
export function carry(state: RolloutState): RolloutState {
  const { seen: _seen, ...kept } = state;
  return { ...kept, queue: [], inFlight: none, resting: none, clear: { looks: 0, at: 0 } };
}

export function without<T>(record: Readonly<Record<string, T>>, id: string): Readonly<Record<string, T>> {
  if (!Object.hasOwn(record, id)) return record;
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== id));
}

/** The absolute deadline: pauses stop its clock. */
export function deadlineAt(state: RolloutState, now: number): number {
  const pausing = state.pause === undefined ? 0 : now - state.pause.since;
  return state.startedAt + state.plan.deadlineMs + state.pausedMs + pausing;
}

/** An order leaves for a machine. */
export function onLaunched(state: RolloutState, candidate: Candidate, now: number): RolloutState {
  return {
    ...state,
    queue: state.queue.filter((waiting) => waiting.id !== candidate.id),
    resting: without(state.resting, candidate.id),
    inFlight: { ...state.inFlight, [candidate.id]: { ...candidate, since: now } },
  };
}

const restMs = (tries: number, retryAfterMs: number): number =>
  Math.max(retryAfterMs, Math.min(300_000, 5_000 * 2 ** (tries - 1)));

/** No longer in flight. What looks found before it landed proves nothing for the closing pass. */
const land = (state: RolloutState, id: string): RolloutState => ({
  ...state,
  inFlight: without(state.inFlight, id),
  clear: { looks: 0, at: state.clear.at },
});

const inDoubt = ({ unknown }: RolloutState, { id, region, group, bornAt = 0 }: Flight): RolloutState['unknown'] => ({
  ...unknown,
  [id]: unknown[id] ?? { region, group, bornAt },
});

/** An order ended. `tries` of a machine's rest grow until it ends otherwise. */
export function onUpdated(state: RolloutState, id: string, outcome: UpdateOutcome, now: number): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  const back = { ...land(state, id), landedAt: now };
  const landed = outcome.kind === 'error' ? back : served(back);
  switch (outcome.kind) {
    case 'updated':
      return onSuccess({ ...withCount(landed, flight, 'atTarget'), unknown: without(landed.unknown, id) }, id, outcome);
    case 'failed': {
      const { code, says, at } = outcome;
      const failure = { code, says, at, region: flight.region, group: flight.group, accepted: false };
      const failed = { ...landed.failed, [id]: failure };
      const counted = withInterrupted(withCount(landed, flight, 'failed'), id, outcome.interrupted);
      return pauseOnFailures({ ...counted, failed, unknown: without(landed.unknown, id) }, now);
    }
    case 'error': {
      const tries = (flight.tries ?? 0) + 1;
      const rest = { ...flight, tries, until: now + restMs(tries, outcome.retryAfterMs), says: outcome.says };
      const rested = { ...landed, resting: { ...landed.resting, [id]: rest } };
      const noted = outcome.inDoubt ? { ...rested, unknown: inDoubt(landed, flight) } : rested;
      return pauseOnError(noted, id, outcome, now);
    }
    case 'left':
      return outcome.inDoubt ? landed : { ...landed, unknown: without(landed.unknown, id) };
    case 'calledBack':
      return { ...landed, unknown: without(landed.unknown, id) };
  }
}

/** The last look with what an update of ours changed since: a look that finds nothing more to do does not come back. */
function withCount(state: RolloutState, flight: Flight, became: 'atTarget' | 'failed'): RolloutState {
  if (state.seen === undefined) return state;
  const pools = state.seen.pools.map((pool) => {
    return samePlace(pool, flight) && pool.left > 0
      ? { ...pool, left: pool.left - 1, [became]: pool[became] + 1 }
      : pool;
  });
  return { ...state, seen: { ...state.seen, pools } };
}

/** Its update met it at work: reported, whatever else came of it. */
const withInterrupted = (state: RolloutState, id: string, interrupted: boolean): RolloutState =>
  interrupted ? { ...state, interrupted: [...new Set([...state.interrupted, id])] } : state;

function onSuccess(state: RolloutState, id: string, outcome: UpdateOutcome & { kind: 'updated' }): RolloutState {
  const { context } = state.plan;
  const learnt = context.pin === undefined && context.change.image !== undefined && outcome.digest !== undefined;
  const plan = learnt ? { ...state.plan, context: { ...context, pin: outcome.digest ?? '' } } : state.plan;
  const written = state.written + (outcome.wrote ? 1 : 0);
  return withInterrupted({ ...state, plan, written }, id, outcome.interrupted);
}

/** An order ended and nobody can say how far it got: the next one looks for traces before it writes. */
export function onLost(state: RolloutState, id: string): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  return { ...land(state, id), unknown: inDoubt(state, flight) };
}

/** A machine has rested enough. */
export function onRested(state: RolloutState, id: string): RolloutState {
  const rest = state.resting[id];
  if (rest === undefined) return state;
  return { ...state, resting: without(state.resting, id), queue: [...state.queue, rest] };
}

const toFailure = (sick: Sick): Failure => ({ ...sick, accepted: false });

/** A look came back. */
export function onLooked(state: RolloutState, look: LookOutcome, now: number): RolloutState {
  if (look.kind === 'suspect') return pauseOnShortList(state, look, now);
  if (look.kind === 'error') return pauseOnNoList(state, look, now);
  return onSeen(state.pause?.code === 'fly_unavailable' ? unpause(state, now) : state, look.observation, now);
}

function onSeen(before: RolloutState, observation: Observation, now: number): RolloutState {
  const { missedLists: _missed, ...state } = before;
  const busy = (id: string) => Object.hasOwn(state.inFlight, id) || Object.hasOwn(state.resting, id);
  const { listed, unlisted } = observation;
  const plan = observation.whole
    ? { ...state.plan, listed, unlisted: Math.min(state.plan.unlisted, unlisted) }
    : state.plan;
  const failed = { ...state.failed };
  for (const sick of observation.sick) failed[sick.id] ??= toFailure(sick);
  const next: RolloutState = {
    ...state,
    plan,
    seen: observation,
    waits: waitsAfter(state.waits, observation, now),
    failed,
    queue: observation.candidates
      .filter(({ id }) => !busy(id) && !Object.hasOwn(failed, id))
      .map((candidate) => ({ ...state.queue.find(({ id }) => id === candidate.id), ...candidate })),
    clear: isClear(observation) ? { looks: state.clear.looks + 1, at: now } : { looks: 0, at: now },
  };
  return pauseOnForeign(pauseOnFailures(next, now), now);
}

/** Whether any update of this change is known to have settled: in this rollout, or in an earlier start of it. */
const isProven = (state: RolloutState): boolean =>
  state.written > 0 || (state.seen !== undefined && total(state.seen.pools, 'atTarget') > 0);

/** What slots are given out by. */
export const paceOf = (state: RolloutState): Pace => ({
  pools: state.seen?.pools ?? [],
  inFlight: Object.values(state.inFlight),
  proven: isProven(state),
  pinned: state.plan.context.change.image === undefined || state.plan.context.pin !== undefined,
});
