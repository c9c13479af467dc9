import { classify, type Judged, type MachineFacts, type RolloutContext, type Standing } from './machine.js';
import { isBootable } from './pace.js';
import { sayCount } from './say-count.js';
import { type CountedPool, placeKey, type Pool, poolsOf, total } from './pools.js';
import { type Evidence, judge, type Verdict } from './verdict.js';

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
  readonly stop?: 'up' | 'down' | 'ours';
  /** Layover holds it: what the hold says is put back, and nothing else is done by this order. */
  readonly restore?: true;
  /** Scheduled and standby machines are never started. */
  readonly onlyIdle?: true;
  /** Errors of Fly in a row so far; left out when there were none. */
  readonly tries?: number;
}

/** A machine that is not fine, or not yet. */
export interface Remark {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly standing: Standing;
  readonly says: string;
}

export interface Sick extends Evidence {
  readonly id: string;
  readonly region: string;
  readonly group: string;
}

/** What one look at the fleet says: counts and what there is to do, never the fleet itself. */
export interface Observation {
  readonly at: number;
  readonly listed: number;
  /** False when the list is shorter than before and than the app counts: it never proves that nothing is left. */
  readonly whole: boolean;
  /** How many more the app counts, where it was asked. */
  readonly unlisted: number;
  /** Machines whose last order nobody knows the end of: somebody has to look into each, at target or not. */
  readonly doubtful: number;
  /** Machines that a person took up again and that have not shown yet how they do. */
  readonly retried: number;
  readonly pools: readonly Pool[];
  readonly candidates: readonly Candidate[];
  readonly remarks: readonly Remark[];
  readonly sick: readonly Sick[];
  /** Machines outside the selection, by standing. */
  readonly outside: Readonly<Partial<Record<Standing, number>>>;
  readonly stragglers: number;
  /** Working past "forceAfter": stopped and updated in their turn. */
  readonly overdue: number;
  readonly held: number;
  /** Machines that run the new version because we started them, and have not shown yet whether it works. */
  readonly trials: readonly string[];
  /** Of those on trial, which have shown it, one way or the other. */
  readonly shown: readonly string[];
  readonly unreachable: number;
  readonly busy: number;
  /** How far Fly's clock is ahead of ours, ms. */
  readonly aheadMs: number;
}

/** What the workflow knows that the machines do not. */
export interface View {
  readonly now: number;
  /** Fly's time: what machines show is judged by it, whatever our clock says. */
  readonly flyNow: number;
  readonly whole: boolean;
  readonly unlisted: number;
  /** Started by this rollout, and not judged yet at the last look. */
  readonly trials: readonly string[];
  /** Orders on them ended unknown. */
  readonly doubt: readonly string[];
  /** In flight or resting: not candidates. */
  readonly taken: readonly string[];
  /** Failed in this rollout: not candidates until a person retries them. */
  readonly failed: readonly string[];
  /** Of those, the ones that a person accepted: they count as they are. */
  readonly accepted: readonly string[];
  /** Stopped in vain: not yet to be stopped again. */
  readonly spared: readonly string[];
  /** Evidence up to this time (Fly's, ms) was accepted or retried. */
  readonly forgiven: Readonly<Record<string, number>>;
}

/** Bounds that keep an observation below 100 KB; 400 pools (every region, eleven groups) are 50 KB of it. */
const MOST_CANDIDATES = 140;
const MOST_REMARKS = 140;
const MOST_SICK = 60;

const OUTSIDE: readonly Standing[] = ['gone', 'excluded', 'special', 'unmanaged', 'containers', 'suspended'];

/** Whether a standing belongs to the selection. */
export const isInside = (standing: Standing): boolean => !OUTSIDE.includes(standing);

/** What machines at target show of the new version. */
interface Shown {
  readonly sick: Sick[];
  readonly trials: string[];
  readonly shown: string[];
  retried: number;
}

/** Judges what is at target: adds to the pools' verified count, and returns new failures and what is to come. */
function judgeAtTarget(
  inside: readonly Judged[],
  context: RolloutContext,
  view: View,
  pools: Map<string, CountedPool>,
): Shown {
  const shown: Shown = { sick: [], trials: [], shown: [], retried: 0 };
  for (const { machine } of inside.filter((j) => j.standing === 'atTarget')) {
    const verdict = judge(machine, context, view.flyNow, view.forgiven[machine.id]);
    const isNew = !view.failed.includes(machine.id);
    const pool = pools.get(placeKey(machine));
    // Once failed, a machine is no evidence for the version until a person takes it up again.
    if (isNew && pool !== undefined && ['verified', 'passed'].includes(verdict.kind)) pool.verified += 1;
    note(shown, machine, { verdict, isNew, view });
  }
  return shown;
}

function note(
  shown: Shown,
  machine: MachineFacts,
  { verdict, isNew, view }: { verdict: Verdict; isNew: boolean; view: View },
): void {
  const { id, region, group, state } = machine;
  const forgiven = view.forgiven[id] ?? 0;
  const isOpen = verdict.kind === 'settling';
  if (isOpen && forgiven > 0) shown.retried += 1;
  if ((isOpen || state === 'starting') && view.trials.includes(id)) shown.trials.push(id);
  if (['verified', 'passed', 'failed'].includes(verdict.kind) && view.trials.includes(id)) shown.shown.push(id);
  if (verdict.kind !== 'failed' || !isNew || verdict.evidence.at <= forgiven) return;
  shown.sick.push({ id, region, group, ...verdict.evidence });
}

function countOutside(judged: readonly Judged[]): Partial<Record<Standing, number>> {
  const outside: Partial<Record<Standing, number>> = {};
  for (const { standing } of judged) if (!isInside(standing)) outside[standing] = (outside[standing] ?? 0) + 1;
  return outside;
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

/**
 * Summarises a list.
 * @param fleet every machine of the app, as facts.
 */
export function observe(fleet: readonly MachineFacts[], context: RolloutContext, view: View): Observation {
  const spared = new Set(view.spared);
  const judged = fleet.map((machine): Judged => {
    const { standing, because } = classify(machine, context);
    return standing === 'overdue' && spared.has(machine.id)
      ? { machine, standing: 'straggler', because: SPARED }
      : { machine, standing, because };
  });
  const inside = judged.filter((j) => isInside(j.standing));
  const failed = new Set(view.failed);
  const taken = new Set(view.taken);
  const pools = poolsOf(inside, context, { failed, taken, accepted: new Set(view.accepted) });
  const { sick, retried, trials, shown } = judgeAtTarget(inside, context, view, pools);
  const doubt = new Set(view.doubt);
  // Nobody waits for a machine that has failed: a person decides about it. A hold on it is put right all the same.
  const open = inside.filter((j) => !failed.has(j.machine.id));
  const isDoubtful = (j: Judged) => doubt.has(j.machine.id) && j.standing !== 'unreachable';
  const isForUs = (j: Judged) => ['ready', 'overdue', 'cut'].includes(j.standing) || isDoubtful(j);
  const of = (standing: Standing) => open.filter((j) => j.standing === standing);
  const isHeld = ({ standing }: Judged) => standing === 'held';
  // What an order of ours holds at this moment is no finding.
  const left = inside.filter((j) => isHeld(j) && !taken.has(j.machine.id));
  const others = open.filter((j) => isForUs(j) && !isHeld(j) && !taken.has(j.machine.id));
  const candidates = [...left, ...others].map((j) => withCapacity(toCandidate(j), j.machine, context, view));
  return {
    at: view.now,
    aheadMs: view.flyNow - view.now,
    listed: fleet.length,
    whole: view.whole,
    unlisted: view.unlisted,
    retried,
    trials,
    shown,
    doubtful: open.filter(isDoubtful).length,
    pools: [...pools.values()].toSorted(byPlace),
    candidates: inOrder(candidates).slice(0, MOST_CANDIDATES),
    remarks: REMARKABLE.flatMap((standing) => (standing === 'held' ? left : of(standing)))
      .map((j) => toRemark(j, pools))
      .slice(0, MOST_REMARKS),
    sick: sick.slice(0, MOST_SICK),
    outside: countOutside(judged),
    stragglers: of('straggler').length,
    overdue: of('overdue').length,
    held: left.length,
    unreachable: of('unreachable').length,
    busy: of('busy').length,
  };
}

const SPARED = 'it was stopped before and could not be updated: it is given more time than the others';

/**
 * What is held is put right first, then idle machines (those that can be booted before the others), then those that
 * are stopped: no capacity before capacity.
 */
const RANKS: readonly ((candidate: Candidate) => boolean)[] = [
  ({ restore }) => restore === true,
  isBootable,
  ({ stop }) => stop === undefined,
  ({ stop }) => stop === 'down',
  () => true,
];

/** One whose checks have failed for long is no capacity, and stopping it costs none; a blip makes nobody that. */
function withCapacity(
  candidate: Candidate,
  machine: MachineFacts,
  { healthy }: RolloutContext,
  { flyNow }: View,
): Candidate {
  const isLong = machine.checks.some(({ status, since }) => status !== 'passing' && flyNow - since > healthy.withinMs);
  return candidate.stop !== undefined && (isLong || machine.cordoned) ? { ...candidate, stop: 'down' } : candidate;
}

/** In the order in which they get slots. */
export function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const rankOf = (candidate: Candidate) => RANKS.findIndex((isOf) => isOf(candidate));
  return RANKS.flatMap((_, rank) => inTurns(candidates.filter((candidate) => rankOf(candidate) === rank)));
}

/** Working machines come last: there may be hundreds, and nothing is wrong with them. */
const REMARKABLE: readonly Standing[] = ['unreachable', 'held', 'foreign', 'busy', 'overdue', 'straggler'];

const byPlace = (a: Pool, b: Pool): number => (placeKey(a) < placeKey(b) ? -1 : 1);

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
    ...(standing === 'overdue' ? { stop: 'up' } : {}),
    ...(standing === 'held' ? { restore: true } : {}),
    ...(onlyIdle === undefined ? {} : { onlyIdle: true }),
  };
};

/** What is overdue and may not be stopped yet says what keeps it. */
function toRemark({ machine, standing, because }: Judged, pools: Map<string, CountedPool>): Remark {
  const { id, region, group } = machine;
  const { room, down } = pools.get(placeKey(machine)) ?? { room: 0, down: 0 };
  const isFull = standing === 'overdue' && room === 0 && down > 0;
  const away = sayCount(down, 'machine of its region and group is', 'machines of its region and group are');
  const kept = `; not now: ${away} no capacity (held, cordoned, failed, or a check does not pass), and "maxUnavailable" spares no more`;
  return { id, region, group, standing, says: isFull ? `${because}${kept}` : because };
}

/** Machines still to do: off target, not foreign, not failed. */
export const leftToDo = (seen: Observation): number => total(seen.pools, 'left');

/** A list from which nothing follows that is still to do, or to wait for. */
export const isClear = (seen: Observation): boolean =>
  seen.whole && seen.doubtful + seen.retried + seen.trials.length + seen.held + leftToDo(seen) === 0;
