import type { RolloutContext } from './machine.js';
import { countsAcross, isIdle, type Judged, rulesOf } from './machine.js';

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
  /** Of those, how many are no capacity now, and in nobody's hands: whoever is missed. */
  readonly down: number;
  /** Of those, how many do not run at all; left out where none. */
  readonly gone?: number;
  /** How many of those that are up `maxUnavailable` lets us take down; below nothing where more are missed than may be. */
  readonly room: number;
  /** How many of those that are meant to be up may be in our hands at once, whether they are capacity or not. */
  readonly hands: number;
  /** Capacity is counted over the whole group: `room` and `hands` are those of all its pools together. */
  readonly across?: true;
  /** One is touched only when every other started machine of the group is healthy. */
  readonly whole?: true;
  /** On a way back: how many of the whole group may be taken besides, so that a majority stays. */
  readonly spare?: { readonly room: number; readonly hands: number };
}

/** Where a machine counts. */
export interface Place {
  readonly region: string;
  readonly group: string;
}

/** Region and process group in one text. */
export const placeKey = ({ region, group }: Place): string => `${region} ${group}`;

export const samePlace = (a: Place, b: Place): boolean => a.region === b.region && a.group === b.group;

/** The pools in which a place's capacity is counted: its own, or all of its group. */
export function shared<P extends Pool>(pools: readonly P[], place: Place): readonly P[] {
  const own = pools.find((pool) => samePlace(pool, place));
  if (own === undefined) return [];
  return own.across === true ? pools.filter(({ group }) => group === place.group) : [own];
}

/** The sum of one count over all pools. */
export const total = (
  pools: readonly Pool[],
  count: Exclude<keyof Pool, 'region' | 'group' | 'across' | 'whole' | 'spare' | 'gone'>,
): number => pools.reduce((sum, pool) => sum + pool[count], 0);

/** While it is counted. */
export type CountedPool = { -readonly [K in keyof Pool]: Pool[K] };

function emptyPool({ region, group }: Place, context: RolloutContext): CountedPool {
  const own = rulesOf(context, { group });
  const counts = { selected: 0, atTarget: 0, verified: 0, failed: 0, foreign: 0, left: 0, due: 0, fresh: 0, good: 0 };
  const capacity = { idle: 0, up: 0, down: 0, room: 0, hands: 0 };
  const rules = {
    ...(countsAcross(own) ? { across: true as const } : {}),
    ...(own.whole ? { whole: true as const } : {}),
  };
  return { region, group, ...counts, ...capacity, ...rules };
}

function countStanding(pool: CountedPool, standing: Judged['standing'], isFailed: boolean): void {
  if (standing === 'atTarget') pool.atTarget += 1;
  else if (standing === 'foreign') pool.foreign += 1;
  else if (!isFailed) pool.left += 1;
  if (isFailed) pool.failed += 1;
}

/**
 * Counts the selection by place; what of it is capacity is counted later, by `countCapacity`.
 * @param inside machines of the selection.
 */
export function poolsOf(
  inside: readonly Judged[],
  context: RolloutContext,
  failed: ReadonlySet<string>,
): Map<string, CountedPool> {
  const pools = new Map<string, CountedPool>();
  for (const { machine, standing } of inside) {
    const key = placeKey(machine);
    const pool = pools.get(key) ?? emptyPool(machine, context);
    pools.set(key, pool);
    pool.selected += 1;
    countStanding(pool, standing, failed.has(machine.id));
    if (isIdle(machine, context) && standing !== 'foreign') pool.idle += 1;
  }
  return pools;
}
