import { wasAtWork } from './change.js';
import {
  countsAcross,
  GONE,
  healthyOf,
  IDLE,
  isInPlace,
  isLaunching,
  isOfOurs,
  isUnstarted,
  type MachineFacts,
  type RolloutContext,
  rulesOf,
  RUNS,
} from './machine.js';
import { type Landed, MOST_TRIES } from './pace.js';
import { LISTS_LAG_MS } from './state.js';
import { hasHeldOn } from './verdict.js';

/** What else there is to know of machines when capacity is counted. */
export interface Known {
  /** Fly's time, ms. */
  readonly flyNow: number;
  /** How far Fly's clock is ahead of ours, ms. */
  readonly aheadMs: number;
  /** In our hands: the slots count them. */
  readonly away: ReadonlySet<string>;
  /** Failed, and nobody has accepted it. */
  readonly failed: ReadonlySet<string>;
  /** Nobody knows how an order on them ended. */
  readonly doubt: ReadonlySet<string>;
  /** At target, and yet to show how they do. */
  readonly fresh: ReadonlySet<string>;
  /** Orders that ended lately: a list that lags shows their machines as they were before. */
  readonly landed: Readonly<Record<string, Landed>>;
  /** Machines that rest since Fly let their orders do no more, with how often they were tried. */
  readonly fallen: Readonly<Record<string, number>>;
}

/** A machine that is meant to be up. */
export interface Member {
  readonly machine: MachineFacts;
  /** Why it is no capacity; undefined where it is some, or is in our hands. */
  readonly lacks: string | undefined;
  /** That shows on it, and is none of what we know of its orders. */
  readonly showsIt: boolean;
  /** It runs since a short while only, or so it may by a list that lags, and has not shown yet that it goes on. */
  readonly settles: boolean;
}

/** It ended of its own accord, and badly; what ended well, or was stopped by somebody, nobody misses. */
const hasCrashed = ({ life: { exit } }: MachineFacts): boolean =>
  exit !== undefined && !exit.requested && (exit.oom || exit.code !== 0);

/**
 * It was at work when this change came to it (or the one that is taken back), or it belongs to a group that is counted
 * as one, and it has crashed since, or was to be started and is not: it is missed, and an order only brings it back.
 */
export function isCrashed(machine: MachineFacts, context: RolloutContext): boolean {
  if (!IDLE.includes(machine.state)) return false;
  const isGone = hasCrashed(machine);
  const isLeft = (context.back !== undefined || context.cut.includes(machine.id)) && isUnstarted(machine);
  if (isOfOurs(machine, context) && wasAtWork(machine.metadata)) return machine.state === 'failed' || isGone || isLeft;
  return (
    isGone && machine.onlyIdle === undefined && isInPlace(context, machine) && countsAcross(rulesOf(context, machine))
  );
}

/** It was there, and has ended. */
const ENDED: readonly string[] = ['stopped', 'failed'];

/** In none of these a machine is on its way from one state to another. */
const RESTS: readonly string[] = [...IDLE, ...GONE, 'suspended'];

/** On its way from one state to another; what we know to have been idle is on its way to that again. */
function isBetween(machine: MachineFacts, context: RolloutContext): boolean {
  if (isLaunching(machine, context)) return true;
  return !RESTS.includes(machine.state) && (!isOfOurs(machine, context) || wasAtWork(machine.metadata));
}

/**
 * At work, or it was when we stopped it for this change, or it crashed at it. Whoever is between two states by another
 * hand is missed as well: what it will be nobody knows, and it is no capacity now.
 */
export function isMeantUp(machine: MachineFacts, context: RolloutContext, isOurs: boolean): boolean {
  const { state, hold } = machine;
  if (RUNS.includes(state) || hold?.started === true || isCrashed(machine, context)) return true;
  return !isOurs && isBetween(machine, context);
}

/** An order of ours has met it at work, or crashed at it, and has not brought it back yet. */
function isOwed(machine: MachineFacts, context: RolloutContext, { doubt, landed, fallen }: Known): boolean {
  const { id, state, metadata, life } = machine;
  const isUnended = doubt.has(id) || Object.hasOwn(landed, id) || Object.hasOwn(fallen, id);
  const isDown = IDLE.includes(state) && life.startedAt === undefined;
  return isUnended && isDown && isOfOurs(machine, context) && wasAtWork(metadata);
}

/** Why it is no capacity as it is; checks that have not reported are none that pass. */
function lackOf(machine: MachineFacts): string | undefined {
  const { state, hold, cordoned, hostOk, checks, checksConfigured } = machine;
  const bad = checks.find(({ status }) => status !== 'passing');
  if (!hostOk) return 'its host is not ok';
  if (hold !== undefined) return 'Layover holds it';
  if (ENDED.includes(state)) return 'it has crashed (start it, or destroy it)';
  if (state !== 'started') return `it is ${state}`;
  if (cordoned) return 'it is cordoned';
  if (bad !== undefined) return `its check ${bad.name} is ${bad.status}`;
  return checks.length < checksConfigured ? 'its checks have not reported yet' : undefined;
}

/** Of an order that ended so lately that a list may be from before its end; it is told for that long only. */
function justIn({ id }: MachineFacts, { landed, aheadMs, flyNow }: Known): Landed | undefined {
  const order = landed[id];
  return order !== undefined && flyNow < order.landedAt + aheadMs + LISTS_LAG_MS ? order : undefined;
}

/** The list is from before the order. */
function isBehind(machine: MachineFacts, known: Known): boolean {
  const order = justIn(machine, known);
  const { bornAt = 0, lastStartAt = 0 } = machine;
  return order !== undefined && bornAt <= order.bornAt && lastStartAt < order.since + known.aheadMs;
}

/** What we know of a machine beside what is listed of it. */
interface Told {
  readonly owed: boolean;
  readonly isYoung: boolean;
  readonly behind: boolean;
}

/** Why it is missed, by what we know of it. */
function lackByUs({ id }: MachineFacts, { isYoung, behind }: Told, known: Known): string | undefined {
  if (known.failed.has(id)) return 'it has failed';
  if (known.doubt.has(id)) return 'nobody knows the end of its update';
  if (behind) return 'Fly does not list it yet as it is since its update';
  return isYoung ? 'it has not been healthy for its time yet' : undefined;
}

/** What keeps it from being capacity, if anything does, and whether that shows on it. */
function whatLacks(machine: MachineFacts, told: Told, known: Known): Pick<Member, 'lacks' | 'showsIt'> {
  const { owed, isYoung, behind } = told;
  const shown = owed ? 'it was to be started, and is not' : lackOf(machine);
  return { lacks: shown ?? lackByUs(machine, told, known), showsIt: (shown !== undefined || isYoung) && !behind };
}

/** Nothing but time keeps it from being capacity. */
const isFine = ({ id, state, hostOk, cordoned }: MachineFacts, { failed }: Known): boolean =>
  hostOk && !cordoned && !failed.has(id) && !ENDED.includes(state);

/** Fly is tried for it yet, or its order ended a moment ago. */
const isSoonBack = (machine: MachineFacts, known: Known): boolean =>
  (known.fallen[machine.id] ?? Infinity) <= MOST_TRIES ||
  (isFine(machine, known) && justIn(machine, known) !== undefined);

/** Undefined where nobody misses it. */
export function memberOf(machine: MachineFacts, context: RolloutContext, known: Known): Member | undefined {
  const { id } = machine;
  const isOurs = known.away.has(id);
  const owed = isOwed(machine, context, known);
  if (!owed && !isMeantUp(machine, context, isOurs)) return undefined;
  // In flight it counts as such, never a second time as one that is down.
  if (isOurs) return { machine, lacks: undefined, showsIt: false, settles: false };
  const isAcross = countsAcross(rulesOf(context, machine));
  const isYoung = isAcross && !hasHeldOn(machine, healthyOf(context, machine), known.flyNow);
  const behind = isBehind(machine, known);
  const found = whatLacks(machine, { owed, isYoung, behind }, known);
  const isNew = RUNS.includes(machine.state) && (isYoung || known.fresh.has(id));
  return { machine, ...found, settles: isNew || (found.lacks !== undefined && isSoonBack(machine, known)) };
}
