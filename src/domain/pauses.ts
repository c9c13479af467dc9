import { total } from './pools.js';
import { tooManyFailed } from './pace.js';
import type { PauseCode, RolloutState } from './state.js';

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
  return pause === undefined ? state : served({ ...rest, pausedMs: state.pausedMs + (now - pause.since) });
}

/** Failures that nobody has accepted. */
export const unaccepted = (state: RolloutState): number =>
  Object.values(state.failed).filter((failure) => !failure.accepted).length;

/** Applied after whatever may have added a failure. */
export function pauseOnFailures(state: RolloutState, now: number): RolloutState {
  const failures = unaccepted(state);
  if (!tooManyFailed(failures, state.seen?.pools ?? [], state.plan.maxFailed)) return state;
  const [id, first] = Object.entries(state.failed).find(([, failure]) => !failure.accepted) ?? ['', undefined];
  const more = failures > 1 ? ` and ${failures - 1} more` : '';
  return paused(state, 'failures', `machine ${id} (${first?.region}) failed: ${first?.says}${more}`, now);
}

/** Applied after a look: somebody deploys meanwhile, and this rollout's target may be no longer what is wanted. */
export function pauseOnForeign(state: RolloutState, now: number): RolloutState {
  const pools = state.seen?.pools ?? [];
  const foreign = total(pools, 'foreign');
  const isMany = foreign >= FEWEST_FOREIGN && foreign > FOREIGN_SHARE * total(pools, 'selected');
  if (!isMany || foreign <= (state.acceptedForeign ?? 0)) return state;
  const says = `${foreign} machines run what somebody else deployed meanwhile; resume leaves them alone and goes on, abort gives way`;
  return paused(state, 'superseded', says, now);
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
