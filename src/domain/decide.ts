import type { Candidate } from './fleet.js';
import { leftToDo, type Observation, total } from './fleet.js';
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

/** What every rule looks at. */
interface Situation {
  readonly state: RolloutState;
  readonly now: number;
  /** The run is about to continue as new. */
  readonly draining: boolean;
  readonly flying: boolean;
  readonly deadline: number;
}

interface Rule {
  readonly because: string;
  readonly decide: (situation: Situation) => Decision | undefined;
}

function afterStop({ state, flying }: Situation): Decision | undefined {
  if (state.stop === undefined) return undefined;
  if (flying) return { kind: 'callBack' };
  return { kind: 'finish', outcome: state.stop.kind === 'abort' ? 'aborted' : 'canceled', says: state.stop.says };
}

function whilePaused({ state, flying }: Situation): Decision | undefined {
  if (state.pause === undefined) return undefined;
  return { kind: flying ? 'callBack' : 'hold' };
}

function afterDeadline({ state, now, flying, deadline }: Situation): Decision | undefined {
  if (now < deadline) return undefined;
  if (flying) return { kind: 'callBack' };
  const left = state.seen === undefined ? state.plan.selected : leftToDo(state.seen);
  return { kind: 'finish', outcome: 'partial', says: `the deadline passed with ${left} machines left` };
}

/** Idle machines that never ran the new version are said: updated is not verified. */
function sayCompleted(seen: Observation): string {
  const notRun = total(seen.pools, 'atTarget') - total(seen.pools, 'verified');
  const rest =
    notRun > 0 ? `; ${notRun} of them are not verified yet (they have not run it, or not for long enough)` : '';
  return `all ${total(seen.pools, 'selected')} machines are at target${rest}`;
}

/** Done means that a list says so, twice. */
function whenClear({ state, flying }: Situation): Decision | undefined {
  const { seen } = state;
  if (state.clear.looks < 2 || flying || seen === undefined) return undefined;
  const selected = total(seen.pools, 'selected');
  const foreign = total(seen.pools, 'foreign');
  const failed = Object.keys(state.failed).length;
  if (selected === 0) return { kind: 'finish', outcome: 'partial', says: 'every selected machine is gone' };
  if (failed + foreign === 0) return { kind: 'finish', outcome: 'completed', says: sayCompleted(seen) };
  const parts = [failed > 0 ? `${failed} failed` : '', foreign > 0 ? `${foreign} foreign` : ''];
  return { kind: 'finish', outcome: 'partial', says: parts.filter((part) => part !== '').join(', ') };
}

const whileDraining = ({ draining, flying }: Situation): Decision | undefined =>
  draining ? (flying ? { kind: 'act', start: [] } : { kind: 'hold' }) : undefined;

function whenQueued({ state }: Situation): Decision | undefined {
  if (state.queue.length === 0) return undefined;
  const { context } = state.plan;
  const start = admit(state.queue, {
    pools: state.seen?.pools ?? [],
    inFlight: Object.values(state.inFlight),
    proven: isProven(state),
    pinned: context.change.image === undefined || context.pin !== undefined,
  });
  return { kind: 'act', start };
}

function otherwiseLook({ state, now, flying, deadline }: Situation): Decision {
  const closing = state.clear.looks > 0;
  const moving = flying || closing || Object.keys(state.resting).length > 0;
  const look: Look = {
    pace: moving ? 'busy' : 'calm',
    after: closing ? state.clear.at + CLOSING_MS : now,
    until: Math.min(deadline, now + (moving ? STALE_MS : DAY_MS)),
  };
  return { kind: 'act', start: [], look };
}

/** First match wins: what ends or halts a rollout comes before anything that would write. */
export const RULES: readonly Rule[] = [
  { because: 'a person or a cancel stops it', decide: afterStop },
  { because: 'it is paused', decide: whilePaused },
  { because: 'its deadline has passed', decide: afterDeadline },
  { because: 'two looks in a row found nothing left to do', decide: whenClear },
  { because: 'the run is about to continue as new', decide: whileDraining },
  { because: 'machines wait for a slot', decide: whenQueued },
  { because: 'nothing is known that could be started', decide: otherwiseLook },
];

/**
 * The one decision of every rollout, a pure function of what is known and the time.
 * @param now ms since the epoch.
 * @param draining the run is about to continue as new: start nothing, look at nothing.
 */
export function decide(state: RolloutState, now: number, draining = false): Decision {
  const flying = Object.keys(state.inFlight).length > 0;
  const situation = { state, now, draining, flying, deadline: deadlineAt(state, now) };
  for (const rule of RULES) {
    const decision = rule.decide(situation);
    if (decision !== undefined) return decision;
  }
  return { kind: 'hold' };
}
