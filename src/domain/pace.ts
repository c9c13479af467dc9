import type { Amount } from '../input/types.js';
import type { Candidate, Place, Pool } from './fleet.js';
import { placeKey, samePlace, total } from './fleet.js';

/** Updates in flight at most, whatever the fleet: Fly's limits are per machine, so this one spares the worker. */
export const MOST_IN_FLIGHT = 50;

/** Where an update in flight counts. */
export interface Flight extends Candidate {
  readonly since: number;
}

/** Half of a pool's idle machines (at least one) may be in flight: the other half stays there to be started. */
export const idleSlots = (idle: number): number => Math.max(1, Math.floor(idle / 2));

export interface Pace {
  readonly pools: readonly Pool[];
  readonly inFlight: readonly Flight[];
  /** One update of this rollout has settled on the new version. */
  readonly proven: boolean;
  /** Every write can name the digest it pins. */
  readonly pinned: boolean;
}

const mostInFlight = ({ proven, pinned }: Pace): number => (proven && pinned ? MOST_IN_FLIGHT : 1);

/** How many updates may be in flight in a place. */
export const slotsAt = (pools: readonly Pool[], place: Place): number =>
  idleSlots(pools.find((pool) => samePlace(pool, place))?.idle ?? 0);

const countAt = (flights: readonly Place[], place: Place): number =>
  flights.filter((flight) => samePlace(flight, place)).length;

/** A standby is there for the time when its machine is not: they are never away together. */
const stand = (a: Candidate, b: Candidate): boolean =>
  (a.standbyFor?.includes(b.id) ?? false) || (b.standbyFor?.includes(a.id) ?? false);

/**
 * Which candidates get a slot now, in their order: the first of the rollout alone, one at a time while no digest is
 * known, never more than half of a pool's idle machines, never a standby with its machine.
 */
export function admit(queue: readonly Candidate[], pace: Pace): Candidate[] {
  const most = mostInFlight(pace);
  const admitted: Candidate[] = [];
  for (const candidate of queue) {
    if (pace.inFlight.length + admitted.length >= most) break;
    const flying = [...pace.inFlight, ...admitted];
    const hasSlot = countAt(flying, candidate) < slotsAt(pace.pools, candidate);
    if (hasSlot && !flying.some((flight) => stand(flight, candidate))) admitted.push(candidate);
  }
  return admitted;
}

/**
 * Places where a candidate waits because all slots are taken, with their number; without a bound where it is the
 * rollout as a whole that has no slot. A standby that waits for its machine fills no place.
 */
export function fullPlaces(queue: readonly Candidate[], pace: Pace): Record<string, number> {
  const isFull = pace.inFlight.length >= mostInFlight(pace);
  const places = new Map<string, number>();
  for (const waiting of queue) {
    const slots = slotsAt(pace.pools, waiting);
    if (isFull || countAt(pace.inFlight, waiting) >= slots)
      places.set(placeKey(waiting), isFull ? Number.MAX_SAFE_INTEGER : slots);
  }
  return Object.fromEntries(places);
}

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
