import { tooManyFailed } from './pace.js';
import { total } from './pools.js';
import { approvalEnd, hasUpdatable, patienceEnd, stepOf } from './progress.js';
import { sayCount } from './say-count.js';
import { sayMs } from './say-ms.js';
import { isTurning } from './turn.js';
import { canGoBack, type Failure, type Pause, type PauseCode, type RolloutState } from './state.js';
import { inScope, poolsIn } from './steps.js';

/**
 * Fly's own errors: about no machine and no image. A lease that is held, a lost host or a full region are none, and
 * neither is a limit on calls: that is met by resting longer.
 */
const OWN_ERRORS = ['unavailable', 'timeout', 'connection', 'malformed', 'unexpected'];
const REFUSALS = ['unauthorized', 'forbidden'];

/** So many machines or lists in a row, without a success in between, and it is Fly and no machine. */
const MOST_TROUBLED = 5;

/** Foreign machines in the selection that pause: more than this share, and at least two. */
const FOREIGN_SHARE = 0.1;
const FEWEST_FOREIGN = 2;

function paused(state: RolloutState, code: PauseCode, says: string, now: number): RolloutState {
  if (state.pause !== undefined || state.stop !== undefined) return state;
  return { ...state, pause: { code, says, since: now } };
}

/** Fly has served a call: its troubles begin anew. */
export function served(state: RolloutState): RolloutState {
  const { troubled: _, wary: _wary, ...rest } = state;
  return rest;
}

/** Ends a pause and adds its length to the clocks that stood still. */
export function unpause(state: RolloutState, now: number): RolloutState {
  const { pause, ...rest } = state;
  if (pause === undefined) return state;
  const ms = now - pause.since;
  const step = { ...state.step, pausedMs: state.step.pausedMs + ms };
  return served({ ...rest, step, pausedMs: state.pausedMs + ms, resumedAt: now });
}

/** Failures that nobody has accepted. */
export const unaccepted = (state: RolloutState): number =>
  Object.values(state.failed).filter((failure) => !failure.accepted).length;

/** Two in a row on the way back need a person. */
const MOST_IN_A_ROW = 2;

/** In a batch, and in a step where none has passed yet, one failure is too many; elsewhere the operator's bound. */
function hasFailed(state: RolloutState): boolean {
  if (state.plan.context.back !== undefined) return state.failedInRow >= MOST_IN_A_ROW && unaccepted(state) > 0;
  const step = stepOf(state);
  const pools = state.seen?.pools ?? [];
  const isHere = (failure: Failure) => !failure.accepted && inScope(step.scope, failure);
  const isStrict =
    (step.kind === 'update' && step.batch !== undefined) || total(poolsIn(pools, step.scope), 'verified') === 0;
  if (isStrict && Object.values(state.failed).some(isHere)) return true;
  return tooManyFailed(unaccepted(state), pools, state.plan.maxFailed);
}

/** Where the operator wants it, a failure turns the rollout back; else it pauses. */
function halted(state: RolloutState, code: PauseCode, says: string, now: number): RolloutState {
  const { plan, pause, stop } = state;
  // It is to go back already: what fails meanwhile is one reason more.
  if (isTurning(state)) return state;
  if (plan.onFailure === 'pause' || plan.context.back !== undefined || pause !== undefined || stop !== undefined)
    return paused(state, code, says, now);
  return state.turned === undefined ? { ...state, turned: { says, since: now, failed: state.failed } } : state;
}

/** Applied after whatever may have added a failure. */
export function pauseOnFailures(state: RolloutState, now: number): RolloutState {
  if (!hasFailed(state)) return state;
  const failures = unaccepted(state);
  const [id, first] = Object.entries(state.failed).find(([, failure]) => !failure.accepted) ?? ['', undefined];
  const more = failures > 1 ? ` and ${failures - 1} more` : '';
  const says = `machine ${id} (${first?.region}) failed: ${first?.says}${more}`;
  return halted(state, state.plan.context.back === undefined ? 'failures' : 'needs_person', says, now);
}

/** Applied after a look: nobody has answered in time, or nothing has moved for long though it could. */
export function pauseOnTime(state: RolloutState, now: number): RolloutState {
  const step = stepOf(state);
  if (step.kind === 'approval' && state.step.proceededAt === undefined && now >= approvalEnd(state, step.ms)) {
    const ends = canGoBack(state) ? 'abort and rollback end it' : 'abort ends it';
    const says = `nobody has approved ${step.name} within ${sayMs(step.ms)}; resume asks again, ${ends}`;
    return paused(state, 'approval_expired', says, now);
  }
  if (step.kind !== 'update' || now < patienceEnd(state) || !hasUpdatable(state)) return state;
  const says = `nothing has moved in ${step.name} for long: ${whatHolds(state)}; ${wayOutOf(state)}resume tries on`;
  return paused(state, 'stuck', says, now);
}

/** More are down than may be away, and nobody is taken while that is so: who started it may allow more. */
function wayOutOf({ plan, seen, step }: RolloutState): string {
  const { scope } = stepOf({ plan, step });
  const short = poolsIn(seen?.pools ?? [], scope).find(({ down, room }) => down > 0 && room < 1);
  if (short === undefined || plan.context.back !== undefined) return '';
  const how = short.whole === true ? 'without "whole"' : 'with more "maxUnavailable"';
  return `mend that, or start again ${how} and with "ifRunning": "replace"; `;
}

/** What holds it up, each with a machine to look at where one is known. */
function whatHolds({ seen, resting, ...state }: RolloutState): string {
  const { scope } = stepOf(state);
  const tried = Object.values(resting).find((rest) => inScope(scope, rest));
  const missed = seen?.missed.find((one) => inScope(scope, one));
  const down = total(poolsIn(seen?.pools ?? [], scope), 'down');
  const like = down === 1 ? ': machine' : ', like machine';
  const named = missed === undefined ? '' : `${like} ${missed.id} (${missed.region}), ${missed.says}`;
  const reasons = [
    ...(tried === undefined ? [] : [`machine ${tried.id} (${tried.region}) is tried in vain: ${tried.says}`]),
    ...(down === 0
      ? []
      : [`no more may be away while ${sayCount(down, 'machine is', 'machines are')} no capacity${named}`]),
  ];
  return reasons.join('; ') || 'machines wait for room under "maxUnavailable", for checks to pass, or for Fly';
}

/** Applied to what a gate said at the end of its bake, or a failure before it. */
export function pauseOnGate(
  state: RolloutState,
  { code, gate, says }: Pick<Pause, 'code' | 'says'> & { readonly gate: string },
  now: number,
): RolloutState {
  const next = code === 'gate_failed' ? halted(state, code, says, now) : paused(state, code, says, now);
  const isNew = next.pause !== undefined && next.pause !== state.pause;
  return isNew ? { ...next, pause: { ...next.pause, gate } } : next;
}

/** Applied after a look: somebody deploys meanwhile, and this rollout's target may be no longer what is wanted. */
export function pauseOnForeign(state: RolloutState, now: number): RolloutState {
  const pools = state.seen?.pools ?? [];
  const foreign = total(pools, 'foreign');
  const isMany = foreign >= FEWEST_FOREIGN && foreign > FOREIGN_SHARE * total(pools, 'selected');
  if (!isMany || foreign <= (state.acceptedForeign ?? 0)) return state;
  const says = `${foreign} machines run what somebody else deployed meanwhile; resume leaves them alone and goes on, abort gives way`;
  return { ...paused(state, 'superseded', says, now), askedForeign: foreign };
}

/** When two versions have been side by side for too long, ms; `Infinity` where that is borne, or over. */
export function mixedEnd({ plan, seen, acceptedMixed }: RolloutState): number {
  const since = seen?.mixture?.changedSince;
  const isOver = acceptedMixed === true || plan.context.back !== undefined || total(seen?.pools ?? [], 'left') === 0;
  if (plan.maxMixedMs === undefined || since === undefined || isOver) return Infinity;
  return since - (seen?.aheadMs ?? 0) + plan.maxMixedMs;
}

/** Applied after a look. */
export function pauseOnMixed(state: RolloutState, now: number): RolloutState {
  if (now < mixedEnd(state)) return state;
  const says = `two versions have run side by side for longer than "maxMixed" (${sayMs(state.plan.maxMixedMs ?? 0)}): ${total(state.seen?.pools ?? [], 'left')} machines are left; resume goes on${canGoBack(state) ? ', rollback takes all back' : ''}`;
  return paused(state, 'mixed_too_long', says, now);
}

/** Applied after a list that is too short to be believed. */
export function pauseOnShortList(
  state: RolloutState,
  { listed, expected }: { readonly listed: number; readonly expected: number },
  now: number,
): RolloutState {
  const says = `Fly listed ${listed} machines where it counts ${expected}; a list that short is not believed`;
  return paused(state, 'list_suspect', says, now);
}

interface Refusal {
  readonly code: string;
  readonly says: string;
}

/** Applied after an update that Fly did not serve. */
export function pauseOnError(state: RolloutState, id: string, error: Refusal, now: number): RolloutState {
  if (REFUSALS.includes(error.code)) return pauseOnRefusal(state, error, now);
  if (!OWN_ERRORS.includes(error.code)) return state;
  const troubled = [...new Set([...(state.troubled ?? []), id])];
  // Fly that is back is asked by one machine; the same one again is that machine's own trouble.
  const isTold = state.wary !== undefined && state.wary !== id;
  const { wary, ...rest } = state;
  const next = { ...rest, troubled, lastTroubled: id, ...(isTold ? { wary } : {}) };
  return pauseOnTrouble(next, [isTold ? MOST_TROUBLED : troubled.length, 'machines'], error, now);
}

/** Applied after a list that Fly did not serve: without one a rollout knows nothing, so any error counts. */
export function pauseOnNoList(state: RolloutState, error: Refusal, now: number): RolloutState {
  if (REFUSALS.includes(error.code)) return pauseOnRefusal(state, error, now);
  const missedLists = (state.missedLists ?? 0) + 1;
  return pauseOnTrouble({ ...state, missedLists }, [missedLists, 'lists'], error, now);
}

/** A Fly that is back and refuses the token does not go on by itself. */
function pauseOnRefusal(state: RolloutState, { says }: Refusal, now: number): RolloutState {
  const why = `${says}; give the worker a token that may do this, then resume`;
  if (state.pause?.code !== 'fly_unavailable') return paused(state, 'fly_auth', why, now);
  return { ...state, pause: { ...state.pause, code: 'fly_auth', says: why } };
}

function pauseOnTrouble(
  state: RolloutState,
  [times, what]: readonly [number, string],
  { says }: Refusal,
  now: number,
): RolloutState {
  if (times < MOST_TROUBLED) return state;
  const why = `Fly failed ${times} ${what} in a row, the last: ${says}; it goes on by itself when Fly lists the fleet again`;
  return paused(state, 'fly_unavailable', why, now);
}
