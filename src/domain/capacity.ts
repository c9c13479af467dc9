import type { Amount } from '../input/types.js';
import { groupBy } from './group-by.js';
import { IDLE, type Judged, type MachineFacts, type RolloutContext, rulesOf } from './machine.js';
import { isMeantUp, type Known, type Member, memberOf } from './members.js';
import { type CountedPool, placeKey, samePlace, shared, total } from './pools.js';

/** Everybody who may be missed. */
export interface Everybody {
  /** Of the selection. */
  readonly inside: readonly Judged[];
  /** Of their place, though nothing is to be done to them. */
  readonly around: readonly Judged[];
  /** Those that the rollout leaves: only a group that is counted as one counts on them, wherever they are. */
  readonly others: readonly Judged[];
}

/** Somebody who is missed, and why. */
export interface Missed {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly says: string;
}

/** Who is no capacity, by id. */
export interface Absent {
  /** That shows on them. */
  readonly lacking: ReadonlySet<string>;
  /** They may be capacity soon. */
  readonly settling: ReadonlySet<string>;
}

/** What comes out beside the numbers. */
export interface Counted extends Absent {
  /** Some of those who are missed, with why. */
  readonly missed: readonly Missed[];
}

/** A pause names some of those who are missed, never all. */
const MOST_MISSED = 5;

const counted = (all: readonly Judged[], context: RolloutContext, known: Known): Member[] =>
  all.flatMap(({ machine }) => memberOf(machine, context, known) ?? []);

/** Of a fleet that nobody has touched yet, who is meant to be up. */
export const meantUp = (fleet: readonly MachineFacts[], context: RolloutContext): MachineFacts[] =>
  fleet.filter((machine) => isMeantUp(machine, context, false));

/** A share is rounded up, and at least one may be away: nothing would ever move otherwise. */
export const atMost = (amount: Amount, of: number): number =>
  'count' in amount ? amount.count : Math.max(1, Math.ceil(amount.share * of));

/** So many of a cluster may be away, and a majority of it stays. */
export const minorityOf = (up: number): number => Math.ceil(up / 2) - 1;

/** How many settle, by the key of their pool. */
type Settling = ReadonlyMap<CountedPool, number>;

function countUp(pools: readonly CountedPool[], { near, far }: Record<'near' | 'far', readonly Member[]>): Settling {
  const settling = new Map<CountedPool, number>();
  const byPlace = new Map(pools.map((pool) => [placeKey(pool), pool]));
  const across = groupBy(
    pools.filter((pool) => pool.across === true),
    ({ group }) => group,
  );
  const count = (pool: CountedPool | undefined, { machine, lacks, settles }: Member) => {
    if (pool === undefined) return;
    pool.up += 1;
    if (lacks !== undefined) pool.down += 1;
    if (lacks !== undefined && IDLE.includes(machine.state)) pool.gone = (pool.gone ?? 0) + 1;
    if (settles) settling.set(pool, (settling.get(pool) ?? 0) + 1);
  };
  for (const member of near) count(byPlace.get(placeKey(member.machine)), member);
  for (const member of far) {
    const kin = across.get(member.machine.group) ?? [];
    count(kin.find((pool) => samePlace(pool, member.machine)) ?? kin[0], member);
  }
  return settling;
}

/**
 * What is up of a group may be away by so many; of a whole one none is touched while another is no capacity. Who is no
 * capacity as it is costs none, and yet no more of those are in our hands at once: they may pass a moment later, and
 * some checks tell of others.
 */
function countRoom(pools: readonly CountedPool[], settling: Settling, context: RolloutContext): void {
  for (const pool of pools) {
    const kin = shared<CountedPool>(pools, pool);
    const [up, down] = [total(kin, 'up'), total(kin, 'down')];
    const { maxUnavailable } = rulesOf(context, pool);
    const own = pool.across === true ? maxUnavailable : undefined;
    const most = atMost(own ?? (pool.whole === true ? { count: 1 } : context.maxUnavailable), up);
    pool.room = most - down;
    pool.hands = Math.max(0, most - kin.reduce((sum, one) => sum + (settling.get(one) ?? 0), 0));
  }
}

/**
 * On a way back: a group over many regions keeps its majority, also where each region alone could spare one. Who is
 * lost anyway stops nobody: then it is one at a time.
 */
function keepMajorities(pools: readonly CountedPool[], members: readonly Member[]): void {
  for (const [name, kin] of groupBy(pools, ({ group }) => group)) {
    const all = members.filter(({ machine }) => machine.group === name);
    const settling = all.filter(({ settles }) => settles).length;
    const lost = all.filter(({ lacks, settles }) => lacks !== undefined && !settles).length;
    const minority = Math.max(1, minorityOf(all.length));
    const most = Math.max(1, minority - lost);
    for (const pool of kin) {
      pool.spare = { room: Math.max(0, most - settling), hands: Math.max(0, minority - settling) };
    }
  }
}

/**
 * Counts who is meant to be up and who is missed, and says how many more may be away: the one place that does. Adds to
 * the pools' `up`, `down`, `room`, `hands` and `spare`.
 */
export function countCapacity(
  pools: readonly CountedPool[],
  { inside, around, others }: Everybody,
  context: RolloutContext,
  known: Known,
): Counted {
  const near = counted([...inside, ...around], context, known);
  const far = counted(others, context, known);
  const settling = countUp(pools, { near, far });
  countRoom(pools, settling, context);
  if (context.back !== undefined) keepMajorities(pools, [...near, ...far]);
  const groups = new Set(pools.filter(({ across }) => across === true).map(({ group }) => group));
  const all = [...near, ...far.filter(({ machine }) => groups.has(machine.group))];
  const missed = all.flatMap(({ machine: { id, region, group }, lacks }) =>
    lacks === undefined ? [] : [{ id, region, group, says: lacks }],
  );
  const idsOf = (some: readonly Member[]) => new Set(some.map(({ machine }) => machine.id));
  const lacking = idsOf(all.filter(({ showsIt }) => showsIt));
  return { lacking, settling: idsOf(all.filter(({ settles }) => settles)), missed: missed.slice(0, MOST_MISSED) };
}
