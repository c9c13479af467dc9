import type { Candidate } from './candidates.js';
import { leftToDo } from './fleet.js';
import { endOf, type Outcome, sayHeld } from './endings.js';
import type { Look } from './look.js';
import { admit, isCapacity, stand } from './pace.js';
import { mixedEnd } from './pauses.js';
import { machines } from './say-count.js';
import { isTurning } from './turn.js';
import { gateOrders, type GateOrder } from './judging.js';
import {
  awaitsJobs,
  hasUpdatable,
  isLastStep,
  isOwed,
  isReopened,
  isStepDone,
  patienceEnd,
  stepEndsAt,
  stepOf,
} from './progress.js';
import { deadlineAt, LISTS_LAG_MS, mayStopAt, openHolds, paceOf, type RolloutState } from './state.js';

/** A look that leaves machines out because they are taken is renewed after this: what it left out may be free again. */
const RENEW_MS = 300_000;

/** Counts that people read are no older than this when others are true. */
const STALE_MS = 900_000;

/** A look ends daily, so that the run can continue as new. */
const DAY_MS = 86_400_000;

/** The second look of the closing pass comes no sooner than this after the first. */
export const CLOSING_MS = 5_000;

/** A Fly that was away is asked no sooner than this after it went. */
const PROBE_MS = 60_000;

/** After a list that Fly did not serve. */
const LIST_AGAIN_MS = 5_000;

/** A closing pass that is under way at the deadline may end: it writes nothing. */
const CLOSING_GRACE_MS = 60_000;

/**
 * What to do next. `act`: start these updates, and look (while draining: neither). `callBack`: cancel whatever is in flight
 * (it is paused, stopped, or out of time) and wait until nothing is. `probe`: hold, but look whether Fly is back. `advance`: the next step begins.
 * `turn`: the way back begins. `finish`: nothing is in flight, this is the end.
 */
export type Decision =
  | {
      readonly kind: 'act';
      readonly start: readonly Candidate[];
      readonly look?: Look;
      /** Gates to be asked; those that are being asked already go on. */
      readonly judge?: readonly GateOrder[];
    }
  | { readonly kind: 'callBack' }
  | { readonly kind: 'advance' }
  | { readonly kind: 'turn' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'probe'; readonly look: Look }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly says: string };

/** What every rule looks at. */
interface Situation {
  readonly state: RolloutState;
  readonly now: number;
  /** The run is about to continue as new. */
  readonly draining: boolean;
  readonly flying: boolean;
  /** In flight, and more than what puts a hold right: it can be called back. */
  readonly updating: boolean;
  readonly deadline: number;
}

interface Rule {
  readonly because: string;
  readonly decide: (situation: Situation) => Decision | undefined;
}

/** Calls back what was not written, and puts right what is held: before a rollout rests or ends. */
function wrapUp({ state, updating }: Situation): Decision | undefined {
  if (updating) return { kind: 'callBack' };
  const open = openHolds(state);
  if (open.length === 0) return undefined;
  // One that rests to be updated rests no longer; one that could not be put right does.
  const isWaiting = (id: string) => !Object.hasOwn(state.inFlight, id) && state.resting[id]?.restore !== true;
  const start = open
    .filter(([id]) => isWaiting(id))
    .map(([id, { region, group, tries }]): Candidate => ({ id, region, group, restore: true, tries }));
  return { kind: 'act', start };
}

function afterStop(situation: Situation): Decision | undefined {
  const { state } = situation;
  if (state.stop === undefined) return undefined;
  const first = wrapUp(situation);
  if (first !== undefined) return first;
  const says = `${state.stop.says}${sayHeld(state)}`;
  return { kind: 'finish', outcome: state.stop.kind === 'abort' ? 'aborted' : 'canceled', says };
}

function whilePaused(situation: Situation): Decision | undefined {
  const { state, now, flying, draining } = situation;
  if (state.pause === undefined) return undefined;
  // What is held travels with the rollout: its next run goes on putting it right.
  if (draining && !flying) return { kind: 'hold' };
  const first = wrapUp(situation);
  if (state.pause.code !== 'fly_unavailable' || draining) return first ?? { kind: 'hold' };
  const until = now + DAY_MS;
  const after = state.pause.since + PROBE_MS;
  const look: Look = { pace: 'calm', errors: 'retried', since: now, after, stale: until, until };
  if (first === undefined) return { kind: 'probe', look };
  return first.kind === 'act' ? { ...first, look } : first;
}

/** It is to go back: what is in flight ends first, and what is held is put right. */
function whileTurning(situation: Situation): Decision | undefined {
  const { state, flying } = situation;
  if (!isTurning(state)) return undefined;
  return wrapUp(situation) ?? (flying ? { kind: 'callBack' } : { kind: 'turn' });
}

const graceEnd = ({ landedAt = 0 }: RolloutState, deadline: number): number =>
  Math.max(deadline, landedAt) + CLOSING_GRACE_MS;

function afterDeadline(situation: Situation): Decision | undefined {
  const { state, now, deadline } = situation;
  if (now < deadline) return undefined;
  const first = wrapUp(situation);
  if (first !== undefined) return first;
  const left = state.seen === undefined ? state.plan.selected : leftToDo(state.seen);
  const unknown = Object.keys(state.unknown).length;
  if (left + unknown === 0 && now < graceEnd(state, deadline)) return undefined;
  const doubt = unknown === 0 ? '' : `, ${machines(unknown)} with an update that nobody knows the end of`;
  return {
    kind: 'finish',
    outcome: 'partial',
    says: `the deadline passed with ${machines(left)} left${doubt}${sayHeld(state)}`,
  };
}

/** What can never be updated keeps the last step open for a while only. */
function whenPatienceEnds(situation: Situation): Decision | undefined {
  const { state, now, flying } = situation;
  if (!isLastStep(state) || flying || now < patienceEnd(state)) return undefined;
  if (hasUpdatable(state) || awaitsJobs(state)) return undefined;
  const first = wrapUp(situation);
  if (first !== undefined) return first;
  const left = state.seen === undefined ? state.plan.selected : leftToDo(state.seen);
  // Who works on the new version may start anew again and again: that leaves nothing to do.
  if (state.seen !== undefined && left + state.seen.doubtful + state.seen.held === 0)
    return { kind: 'finish', ...endOf(state, state.seen) };
  return { kind: 'finish', outcome: 'partial', says: `${machines(left)} could not be updated${sayHeld(state)}` };
}

/** The next step begins when nothing keeps it in this one. */
function whenStepEnds({ state, now, flying, draining }: Situation): Decision | undefined {
  if (flying || draining || isLastStep(state) || !isStepDone(state, now)) return undefined;
  return { kind: 'advance' };
}

/** What a closing pass finds goes back to where it is judged. */
function whenReopened({ state, flying, draining }: Situation): Decision | undefined {
  return !flying && !draining && isReopened(state) ? { kind: 'advance' } : undefined;
}

/** Done means that a list says so, twice. */
function whenClear(situation: Situation): Decision | undefined {
  const { state, flying } = situation;
  const { seen } = state;
  if (state.clear.looks < 2 || flying || seen === undefined || !isLastStep(state)) return undefined;
  const first = wrapUp(situation);
  if (first !== undefined) return first;
  return { kind: 'finish', ...endOf(state, seen) };
}

/** A closing pass past the deadline ends in this run: the next one knows nothing yet. */
const whileDraining = ({ draining, flying, now, deadline }: Situation): Decision | undefined =>
  draining && now < deadline ? (flying ? { kind: 'act', start: [] } : { kind: 'hold' }) : undefined;

/** The look that goes on beside what is under way. */
function lookOf({ state, now, flying, deadline }: Situation): Look {
  const closing = state.clear.looks > 0;
  const { queue, resting } = state;
  const moving = flying || closing || queue.length + Object.keys(resting).length > 0 || isSoonListed(state, now);
  // A bake is looked at ever more rarely, down to the calm pace, in one look that goes on as long as it does.
  const isBaking = stepOf(state).kind === 'bake';
  const laterMs = isBlind(state) || isPassing(state, now) ? LIST_AGAIN_MS : 0;
  return {
    pace: moving || isBaking ? 'busy' : 'calm',
    errors: 'told',
    since: now,
    after: closing ? state.clear.at + CLOSING_MS : now + laterMs,
    stale: now + STALE_MS,
    until: Math.min(
      now >= deadline ? graceEnd(state, deadline) : deadline,
      ...nextEnds(state, now),
      now + (moving ? RENEW_MS : DAY_MS),
      Math.max(now, mixedEnd(state)),
      ...spares(state, now),
    ),
  };
}

/** On a way back: what was written a moment ago shows in a moment, and somebody waits for it. */
const isSoonListed = ({ plan, landedAt = -Infinity }: RolloutState, now: number): boolean =>
  plan.context.back !== undefined && now < landedAt + LISTS_LAG_MS;

const isBlind = ({ missedLists }: RolloutState): boolean => missedLists !== undefined;

/** Comes back at once, with whatever it sees. */
const afresh = (look: Look, state: RolloutState, now: number): Look => ({
  ...look,
  after: isBlind(state) ? look.after : now,
  until: now,
  afresh: true,
});

function otherwise(situation: Situation): Decision {
  const { state, now, deadline } = situation;
  const isNow = ({ id, working }: Candidate) =>
    working === undefined || working === 'ours' || now >= mayStopAt(state, id);
  const reopens = isReopened(state);
  const queue = state.queue.filter((one) => isNow(one) && (!reopens || isOwed(state, one)));
  const pace = paceOf(state);
  const admitted = now >= deadline ? [] : admit(queue, pace);
  const start = admitted.filter((one) => isFresh(state, now) || !isCapacity(one, pace.pools));
  const look = lookOf(situation);
  const isStale = start.length < admitted.length;
  return { kind: 'act', start, look: isStale ? afresh(look, state, now) : look, judge: gateOrders(state) };
}

/** Capacity comes and goes without us: a look that came in longer ago gives nobody a slot of it. */
const FRESH_MS = 5_000;

const isFresh = ({ seenAt = 0 }: RolloutState, now: number): boolean => now - seenAt <= FRESH_MS;

/** When the step may change by itself. Of one that is past its time a look tells at once, and then it waits for something else. */
function nextEnds(state: RolloutState, now: number): number[] {
  const at = stepEndsAt(state);
  if (at > now) return [at];
  return (state.seen?.at ?? 0) < at ? [now] : [];
}

/** When machines that were stopped in vain may be stopped again. */
const spares = (state: RolloutState, now: number): number[] =>
  Object.keys(state.vain)
    .map((id) => mayStopAt(state, id))
    .filter((at) => at > now);

/**
 * What each look would find anew, though nothing can be done about it for a moment: a standby that waits for its
 * machine, a machine that has just been started and has stopped again.
 */
function isPassing(state: RolloutState, now: number): boolean {
  const { inFlight, resting } = paceOf(state);
  const hasPair = state.queue.some((one) => [...inFlight, ...resting].some((flight) => stand(flight, one)));
  return hasPair || Object.values(state.trials).some(({ landedAt }) => now - landedAt <= LISTS_LAG_MS);
}

/** First match wins: what ends or halts a rollout comes before anything that would write. */
export const RULES: readonly Rule[] = [
  { because: 'a person or a cancel stops it', decide: afterStop },
  { because: 'it is paused', decide: whilePaused },
  { because: 'it is to go back', decide: whileTurning },
  { because: 'its deadline has passed', decide: afterDeadline },
  { because: 'the closing pass found what nobody has judged', decide: whenReopened },
  { because: 'two looks in a row found nothing left to do', decide: whenClear },
  { because: 'what is left cannot be updated', decide: whenPatienceEnds },
  { because: 'its step is done, and another follows', decide: whenStepEnds },
  { because: 'the run is about to continue as new', decide: whileDraining },
  { because: 'who has a slot is updated, and the fleet is looked at', decide: otherwise },
];

/**
 * The one decision of every rollout, a pure function of what is known and the time.
 * @param now ms since the epoch.
 * @param draining the run is about to continue as new: start nothing, look at nothing.
 */
export function decide(state: RolloutState, now: number, draining = false): Decision {
  const flights = Object.values(state.inFlight);
  const updating = flights.some(({ restore }) => !restore);
  const situation = { state, now, draining, flying: flights.length > 0, updating, deadline: deadlineAt(state, now) };
  for (const rule of RULES) {
    const decision = rule.decide(situation);
    if (decision !== undefined) return decision;
  }
  return { kind: 'hold' };
}
