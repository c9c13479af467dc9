import { hasImage } from './change.js';
import type { Candidate } from './candidates.js';
import type { ShownCount } from './shown.js';
import { countsAcross, rulesOf } from './machine.js';
import type { UpdateEnd, UpdateOutcome } from './outcomes.js';
import { type Flight, isAway, isBootable, isMissed, type Trial } from './pace.js';
import { pauseOnError, pauseOnFailures, served } from './pauses.js';
import { type Pool, samePlace } from './pools.js';
import { bootsOf, LISTS_LAG_MS, type RolloutState, without } from './state.js';

/** An order leaves for a machine. */
export function onLaunched(state: RolloutState, candidate: Candidate, now: number): RolloutState {
  const { id, region, group } = candidate;
  const mayHold = candidate.working !== undefined || candidate.restore === true;
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

/** It was stopped, or written to, or nobody knows. */
const wasTouched = (outcome: UpdateOutcome): boolean =>
  outcome.stopped === true ||
  outcome.held === true ||
  outcome.kind === 'failed' ||
  (outcome.kind === 'error' && outcome.inDoubt);

/**
 * It may be no capacity yet; one that has passed is, and one that was left as it was never stopped being it. Where a
 * group has numbers of its own only a look tells who has been healthy for his time.
 */
function isAwayYet({ plan }: RolloutState, flight: Flight, outcome: UpdateOutcome | undefined): boolean {
  const rules = rulesOf(plan.context, flight);
  if (!isMissed(flight)) return rules.whole === true;
  if (outcome === undefined) return true;
  if (outcome.kind !== 'updated') return flight.restore === true || wasTouched(outcome);
  return !hasFoundDone(outcome, flight) && (outcome.passed !== true || countsAcross(rules));
}

/** At target without a touch. */
const hasFoundDone = ({ wrote, interrupted }: UpdateEnd<'updated'>, { crashed }: Flight): boolean =>
  !wrote && !interrupted && crashed !== true;

/** Of orders in a row whose ends nobody knew, before the first: any of them may have written. */
const bornBefore = ({ unknown }: RolloutState, id: string, bornAt = 0): number =>
  Math.min(bornAt, unknown[id]?.bornAt ?? bornAt);

/** Who took capacity and landed; one that has just been looked into again is known from then on as it was before. */
function landedWith(
  state: RolloutState,
  flight: Flight,
  { outcome, now }: { readonly outcome: UpdateOutcome | undefined; readonly now: number },
): RolloutState['landed'] {
  const { id, region, group, since, bornAt, unsure } = flight;
  if (isAwayYet(state, flight, outcome))
    return { ...state.landed, [id]: { region, group, since, landedAt: now, bornAt: bornBefore(state, id, bornAt) } };
  const before = state.landed[id];
  // The last look has not counted it, since it was in our hands: it is missed as it was, until the next one does.
  if (isMissedAsIs(flight))
    return { ...state.landed, [id]: { ...(before ?? NOTHING_DONE), region, group, landedAt: now } };
  if (unsure === true) return without(state.landed, id);
  return before === undefined ? state.landed : { ...state.landed, [id]: { ...before, landedAt: now } };
}

const isMissedAsIs = ({ missed, crashed, working, unsure }: Flight): boolean =>
  missed === true || crashed === true || (working === 'down' && unsure !== true);

/** No list is behind what was never done. */
const NOTHING_DONE = { since: 0, bornAt: -1 };

/** No longer in flight. What looks found before it landed proves nothing for the closing pass. */
const land = (
  state: RolloutState,
  { id, region, group, ...flight }: Flight,
  { outcome, now }: { outcome?: UpdateOutcome; now: number },
): RolloutState => ({
  ...state,
  inFlight: without(state.inFlight, id),
  landed: landedWith(state, { id, region, group, ...flight }, { outcome, now }),
  clear: { looks: 0, at: state.clear.at },
});

/** The first order in doubt counts; on a way back the first of those that take back. */
function inDoubt({ unknown, plan }: RolloutState, { id, region, group, bornAt = 0 }: Flight): RolloutState['unknown'] {
  const before = unknown[id];
  const isOld = before?.forward === true && plan.context.back !== undefined;
  return { ...unknown, [id]: before === undefined || isOld ? { region, group, bornAt } : before };
}

/**
 * Whoever has the order may go on yet: before the rollout rests or ends another takes the machine's lease, which fences
 * a late write off, whatever the machine was doing.
 */
const toBeFenced = (state: RolloutState, { id, region, group }: Flight): RolloutState => ({
  ...state,
  holds: { ...state.holds, [id]: state.holds[id] ?? { region, group, tries: 0, fenceOnly: true } },
});

/** What its hold says could not be put back, or nobody knows. */
function stillHeld(state: RolloutState, id: string): RolloutState {
  const held = state.holds[id];
  return held === undefined ? state : { ...state, holds: { ...state.holds, [id]: { ...held, tries: held.tries + 1 } } };
}

const noted = (ids: readonly string[], id: string, isSo: boolean | undefined): readonly string[] =>
  isSo === true ? [...new Set([...ids, id])] : ids;

/** Fly let it do what it wanted; that one could be looked into says nothing of writes. */
const hasServed = ({ unsure }: Flight, { kind }: UpdateOutcome): boolean =>
  kind !== 'error' && !(kind === 'left' && unsure === true);

/** An order ended. `tries` of a machine's rest grow until it ends otherwise. */
export function onUpdated(state: RolloutState, id: string, outcome: UpdateOutcome, now: number): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  const back = {
    ...land(state, flight, { outcome, now }),
    landedAt: now,
    stopped: noted(state.stopped, id, outcome.stopped),
    interrupted: noted(state.interrupted, id, outcome.cutEarly),
  };
  const put = outcome.held ? stillHeld(back, id) : { ...back, holds: without(back.holds, id) };
  const cut = wasInVain(outcome) ? withVain(put, id, now) : put;
  const ended = onEnded(hasServed(flight, outcome) ? served(cut) : cut, flight, outcome, now);
  return hasWritten(outcome) ? withLately(ended, id, now) : ended;
}

const hasWritten = (outcome: UpdateOutcome): boolean =>
  outcome.kind === 'failed' || (outcome.kind === 'updated' && outcome.wrote);

/** Of what is taken back later; what was written longer ago is listed. */
function withLately(state: RolloutState, id: string, now: number): RolloutState {
  if (state.plan.context.back !== undefined) return state;
  const recent = Object.entries(state.lately).filter(([, at]) => now < at + LISTS_LAG_MS);
  return { ...state, lately: { ...Object.fromEntries(recent), [id]: now } };
}

function onEnded(landed: RolloutState, flight: Flight, outcome: UpdateOutcome, now: number): RolloutState {
  const { id } = flight;
  const known = { ...landed, unknown: without(landed.unknown, id) };
  switch (outcome.kind) {
    case 'updated':
      return onSuccess(onTrial(withCount(known, flight, outcome), flight, outcome, now), id, outcome, now);
    case 'failed': {
      const { code, says, at } = outcome;
      const failure = { code, says, at, region: flight.region, group: flight.group, accepted: false };
      const counted = withCount(known, flight, outcome);
      const interrupted = noted(counted.interrupted, id, outcome.interrupted);
      const failed = { ...landed.failed, [id]: failure };
      const failedInRow = landed.failedInRow + 1;
      return pauseOnFailures({ ...counted, interrupted, failed, failedInRow, movedAt: now }, now);
    }
    case 'error':
      return onError(landed, flight, outcome, now);
    case 'left':
      if (outcome.inDoubt || isSeenLate(landed, flight, outcome)) return landed;
      return withTries(outcome.changed ? withChanged(known, id) : known, flight, now);
    case 'calledBack':
      return known;
  }
}

/** Looked into, it rests for as long as it was tried in vain before, and lets others go; then it takes its turn. */
function withTries(state: RolloutState, flight: Flight, now: number): RolloutState {
  const { since: _since, boot: _boot, missed: _missed, settles: _settles, unsure, tries, ...one } = flight;
  if (unsure !== true || tries === undefined) return state;
  const says = 'Fly did not take its update; it is as it was';
  const rest = { ...one, working: 'up' as const, tries, until: now + restMs(tries, 0), says };
  return { ...state, resting: { ...state.resting, [flight.id]: rest } };
}

/** On the way back a write forward was found that lists do not show yet: it stays in doubt until they do. */
const isSeenLate = ({ unknown }: RolloutState, { id, stray }: Flight, { standing }: UpdateEnd<'left'>): boolean =>
  unknown[id]?.forward === true && stray === true && !['untouched', 'gone', 'atTarget', 'foreign'].includes(standing);

function onError(landed: RolloutState, flight: Flight, outcome: UpdateEnd<'error'>, now: number): RolloutState {
  // What a look saw of it is soon not so any more.
  const { since: _since, boot: _boot, settles: _settles, ...candidate } = flight;
  const tries = (flight.tries ?? 0) + 1;
  const ours = outcome.held && flight.working !== undefined ? { working: 'ours' as const } : {};
  const rest = { ...candidate, ...ours, tries, until: now + restMs(tries, outcome.retryAfterMs), says: outcome.says };
  const rested = { ...landed, resting: { ...landed.resting, [flight.id]: rest } };
  const next = outcome.inDoubt ? { ...rested, unknown: inDoubt(landed, flight) } : rested;
  return pauseOnError(next, flight.id, outcome, now);
}

/** The list cannot tell it: from now on every look is told. */
function withChanged(state: RolloutState, id: string): RolloutState {
  const { plan } = state;
  const { back } = plan.context;
  if (back === undefined) return state;
  const context = { ...plan.context, back: { ...back, changed: noted(back.changed, id, true) } };
  return { ...state, plan: { ...plan, context } };
}

/** Stopped, and started again as it was, whatever kept it from its update. */
const wasInVain = ({ kind, stopped, held }: UpdateOutcome): boolean =>
  stopped === true && held === undefined && kind !== 'updated' && kind !== 'failed';

/** Stopped, and started again as it was: its work was cut for nothing. */
const withVain = (state: RolloutState, id: string, now: number): RolloutState => ({
  ...state,
  vain: { ...state.vain, [id]: { times: (state.vain[id]?.times ?? 0) + 1, at: now } },
});

/** What we started on the new version shows what it is worth. */
function onTrial(state: RolloutState, flight: Flight, outcome: UpdateEnd<'updated'>, now: number): RolloutState {
  if (!outcome.started || outcome.passed) return state;
  const { id, region, group } = flight;
  const trial: Trial = {
    region,
    group,
    why: outcome.stopped || flight.working || flight.crashed ? 'working' : 'boot',
    landedAt: now,
  };
  const boots = state.boots + (flight.boot ? 1 : 0);
  return { ...state, boots, trials: { ...state.trials, [id]: trial } };
}

type Count = 'left' | 'due' | 'failed' | 'atTarget' | ShownCount;

const leftCounts = ({ working }: Flight): readonly Count[] => (working === 'up' ? ['left', 'due'] : ['left']);

const recount = (pool: Pool, counts: readonly Count[], by: 1 | -1): Pool => ({
  ...pool,
  ...Object.fromEntries(counts.map((count) => [count, Math.max(0, pool[count] + by)] as const)),
});

/** Where a look would count it now. */
function countsIn(outcome: UpdateEnd<'updated' | 'failed'>): readonly Count[] {
  if (outcome.kind === 'failed') return ['failed'];
  if (!outcome.started) return ['atTarget'];
  return outcome.passed ? ['atTarget', 'good', 'verified'] : ['atTarget', 'fresh'];
}

/** The last look with what an update of ours changed since: a look that finds nothing more to do does not come back. */
function withCount(state: RolloutState, flight: Flight, outcome: UpdateEnd<'updated' | 'failed'>): RolloutState {
  if (state.seen === undefined) return state;
  const { [flight.id]: counted, ...early } = state.seen.early;
  const was = counted === undefined ? leftCounts(flight) : (['atTarget', ...counted] as const);
  const pools = state.seen.pools.map((pool) => {
    if (!samePlace(pool, flight) || (counted === undefined && pool.left === 0)) return pool;
    return recount(recount(pool, was, -1), countsIn(outcome), 1);
  });
  return { ...state, seen: { ...state.seen, pools, early } };
}

function onSuccess(state: RolloutState, id: string, outcome: UpdateEnd<'updated'>, now: number): RolloutState {
  const { context } = state.plan;
  const learnt = context.pin === undefined && hasImage(context.change) && outcome.digest !== undefined;
  const plan = learnt ? { ...state.plan, context: { ...context, pin: outcome.digest ?? '' } } : state.plan;
  // Its update met it at work: reported, whatever else came of it.
  const interrupted = noted(state.interrupted, id, outcome.interrupted);
  const written = state.written + (outcome.wrote ? 1 : 0);
  const imageOnly = noted(state.imageOnly, id, outcome.imageOnly);
  return { ...state, plan, interrupted, written, imageOnly, failedInRow: 0, movedAt: now };
}

/** An order ended and nobody can say how far it got: the next one looks for traces before it writes. */
export function onLost(state: RolloutState, id: string, now: number): RolloutState {
  const flight = state.inFlight[id];
  if (flight === undefined) return state;
  return { ...toBeFenced(stillHeld(land(state, flight, { now }), id), flight), unknown: inDoubt(state, flight) };
}

/** An order ended, one way or the other. */
export const onEnd = (state: RolloutState, id: string, outcome: UpdateOutcome | 'lost', now: number): RolloutState =>
  outcome === 'lost' ? onLost(state, id, now) : onUpdated(state, id, outcome, now);

/** A machine has rested enough. */
export function onRested(state: RolloutState, id: string): RolloutState {
  const rest = state.resting[id];
  if (rest === undefined) return state;
  const { queue } = state;
  // What we hold goes on first: it is away as long as it waits.
  const next = isAway(rest) ? [rest, ...queue] : [...queue, rest];
  return { ...state, resting: without(state.resting, id), queue: next };
}
