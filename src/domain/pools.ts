import type { Amount } from '../input/types.js';
import { hashOfMark, wasAtWork } from './change.js';
import { isIdle, type Judged, type MachineFacts, type RolloutContext } from './machine.js';

/** One region and process group: the unit in which capacity is counted. */
export interface Pool {
  readonly region: string;
  readonly group: string;
  /** Machines of the selection. */
  readonly selected: number;
  readonly atTarget: number;
  readonly verified: number;
  readonly failed: number;
  readonly foreign: number;
  /** Off target and not foreign: what is still to do. */
  readonly left: number;
  /** Working machines that are still to be updated in place, and are capacity. */
  readonly due: number;
  /** Working machines at target that have not shown yet how they do. */
  readonly fresh: number;
  /** Working machines at target that have passed, or are verified. */
  readonly good: number;
  /** Idle machines that may be written, at target or not: half of them may be in flight. */
  readonly idle: number;
  /** Machines meant to be up: working ones, and those that a hold says were. */
  readonly up: number;
  /** Of those, how many are no capacity now: held, cordoned, on a host that is not ok, or with a check that does not pass. */
  readonly down: number;
  /** How many of those that are up `maxUnavailable` lets us take down. */
  readonly room: number;
}

/** Where a machine counts. */
export interface Place {
  readonly region: string;
  readonly group: string;
}

/** Region and process group in one text. */
export const placeKey = ({ region, group }: Place): string => `${region} ${group}`;

export const samePlace = (a: Place, b: Place): boolean => a.region === b.region && a.group === b.group;

/** The sum of one count over all pools. */
export const total = (pools: readonly Pool[], count: Exclude<keyof Pool, 'region' | 'group'>): number =>
  pools.reduce((sum, pool) => sum + pool[count], 0);

/** While it is counted. */
export type CountedPool = { -readonly [K in keyof Pool]: Pool[K] };
/** No capacity as it is, whatever we do to it; checks that have not reported are none that pass. */
const isDown = (machine: MachineFacts): boolean =>
  machine.state !== 'started' ||
  machine.hold !== undefined ||
  machine.cordoned ||
  !machine.hostOk ||
  machine.checks.length < machine.checksConfigured ||
  machine.checks.some(({ status }) => status !== 'passing');

/** It ended of its own accord, and badly; what ended well, or was stopped by somebody, nobody misses. */
export const hasCrashed = ({ life: { exit } }: MachineFacts): boolean =>
  exit !== undefined && !exit.requested && (exit.oom || exit.code !== 0);

/** At work, or it was when we stopped it for this change: a machine that crashes since is missed. */
function isMeantUp(machine: MachineFacts, { rollout }: RolloutContext): boolean {
  const { state, hold, mark, metadata } = machine;
  if (state === 'started' || state === 'starting' || hold?.started === true) return true;
  return hashOfMark(mark) === rollout.hash && wasAtWork(metadata) && hasCrashed(machine);
}

function emptyPool({ region, group }: Place): CountedPool {
  const counts = {
    selected: 0,
    atTarget: 0,
    verified: 0,
    failed: 0,
    foreign: 0,
    left: 0,
    due: 0,
    fresh: 0,
    good: 0,
    idle: 0,
  };
  return { region, group, ...counts, up: 0, down: 0, room: 0 };
}

/** A machine in flight counts as such, never a second time as one that is down. */
function countCapacity(
  pool: CountedPool,
  machine: MachineFacts,
  context: RolloutContext,
  { isAway, isFailed }: { isAway: boolean; isFailed: boolean },
): void {
  if (!isMeantUp(machine, context)) return;
  pool.up += 1;
  if (!isAway && (isFailed || isDown(machine))) pool.down += 1;
}

function countStanding(pool: CountedPool, standing: Judged['standing'], isFailed: boolean): void {
  if (standing === 'atTarget') pool.atTarget += 1;
  else if (standing === 'foreign') pool.foreign += 1;
  else if (!isFailed) pool.left += 1;
  if (isFailed) pool.failed += 1;
}

/**
 * Counts the selection by place.
 * @param inside machines of the selection. @param around others of the same places: capacity, and nothing else.
 * @param known what the workflow knows of them.
 */
export function poolsOf(
  { inside, around }: Readonly<Record<'inside' | 'around', readonly Judged[]>>,
  context: RolloutContext,
  { failed, away, accepted }: Readonly<Record<'failed' | 'away' | 'accepted', ReadonlySet<string>>>,
): Map<string, CountedPool> {
  const pools = new Map<string, CountedPool>();
  for (const { machine, standing } of inside) {
    const key = placeKey(machine);
    const pool = pools.get(key) ?? emptyPool(machine);
    pools.set(key, pool);
    pool.selected += 1;
    countStanding(pool, standing, failed.has(machine.id));
    if (isIdle(machine, context) && standing !== 'foreign') pool.idle += 1;
    countCapacity(pool, machine, context, {
      isAway: away.has(machine.id),
      isFailed: failed.has(machine.id) && !accepted.has(machine.id),
    });
  }
  for (const { machine } of around) {
    const pool = pools.get(placeKey(machine));
    if (pool !== undefined) countCapacity(pool, machine, context, { isAway: false, isFailed: false });
  }
  for (const pool of pools.values()) pool.room = Math.max(0, atMost(context.maxUnavailable, pool.up) - pool.down);
  return pools;
}

/** A share is rounded up, and at least one may be away: nothing would ever move otherwise. */
const atMost = (amount: Amount, of: number): number =>
  'count' in amount ? amount.count : Math.max(1, Math.ceil(amount.share * of));
