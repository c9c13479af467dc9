import type { Candidate } from './candidates.js';
import { isClear, type Observation } from './fleet.js';
import type { Sick } from './shown.js';
import type { LookOutcome } from './outcomes.js';
import {
  pauseOnFailures,
  pauseOnForeign,
  pauseOnMixed,
  pauseOnNoList,
  pauseOnShortList,
  pauseOnTime,
  unpause,
} from './pauses.js';
import { total } from './pools.js';
import { stepOf } from './progress.js';
import { type Failure, LISTS_LAG_MS, type RolloutState } from './state.js';
import { viewOf } from './steps.js';
import { waitsAfter } from './waits.js';

const toFailure = (sick: Sick): Failure => ({ ...sick, accepted: false });

/** A look came back. */
export function onLooked(state: RolloutState, look: LookOutcome, now: number): RolloutState {
  if (look.kind === 'suspect') return pauseOnShortList(state, look, now);
  if (look.kind === 'error') return pauseOnNoList(state, look, now);
  const isBack = state.pause?.code === 'fly_unavailable';
  return onSeen(isBack ? { ...unpause(state, now), wary: state.lastTroubled ?? '' } : state, look.observation, now);
}

/**
 * Those that are neither in flight nor resting; of one that failed nothing but a hold is put right. One that we stopped
 * and that has just rested stays first: the look passed it over.
 */
function queueAfter(state: RolloutState, candidates: readonly Candidate[]): Candidate[] {
  const { inFlight, resting, failed, queue } = state;
  const ours = queue.filter(({ working }) => working === 'ours');
  const isOurs = (id: string) => ours.some((one) => one.id === id);
  const isFree = ({ id, restore }: Candidate) =>
    !Object.hasOwn(inFlight, id) && !Object.hasOwn(resting, id) && (restore === true || !Object.hasOwn(failed, id));
  const found = candidates.filter((candidate) => isFree(candidate) && !isOurs(candidate.id));
  const tried = found.map((candidate) => {
    const tries = queue.find(({ id }) => id === candidate.id)?.tries;
    return tries === undefined ? candidate : { ...candidate, tries };
  });
  return [...ours, ...freshFirst(tried)];
}

/** Of those that work, whoever was tried in vain comes after those that were not: what troubles all is soon known. */
function freshFirst(candidates: readonly Candidate[]): Candidate[] {
  const isUp = ({ working }: Candidate) => working === 'up';
  const ups = candidates.filter(isUp).toSorted((a, b) => (a.tries ?? 0) - (b.tries ?? 0));
  return candidates.map((one) => (isUp(one) ? (ups.shift() ?? one) : one));
}

/** A trial ends when the machine has shown how it does, or is seen, a while later, to do nothing any more. */
function trialsAfter({ trials }: RolloutState, seen: Observation): RolloutState['trials'] {
  const isOpen = ([id, { landedAt }]: readonly [string, { landedAt: number }]) =>
    !seen.shown.includes(id) && (seen.trials.includes(id) || landedAt + LISTS_LAG_MS >= seen.at);
  return Object.fromEntries(Object.entries(trials).filter(isOpen));
}

/** Somebody waited for has stopped, or was made: patience with what there is to do begins now. */
function isReadyAgain(state: RolloutState, { candidates }: Observation, now: number): boolean {
  const { queue, resting, inFlight, landedAt = 0 } = state;
  const isBusy = queue.length + Object.keys(resting).length + Object.keys(inFlight).length > 0;
  // What is tried in vain again and again is nothing new.
  return candidates.length > 0 && !isBusy && now - landedAt > NEWS_MS;
}

/** After an order who is found a moment later may be the same once more. */
const NEWS_MS = 300_000;

/** A look that knew of it has counted it; what its list did not show yet the next ones are told again, for a while. */
const landedAfter = ({ landed }: RolloutState, { at, since }: Observation): RolloutState['landed'] =>
  Object.fromEntries(
    Object.entries(landed).filter(([, { landedAt }]) => landedAt >= since || landedAt + LISTS_LAG_MS > at),
  );

/** Only what has not landed yet can be counted twice. */
const earlyOf = ({ inFlight }: RolloutState, { early }: Observation): Observation['early'] =>
  Object.fromEntries(Object.entries(early).filter(([id]) => Object.hasOwn(inFlight, id)));

function onSeen(before: RolloutState, observation: Observation, now: number): RolloutState {
  const { missedLists: _missed, ...state } = before;
  const { listed, unlisted, sick, pools } = observation;
  const plan = observation.whole
    ? { ...state.plan, listed, unlisted: Math.min(state.plan.unlisted, unlisted) }
    : state.plan;
  const fresh = sick
    .filter(({ id }) => !Object.hasOwn(state.failed, id))
    .map((one) => [one.id, toFailure(one)] as const);
  const failed = { ...state.failed, ...Object.fromEntries(fresh) };
  const hasBooted = state.booted === true || total(pools, 'verified') >= plan.bootFirst;
  const isDone = isClear(observation, viewOf(stepOf(state)), plan.context.inPlace === true);
  const next: RolloutState = {
    ...state,
    plan,
    seen: { ...observation, early: earlyOf(state, observation) },
    seenAt: now,
    waits: waitsAfter(state.waits, observation, now),
    failed,
    trials: trialsAfter(state, observation),
    landed: landedAfter(state, observation),
    ...(hasBooted ? { booted: true } : {}),
    ...(isReadyAgain(state, observation, now) ? { readyAt: now } : {}),
    queue: queueAfter({ ...state, failed }, observation.candidates),
    failedInRow: state.failedInRow + fresh.length,
    clear: { looks: isDone ? state.clear.looks + 1 : 0, at: now },
  };
  return pauseOnMixed(pauseOnTime(pauseOnForeign(pauseOnFailures(next, now), now), now), now);
}
