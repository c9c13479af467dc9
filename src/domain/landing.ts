import { hasImage } from './change.js';
import type { Candidate } from './fleet.js';
import type { UpdateEnd, UpdateOutcome } from './outcomes.js';
import { type Flight, isAway, isBootable, type Trial } from './pace.js';
import { pauseOnError, pauseOnFailures, served } from './pauses.js';
import { samePlace } from './pools.js';
import { bootsOf, type RolloutState, without } from './state.js';

/** An order leaves for a machine. */
export function onLaunched(state: RolloutState, candidate: Candidate, now: number): RolloutState {
  const { id, region, group } = candidate;
  const mayHold = candidate.stop !== undefined || candidate.restore === true;
  const tries = candidate.restore ? (state.holds[id]?.tries ?? 0) : 0;
  const boots = bootsOf(state) !== undefined && isBootable(candidate);
  const flight: Flight = { ...candidate, since: now, ...(boots ? { boot: true } : {}) };
  return {
    ...state,
    holds: mayHold ? { ...state.holds, [id]: { region, group, tries } } : state.holds,
    queue: state.queue.filter((waiting) => waiting.id !== id),
    resting: without(state.resting, id),
    inFlight: { ...state.inFlight, [id]: flight },
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

/** What its hold says could not be put back, or nobody knows. */
function stillHeld(state: RolloutState, id: string): RolloutState {
  const held = state.holds[id];
  return held === undefined ? state : { ...state, holds: { ...state.holds, [id]: { ...held, tries: held.tries + 1 } } };
}

const noted = (ids: readonly string[], id: string, isSo: boolean | undefined): readonly string[] =>
  isSo === true ? [...new Set([...ids, id])] : ids;

/** An order ended. `tries` of a machine's rest grow until it ends otherwise. */
export function onUpdated(state: RolloutState, id: string, outcome: UpdateOutcome, now: number): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  const back = {
    ...land(state, id),
    landedAt: now,
    stopped: noted(state.stopped, id, outcome.stopped),
    interrupted: noted(state.interrupted, id, outcome.cutEarly),
  };
  const put = outcome.held ? stillHeld(back, id) : { ...back, holds: without(back.holds, id) };
  return onEnded(outcome.kind === 'error' ? put : served(put), flight, outcome, now);
}

function onEnded(landed: RolloutState, flight: Flight, outcome: UpdateOutcome, now: number): RolloutState {
  const { id } = flight;
  const known = { ...landed, unknown: without(landed.unknown, id) };
  switch (outcome.kind) {
    case 'updated':
      return onSuccess(onTrial(withCount(known, flight, 'atTarget'), flight, outcome, now), id, outcome);
    case 'failed': {
      const { code, says, at } = outcome;
      const failure = { code, says, at, region: flight.region, group: flight.group, accepted: false };
      const counted = withCount(known, flight, 'failed');
      const interrupted = noted(counted.interrupted, id, outcome.interrupted);
      return pauseOnFailures({ ...counted, interrupted, failed: { ...landed.failed, [id]: failure } }, now);
    }
    case 'error':
      return onError(landed, flight, outcome, now);
    case 'left':
      return outcome.inDoubt ? landed : known;
    case 'calledBack':
      return known;
  }
}

function onError(landed: RolloutState, flight: Flight, outcome: UpdateEnd<'error'>, now: number): RolloutState {
  const { since: _since, boot: _boot, ...candidate } = flight;
  const tries = (flight.tries ?? 0) + 1;
  const stop = outcome.held && flight.stop !== undefined ? { stop: 'ours' as const } : {};
  const rest = { ...candidate, ...stop, tries, until: now + restMs(tries, outcome.retryAfterMs), says: outcome.says };
  const rested = { ...landed, resting: { ...landed.resting, [flight.id]: rest } };
  const vain = outcome.stopped === true && !outcome.held ? withVain(rested, flight.id, now) : rested;
  const doubted = outcome.inDoubt ? { ...vain, unknown: inDoubt(landed, flight) } : vain;
  return pauseOnError(doubted, flight.id, outcome, now);
}

/** Stopped, and started again as it was: its work was cut for nothing. */
const withVain = (state: RolloutState, id: string, now: number): RolloutState => ({
  ...state,
  vain: { ...state.vain, [id]: { times: (state.vain[id]?.times ?? 0) + 1, at: now } },
});

/** What we started on the new version shows what it is worth. */
function onTrial(state: RolloutState, flight: Flight, outcome: UpdateEnd<'updated'>, now: number): RolloutState {
  if (!outcome.started) return state;
  const { id, region, group } = flight;
  const trial: Trial = { region, group, why: outcome.stopped ? 'stop' : 'boot', landedAt: now };
  const boots = state.boots + (flight.boot ? 1 : 0);
  return { ...state, boots, trials: { ...state.trials, [id]: trial } };
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

function onSuccess(state: RolloutState, id: string, outcome: UpdateEnd<'updated'>): RolloutState {
  const { context } = state.plan;
  const learnt = context.pin === undefined && hasImage(context.change) && outcome.digest !== undefined;
  const plan = learnt ? { ...state.plan, context: { ...context, pin: outcome.digest ?? '' } } : state.plan;
  // Its update met it at work: reported, whatever else came of it.
  const interrupted = noted(state.interrupted, id, outcome.interrupted);
  return { ...state, plan, interrupted, written: state.written + (outcome.wrote ? 1 : 0) };
}

/** An order ended and nobody can say how far it got: the next one looks for traces before it writes. */
export function onLost(state: RolloutState, id: string): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  return { ...stillHeld(land(state, id), id), unknown: inDoubt(state, flight) };
}

/** A machine has rested enough. */
export function onRested(state: RolloutState, id: string): RolloutState {
  const rest = state.resting[id];
  if (rest === undefined) return state;
  const { queue } = state;
  // What we hold goes on first: it is away as long as it waits.
  const next = isAway(rest) ? [rest, ...queue] : [...queue, rest];
  return { ...state, resting: without(state.resting, id), queue: next };
}
