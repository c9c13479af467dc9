import type { Candidate } from './fleet.js';
import { leftToDo, total } from './fleet.js';
import { admit } from './pace.js';
import { deadlineAt, isProven, type RolloutState } from './state.js';

/** A look that leaves machines out because they are taken is renewed after this: what it left out may be free again. */
const STALE_MS = 300_000;

/** A look ends daily, so that the run can continue as new. */
const DAY_MS = 86_400_000;

/** The second look of the closing pass comes no sooner than this after the first. */
export const CLOSING_MS = 5_000;

export type Outcome = 'completed' | 'partial' | 'aborted' | 'canceled';

/** How to look: seconds while something moves, a minute when calm; never before `after`. */
export interface Look {
  readonly pace: 'busy' | 'calm';
  readonly after: number;
  /** Absolute: the look comes back at this time at the latest. */
  readonly until: number;
}

/**
 * What to do next. `act`: start these updates, and look if `look` is there. `callBack`: cancel whatever is in flight
 * (it is paused, stopped, or out of time) and wait until nothing is. `finish`: nothing is in flight, this is the end.
 */
export type Decision =
  | { readonly kind: 'act'; readonly start: readonly Candidate[]; readonly look?: Look }
  | { readonly kind: 'callBack' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'finish'; readonly outcome: Outcome; readonly says: string };

const isFlying = (state: RolloutState): boolean => Object.keys(state.inFlight).length > 0;

function finish(state: RolloutState): Decision {
  const foreign = state.seen === undefined ? 0 : total(state.seen.pools, 'foreign');
  const failed = Object.keys(state.failed).length;
  const selected = state.seen === undefined ? 0 : total(state.seen.pools, 'selected');
  if (selected === 0) return { kind: 'finish', outcome: 'partial', says: 'every selected machine is gone' };
  if (failed + foreign === 0)
    return { kind: 'finish', outcome: 'completed', says: `all ${selected} machines are at target` };
  const says = [failed > 0 ? `${failed} failed` : '', foreign > 0 ? `${foreign} foreign` : ''].filter(
    (part) => part !== '',
  );
  return { kind: 'finish', outcome: 'partial', says: says.join(', ') };
}

function stop(state: RolloutState, kind: 'abort' | 'cancel'): Decision {
  if (isFlying(state)) return { kind: 'callBack' };
  return { kind: 'finish', outcome: kind === 'abort' ? 'aborted' : 'canceled', says: state.stop?.says ?? 'canceled' };
}

function afterDeadline(state: RolloutState): Decision {
  if (isFlying(state)) return { kind: 'callBack' };
  const left = state.seen === undefined ? state.plan.selected : leftToDo(state.seen);
  return { kind: 'finish', outcome: 'partial', says: `the deadline passed with ${left} machines left` };
}

/**
 * The one decision of every rollout, a pure function of what is known and the time.
 * @param now ms since the epoch.
 * @param draining the run is about to continue as new: start nothing, look at nothing.
 */
export function decide(state: RolloutState, now: number, draining = false): Decision {
  if (state.stop !== undefined) return stop(state, state.stop.kind);
  if (state.pause !== undefined) return isFlying(state) ? { kind: 'callBack' } : { kind: 'hold' };
  const until = deadlineAt(state, now);
  if (now >= until) return afterDeadline(state);
  if (state.clear.looks >= 2 && !isFlying(state)) return finish(state);
  if (draining) return isFlying(state) ? { kind: 'act', start: [] } : { kind: 'hold' };
  const { context } = state.plan;
  const start = admit(state.queue, {
    pools: state.seen?.pools ?? [],
    inFlight: Object.values(state.inFlight),
    proven: isProven(state),
    pinned: context.change.image === undefined || context.pin !== undefined,
  });
  if (state.queue.length > start.length || start.length > 0) return { kind: 'act', start };
  const moving = isFlying(state) || Object.keys(state.resting).length > 0 || state.clear.looks > 0;
  const after = state.clear.looks > 0 ? state.clear.at + CLOSING_MS : now;
  const renewed = now + (moving ? STALE_MS : DAY_MS);
  return { kind: 'act', start, look: { pace: moving ? 'busy' : 'calm', after, until: Math.min(until, renewed) } };
}
