import type { Amount, GroupRules } from '../input/types.js';
import { hashOfMark, wasAtWork } from './change.js';
import { groupBy } from './group-by.js';
import { healthyOf, isIdle, type Judged, type MachineFacts, type RolloutContext, rulesOf } from './machine.js';
import { hasHeldOn } from './verdict.js';

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
  /** Capacity is counted over the whole group: `room` is that of all its pools together. */
  readonly across?: true;
  /** One is touched only when every other started machine of the group is healthy. */
  readonly whole?: true;
  /** On a way back: how many of all that are up in the whole group may be taken down besides, so that a majority stays. */
  readonly spare?: number;
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
export function shared(pools: readonly Pool[], place: Place): readonly Pool[] {
  const own = pools.find((pool) => samePlace(pool, place));
  if (own === undefined) return [];
  return own.across === true ? pools.filter(({ group }) => group === place.group) : [own];
}

/** The sum of one count over all pools. */
export const total = (
  pools: readonly Pool[],
  count: Exclude<keyof Pool, 'region' | 'group' | 'across' | 'whole' | 'spare'>,
): number => pools.reduce((sum, pool) => sum + pool[count], 0);

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

/** Its capacity is counted over the whole group: it is none until it has been healthy for its time. */
const countsAcross = ({ maxUnavailable, whole }: GroupRules): boolean =>
  maxUnavailable !== undefined || whole !== undefined;

function emptyPool({ region, group }: Place, rules: GroupRules): CountedPool {
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
  const across = countsAcross(rules) ? { across: true as const } : {};
  return { region, group, ...counts, up: 0, down: 0, room: 0, ...across, ...(rules.whole ? { whole: true } : {}) };
}

/** A machine in flight counts as such, never a second time as one that is down. */
function countCapacity(
  pool: CountedPool,
  machine: MachineFacts,
  context: RolloutContext,
  { isAway, isFailed, flyNow }: { isAway: boolean; isFailed: boolean; flyNow: number },
): void {
  if (!isMeantUp(machine, context)) return;
  pool.up += 1;
  const isYoung = pool.across === true && !hasHeldOn(machine, healthyOf(context, machine), flyNow);
  if (!isAway && (isFailed || isDown(machine) || isYoung)) pool.down += 1;
}

/** What is up of a group may be away by so many; of a whole one none is touched while another is no capacity. */
function roomOf(pools: Iterable<CountedPool>, { group, across, whole }: CountedPool, context: RolloutContext): number {
  const { maxUnavailable } = rulesOf(context, { group });
  const kin = across === true ? [...pools].filter((pool) => pool.group === group) : [];
  const [up, down] = [total(kin, 'up'), total(kin, 'down')];
  if (whole === true && down > 0) return 0;
  const most = maxUnavailable ?? (whole === true ? { count: 1 } : context.maxUnavailable);
  return Math.max(0, atMost(most, up) - down);
}

function countStanding(pool: CountedPool, standing: Judged['standing'], isFailed: boolean): void {
  if (standing === 'atTarget') pool.atTarget += 1;
  else if (standing === 'foreign') pool.foreign += 1;
  else if (!isFailed) pool.left += 1;
  if (isFailed) pool.failed += 1;
}

/** Who is capacity, and nothing else. */
interface Rest {
  /** Of their place. */
  readonly around: readonly Judged[];
  /** Those that the rollout leaves: only a group that is counted as one counts on them, wherever they are. */
  readonly others: readonly Judged[];
}

function countRest(
  pools: ReadonlyMap<string, CountedPool>,
  { around, others }: Rest,
  context: RolloutContext,
  flyNow: number,
): void {
  const across = [...pools.values()].filter((pool) => pool.across === true);
  const near = around.map(({ machine }) => ({ machine, pool: pools.get(placeKey(machine)) }));
  const far = others.map(({ machine }) => {
    const kin = across.filter(({ group }) => group === machine.group);
    return { machine, pool: kin.find((one) => samePlace(one, machine)) ?? kin[0] };
  });
  for (const { machine, pool } of [...near, ...far])
    if (pool !== undefined) countCapacity(pool, machine, context, { isAway: false, isFailed: false, flyNow });
}

/**
 * Counts the selection by place.
 * @param inside machines of the selection. @param rest who is capacity besides.
 * @param known what the workflow knows of them. @param flyNow Fly's time, ms.
 */
export function poolsOf(
  { inside, ...rest }: Rest & { readonly inside: readonly Judged[] },
  context: RolloutContext,
  { failed, away, accepted }: Readonly<Record<'failed' | 'away' | 'accepted', ReadonlySet<string>>>,
  flyNow: number,
): Map<string, CountedPool> {
  const pools = new Map<string, CountedPool>();
  for (const { machine, standing } of inside) {
    const key = placeKey(machine);
    const pool = pools.get(key) ?? emptyPool(machine, rulesOf(context, machine));
    pools.set(key, pool);
    pool.selected += 1;
    countStanding(pool, standing, failed.has(machine.id));
    if (isIdle(machine, context) && standing !== 'foreign') pool.idle += 1;
    countCapacity(pool, machine, context, {
      isAway: away.has(machine.id),
      isFailed: failed.has(machine.id) && !accepted.has(machine.id),
      flyNow,
    });
  }
  countRest(pools, rest, context, flyNow);
  for (const pool of pools.values()) {
    pool.room =
      pool.across === true
        ? roomOf(pools.values(), pool, context)
        : Math.max(0, atMost(context.maxUnavailable, pool.up) - pool.down);
  }
  return pools;
}

/** A share is rounded up, and at least one may be away: nothing would ever move otherwise. */
export const atMost = (amount: Amount, of: number): number =>
  'count' in amount ? amount.count : Math.max(1, Math.ceil(amount.share * of));

/** So many of a cluster may be away, and a majority of it stays. */
export const minorityOf = (up: number): number => Math.ceil(up / 2) - 1;

/**
 * On a way back: a group over many regions keeps its majority, also where each region alone could spare one. Who is
 * lost anyway stops nobody: then it is one at a time. To be called when all is counted.
 * @param others of the app that the way back leaves: of a group they are all the same.
 */
export function keepMajorities(pools: Iterable<CountedPool>, others: readonly Judged[], context: RolloutContext): void {
  for (const [name, kin] of groupBy([...pools], ({ group }) => group)) {
    const kept = others.filter(({ machine }) => machine.group === name && isMeantUp(machine, context));
    const up = total(kin, 'up') + kept.length;
    const down = total(kin, 'down') + kept.filter(({ machine }) => isDown(machine)).length;
    const fresh = total(kin, 'fresh');
    const minority = Math.max(1, minorityOf(up));
    const spare = Math.max(0, Math.max(1, minority - Math.max(0, down - fresh)) - fresh);
    for (const pool of kin) pool.spare = spare;
  }
}
