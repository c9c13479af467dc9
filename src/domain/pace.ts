import type { Amount } from '../input/types.js';
import type { Candidate } from './candidates.js';
import { type Place, placeKey, type Pool, samePlace, shared, total } from './pools.js';

/** Updates in flight at most, whatever the fleet: Fly's limits are per machine, so this one spares the worker. */
export const MOST_IN_FLIGHT = 50;

/** Where an update in flight counts. */
export interface Flight extends Candidate {
  readonly since: number;
  /** Started after its update, to see whether the new version works. */
  readonly boot?: true;
}

/** A machine that runs the new version because we started it, and has not shown yet whether it works. */
export interface Trial extends Place {
  readonly why: 'boot' | 'working';
  readonly landedAt: number;
}

/** Where and when an order landed that took capacity. */
export interface Landed extends Place {
  /** When it was sent off. */
  readonly since: number;
  readonly landedAt: number;
  /** Fly's time of the machine's newest birth of a version before it, ms. */
  readonly bornAt: number;
}

/** Half of a pool's idle machines (at least one) may be in flight: the other half stays there to be started. */
export const idleSlots = (idle: number): number => Math.max(1, Math.floor(idle / 2));

export interface Pace {
  readonly pools: readonly Pool[];
  readonly inFlight: readonly Flight[];
  /** Held by us and waiting for Fly: away like those in flight, though nothing is under way. */
  readonly resting: readonly Candidate[];
  readonly trials: readonly Trial[];
  /** Landed since the pools were counted, and in none of their counts. */
  readonly landed: readonly Place[];
  /** One update of this rollout has settled on the new version. */
  readonly proven: boolean;
  /** Every write can name the digest it pins. */
  readonly pinned: boolean;
  /** After each machine that passed so many more that are stopped may be in flight or on trial; undefined: any number. */
  readonly ramp: number | undefined;
  /** Machines that are still to be booted before any other is updated; undefined when enough have shown that it works. */
  readonly boots: number | undefined;
  /** Working machines that the current batch still takes, those in flight counted; left out where it is no batch. */
  readonly batch?: number;
}

const mostInFlight = ({ proven, pinned }: Pace): number => (proven && pinned ? MOST_IN_FLIGHT : 1);

/** Those that share slots: what is to be up takes from the capacity, what is idle from the idle ones. */
const laneOf = (one: Candidate): string =>
  one.restore ? 'held' : `${placeKey(one)}${one.crashed ? ' crashed' : one.working ? ` ${one.working}` : ''}`;

/** Those that wait for the same: what is never started may wait for boots, beside others that do not. */
export const queueOf = (one: Candidate): string =>
  `${laneOf(one)}${one.onlyIdle ? ' only idle' : ''}${one.settles ? ' settling' : ''}`;

/** It is away already, and an order only brings it back: that waits for nobody. */
export const isAway = ({ restore, working }: Candidate): boolean => restore === true || working === 'ours';

/** Fly is tried so often before what it does not bring back counts as lost. */
export const MOST_TRIES = 3;

/** Of those that rest, the ones that are away, and are to be back soon. */
export const isInHand = (rest: Candidate): boolean => isAway(rest) && (rest.tries ?? 0) <= MOST_TRIES;

/** In our hands it is one that is missed. */
export const isMissed = ({ working, restore, crashed }: Candidate): boolean =>
  working !== undefined || restore === true || crashed === true;

/** In its lane, where it is not a whole group that counts. */
function ownSlots(
  { working, crashed, missed, settles }: Candidate,
  { idle, room, hands }: Pick<Pool, 'idle' | 'room' | 'hands'>,
): number {
  if (crashed === true) return MOST_IN_FLIGHT;
  if (working === undefined) return idleSlots(idle);
  // With one that is missed as it is no more are away than before.
  return working === 'up' ? Math.max(0, room + (missed === true ? 1 : 0)) : hands + (settles === true ? 1 : 0);
}

const NO_POOL = { idle: 0, room: 0, hands: 0 };

/** How many updates may be in flight in a candidate's lane. */
export function slotsAt(pools: readonly Pool[], one: Candidate): number {
  // Who is only looked into waits for nobody either: it counts as away already, and is not written at work.
  if (isAway(one) || one.unsure === true) return MOST_IN_FLIGHT;
  const pool = pools.find((here) => samePlace(here, one));
  if (pool?.whole !== true) return ownSlots(one, pool ?? NO_POOL);
  const kin = shared(pools, one);
  // Of those that are no capacity it is one itself; who is gone waits for nobody that is gone as well.
  const gone = kin.reduce((sum, { gone: some = 0 }) => sum + some, 0);
  const besides = one.crashed === true ? gone : one.missed === true || one.working === 'down' ? 1 : 0;
  return total(kin, 'down') > besides ? 0 : 1;
}

/** Its slots are those of capacity: whatever is missed there and in our hands takes one. */
const takesCapacity = (one: Candidate, own: Pool | undefined): boolean =>
  own?.whole === true || one.working !== undefined;

/** Whether its slot is one of capacity, which comes and goes without us. */
export const isCapacity = (one: Candidate, pools: readonly Pool[]): boolean =>
  !isAway(one) &&
  takesCapacity(
    one,
    pools.find((pool) => samePlace(pool, one)),
  );

/** How many take a slot of a candidate's lane, in flight or held by us; of the capacity also those that have just landed. */
function countIn(flights: readonly Candidate[], one: Candidate, { pools, landed, resting }: Pace): number {
  const inHand = [...flights, ...resting];
  const own = pools.find((pool) => samePlace(pool, one));
  if (!takesCapacity(one, own)) return inHand.filter((flight) => laneOf(flight) === laneOf(one)).length;
  const isNear = (place: Place) => (own?.across === true ? place.group === one.group : samePlace(place, one));
  const flying = inHand.filter((flight) => isNear(flight) && (own?.whole === true || isMissed(flight)));
  return flying.length + landed.filter(isNear).length;
}

/** How many of its whole group are in our hands, or have just been. */
function awayOfGroup(flights: readonly Candidate[], { group }: Place, { landed, resting }: Pace): number {
  const isKin = (one: Place) => one.group === group;
  return [...flights, ...resting].filter((one) => isKin(one) && isMissed(one)).length + landed.filter(isKin).length;
}

/** How many of its whole group may be away; undefined where only its own place counts. */
function spareFor(pools: readonly Pool[], one: Candidate): number | undefined {
  const { spare } = pools.find((pool) => samePlace(pool, one)) ?? {};
  if (one.working === undefined || one.unsure === true || isAway(one)) return undefined;
  if (spare === undefined) return undefined;
  return (one.working === 'up' ? spare.room : spare.hands) + (one.settles === true ? 1 : 0);
}

function isGroupFull(one: Candidate, flights: readonly Candidate[], pace: Pace): boolean {
  const spare = spareFor(pace.pools, one);
  return spare !== undefined && awayOfGroup(flights, one, pace) >= spare;
}

/** The lane of a whole group. */
const groupLane = ({ group, working, settles }: Candidate): string =>
  `all ${group} ${working}${settles ? ' settling' : ''}`;

/** A standby is there for the time when its machine is not: they are never away together. */
export const stand = (a: Candidate, b: Candidate): boolean =>
  (a.standbyFor?.includes(b.id) ?? false) || (b.standbyFor?.includes(a.id) ?? false);

/** Whether it is one that can be started to see how the new version does. */
export const isBootable = (one: Candidate): boolean => !isMissed(one) && !one.onlyIdle;

/** Stopping machines goes on only as fast as those that were stopped before come back well. */
function isRampedUp(flights: readonly Candidate[], { ramp, pools, trials, resting }: Pace): boolean {
  if (ramp === undefined) return false;
  const under =
    [...flights, ...resting].filter(({ working }) => working).length +
    trials.filter(({ why }) => why === 'working').length;
  return under >= 1 + ramp * total(pools, 'verified');
}

/** As many are under way as the batch still takes. */
const isBatchFull = (flights: readonly Candidate[], { batch, resting }: Pace): boolean =>
  batch !== undefined && [...flights, ...resting].filter(({ working }) => working !== undefined).length >= batch;

/** In its own lane, whatever the rest of its group. */
function isLaneFull(one: Candidate, flights: readonly Candidate[], pace: Pace): boolean {
  if (isAway(one)) return flights.length >= MOST_IN_FLIGHT;
  return isHalted(one, flights, pace) || countIn(flights, one, pace) >= slotsAt(pace.pools, one);
}

const isFull = (one: Candidate, flights: readonly Candidate[], pace: Pace): boolean =>
  isLaneFull(one, flights, pace) || isGroupFull(one, flights, pace);

/** It is the rollout as a whole that has no slot for it. */
function isHalted(one: Candidate, flights: readonly Candidate[], pace: Pace): boolean {
  if (flights.filter(({ restore }) => !restore).length >= mostInFlight(pace)) return true;
  if (pace.boots !== undefined && !(isBootable(one) && flights.filter(isBootable).length < pace.boots)) return true;
  // Who is only looked into takes nothing from a ramp or a batch.
  if (one.working === undefined || one.unsure === true) return false;
  return isRampedUp(flights, pace) || isBatchFull(flights, pace);
}

/**
 * Which candidates get a slot now, in their order: what is held at once; the first of the rollout alone, one at a time
 * while no digest is known, those that are to be booted before all others; never more than half of a pool's idle
 * machines or more of its capacity than `maxUnavailable`, never a standby with its machine.
 */
export function admit(queue: readonly Candidate[], pace: Pace): Candidate[] {
  const admitted: Candidate[] = [];
  for (const candidate of queue) {
    const flights = [...pace.inFlight, ...admitted];
    const isPaired = [...flights, ...pace.resting].some((flight) => stand(flight, candidate));
    if (isFull(candidate, flights, pace) || isPaired) continue;
    admitted.push(candidate);
  }
  return admitted;
}

/**
 * Lanes where a candidate waits because all slots are taken, with what a look has to beat to be news; without a bound
 * where it is the rollout as a whole that has no slot, which no look changes. A standby that waits for its machine
 * fills no lane.
 */
export function fullLanes(queue: readonly Candidate[], pace: Pace): Record<string, number> {
  const lanes = new Map<string, number>();
  for (const waiting of queue) {
    if (isGroupFull(waiting, pace.inFlight, pace)) {
      const flying = awayOfGroup(pace.inFlight, waiting, { ...pace, landed: [] });
      lanes.set(groupLane(waiting), Math.min(spareFor(pace.pools, waiting) ?? 0, flying));
    }
    if (!isLaneFull(waiting, pace.inFlight, pace)) continue;
    const slots = slotsAt(pace.pools, waiting);
    const flying = countIn(pace.inFlight, waiting, { ...pace, landed: [] });
    // Capacity that a machine took which has just landed is there again as soon as a look says so.
    const own = pace.pools.find((pool) => samePlace(pool, waiting));
    const known = takesCapacity(waiting, own) ? Math.min(slots, flying) : slots;
    lanes.set(queueOf(waiting), isHalted(waiting, pace.inFlight, pace) ? NO_LOOK : known);
  }
  return Object.fromEntries(lanes);
}
/** Of a lane that no look opens. */
const NO_LOOK = Number.MAX_SAFE_INTEGER;

/** Whether a look that shows these pools has a slot for it that was not there before. */
export const isSlotNews = (one: Candidate, pools: readonly Pool[], lanes: Readonly<Record<string, number>>): boolean =>
  slotsAt(pools, one) > (lanes[queueOf(one)] ?? 0) && (spareFor(pools, one) ?? Infinity) > (lanes[groupLane(one)] ?? 0);

/**
 * Whether the failures so far pause the rollout: the first one does while no machine has passed, later `most` decides:
 * a count as it is, a share of those passed or failed, at least one. Idle machines that never ran the new version
 * count for nothing.
 */
export function tooManyFailed(failures: number, pools: readonly Pool[], most: Amount): boolean {
  if (failures === 0) return false;
  const passed = total(pools, 'verified');
  if (passed === 0) return true;
  return failures > ('count' in most ? most.count : Math.max(1, Math.floor(most.share * (passed + failures))));
}
