import type { View } from './fleet.js';
import type { Absent } from './capacity.js';
import { isCrashed } from './members.js';
import {
  healthyOf,
  isIdle,
  isInPlace,
  isOfOurs,
  isUnstarted,
  type Judged,
  type MachineFacts,
  type RolloutContext,
} from './machine.js';
import { isBootable } from './pace.js';
import { placeKey } from './pools.js';
import { inScope, type StepView } from './steps.js';

export interface Candidate {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  /** Of what it ran when listed; left out where the list showed none. */
  readonly digest?: string;
  /** Fly's time of its newest birth of a version as listed, ms: a younger one tells of a write since. */
  readonly bornAt?: number;
  /** Never in flight together with these. */
  readonly standbyFor?: readonly string[];
  /**
   * It works and has had its time: it is stopped first. `down`: it is no capacity as it is; `ours`: we stopped it
   * already, and it waits for Fly. Left out for an idle machine.
   */
  readonly working?: 'up' | 'down' | 'ours';
  /** It is `down` because nobody knows what an order has done to it: it is looked into, and not written at work. */
  readonly unsure?: true;
  /** On a way back, by a list that may lag, the change was never written to it. */
  readonly stray?: true;
  /** It is idle, and missed: an order brings it back. */
  readonly crashed?: true;
  /** It counts as missed as it is, for however short: with it no more are away than before. */
  readonly missed?: true;
  /** It counts among those that may be capacity soon: in our hands it does so as well. */
  readonly settles?: true;
  /** Layover holds it: what the hold says is put back, and nothing else is done by this order. */
  readonly restore?: true;
  /** Scheduled and standby machines are never started. */
  readonly onlyIdle?: true;
  /** Errors of Fly in a row so far; left out when there were none. */
  readonly tries?: number;
}

/** The first of every region and group by id, then the second of each: no place has to wait for another's many. */
function inTurns(candidates: readonly Candidate[]): Candidate[] {
  const counts = new Map<string, number>();
  const turns = candidates
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((candidate) => {
      const turn = counts.get(placeKey(candidate)) ?? 0;
      counts.set(placeKey(candidate), turn + 1);
      return { candidate, turn };
    });
  return turns.toSorted((a, b) => a.turn - b.turn).map(({ candidate }) => candidate);
}

type Rank = (candidate: Candidate) => boolean;

const isHeld: Rank = ({ restore }) => restore === true;
const isGone: Rank = ({ crashed }) => crashed === true;
const isDown: Rank = ({ working }) => working === 'down';
const isWorking: Rank = ({ working }) => working !== undefined;

/**
 * A sweep puts right what is held, then takes idle machines (those that can be booted before the others), then those
 * that it stops; where machines are updated in place those that work come first. No capacity goes before capacity, and
 * those that are gone before all.
 */
const RANKS: Readonly<Record<'sweep' | 'inPlace', readonly Rank[]>> = {
  sweep: [isHeld, isGone, isBootable, ({ working }) => working === undefined, isDown, isWorking],
  inPlace: [isHeld, isGone, isDown, isWorking, () => true],
};

/** Its checks have failed for so long that it is no capacity, and taking it costs none; a blip makes nobody that. */
function isLongDown(machine: MachineFacts, context: RolloutContext, flyNow: number): boolean {
  // On the way back nobody hopes for checks to pass yet.
  const afterMs = context.back === undefined ? healthyOf(context, machine).withinMs : -Infinity;
  return machine.checks.some(({ status, since }) => status !== 'passing' && flyNow - since > afterMs);
}

/** What there is to know of a machine when its order is made out. */
export interface Around {
  readonly view: Pick<View, 'flyNow' | 'doubt'>;
  readonly absent: Absent;
}

/** Nobody knows what its last order has done to it; undefined where that is one for an idle machine. */
function inDoubt(one: Candidate, machine: MachineFacts, context: RolloutContext): Candidate | undefined {
  if (isUnstarted(machine) && isOfOurs(machine, context)) return { ...one, crashed: true };
  const isUp = one.working !== undefined || (isInPlace(context, machine) && !isIdle(machine, context));
  return isUp ? { ...one, working: 'down', unsure: true } : undefined;
}

/** What its order takes of the capacity; of one whose last order nobody knows the end of nothing more. */
export function withCapacity(
  candidate: Candidate,
  machine: MachineFacts,
  context: RolloutContext,
  { view: { flyNow, doubt }, absent: { lacking, settling } }: Around,
): Candidate {
  if (candidate.restore === true) return candidate;
  const one = {
    ...candidate,
    ...(lacking.has(candidate.id) ? { missed: true as const } : {}),
    ...(settling.has(candidate.id) ? { settles: true as const } : {}),
  };
  if (isCrashed(machine, context)) return { ...one, crashed: true };
  const unsure = doubt.includes(candidate.id) ? inDoubt(one, machine, context) : undefined;
  if (unsure !== undefined) return unsure;
  const isDown = one.working !== undefined && (machine.cordoned || isLongDown(machine, context, flyNow));
  return isDown ? { ...one, working: 'down' } : one;
}

const newestFirst = (candidates: readonly Candidate[]): Candidate[] =>
  candidates.toSorted((a, b) => (b.bornAt ?? 0) - (a.bornAt ?? 0) || (a.id < b.id ? -1 : 1));

/** In the order in which they get slots; on the way back those that were written last go first. */
export function inOrder(
  candidates: readonly Candidate[],
  { inPlace, back }: Pick<RolloutContext, 'inPlace' | 'back'>,
): Candidate[] {
  const ranks = RANKS[inPlace ? 'inPlace' : 'sweep'];
  const rankOf = (candidate: Candidate) => ranks.findIndex((isOf) => isOf(candidate));
  const sorted = back === undefined ? inTurns : newestFirst;
  return ranks.flatMap((_, rank) => sorted(candidates.filter((candidate) => rankOf(candidate) === rank)));
}

/**
 * Those that the current step may take. What is held, or in doubt, is looked into whatever the step; a batch takes
 * capacity only, and where machines are updated in place the idle ones come when none that works is left.
 * @param working machines of the step's scope that work and are still to be updated.
 */
export function eligible(
  candidates: readonly Candidate[],
  { step, doubt, inPlace, working }: { step: StepView; doubt: ReadonlySet<string>; inPlace: boolean; working: number },
): Candidate[] {
  const isOwed = ({ id, restore }: Candidate) => restore === true || doubt.has(id);
  const isInStep = (one: Candidate) => {
    if (step.kind !== 'update' || !inScope(step.scope, one)) return false;
    if (step.batch !== undefined) return one.working === 'up';
    return !inPlace || one.working !== undefined || one.crashed === true || working === 0;
  };
  return candidates.filter((one) => isOwed(one) || isInStep(one));
}

/** A machine as a slot sees it. */
export const toCandidate = ({ machine, standing }: Judged): Candidate => {
  const { id, region, group, digest, bornAt, standbyFor, onlyIdle } = machine;
  return {
    id,
    region,
    group,
    ...(digest === undefined ? {} : { digest }),
    ...(bornAt === undefined ? {} : { bornAt }),
    ...(standbyFor.length === 0 ? {} : { standbyFor }),
    ...(standing === 'overdue' || standing === 'due' ? { working: 'up' } : {}),
    ...(standing === 'held' ? { restore: true } : {}),
    ...(standing === 'untouched' ? { stray: true } : {}),
    ...(onlyIdle === undefined ? {} : { onlyIdle: true }),
  };
};
