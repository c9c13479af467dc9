import { classify, isIdle, type MachineFacts, type RolloutContext, type Standing } from './machine.js';
import { type Evidence, judge } from './verdict.js';

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
  /** Idle machines that may be written, at target or not: half of them may be in flight. */
  readonly idle: number;
}

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
  readonly unreachable: number;
  readonly busy: number;
}

/** What the workflow knows that the machines do not. */
export interface View {
  readonly now: number;
  readonly whole: boolean;
  readonly unlisted: number;
  /** Orders on them ended unknown. */
  readonly doubt: readonly string[];
  /** In flight or resting: not candidates. */
  readonly taken: readonly string[];
  /** Failed in this rollout: not candidates until a person retries them. */
  readonly failed: readonly string[];
  /** Evidence up to this time (Fly's, ms) was accepted or retried. */
  readonly forgiven: Readonly<Record<string, number>>;
}

/** Bounds that keep an observation below 100 KB; 400 pools (every region, eleven groups) are 50 KB of it. */
const MOST_CANDIDATES = 150;
const MOST_REMARKS = 150;
const MOST_SICK = 60;

type Counted = { -readonly [K in keyof Pool]: Pool[K] };
type Judged = { machine: MachineFacts; standing: Standing; because: string };

const OUTSIDE: readonly Standing[] = ['gone', 'excluded', 'special', 'unmanaged', 'containers', 'suspended'];

/** Whether a standing belongs to the selection. */
export const isInside = (standing: Standing): boolean => !OUTSIDE.includes(standing);

/** Where a machine counts. */
export interface Place {
  readonly region: string;
  readonly group: string;
}

/** Region and process group in one text. */
export const placeKey = ({ region, group }: Place): string => `${region} ${group}`;

export const samePlace = (a: Place, b: Place): boolean => a.region === b.region && a.group === b.group;

function poolsOf(
  inside: readonly Judged[],
  context: RolloutContext,
  failed: ReadonlySet<string>,
): Map<string, Counted> {
  const pools = new Map<string, Counted>();
  for (const { machine, standing } of inside) {
    const key = placeKey(machine);
    const fresh = { region: machine.region, group: machine.group, selected: 0, atTarget: 0, verified: 0 };
    const pool = pools.get(key) ?? { ...fresh, failed: 0, foreign: 0, left: 0, idle: 0 };
    pools.set(key, pool);
    pool.selected += 1;
    if (standing === 'atTarget') pool.atTarget += 1;
    else if (standing === 'foreign') pool.foreign += 1;
    else if (!failed.has(machine.id)) pool.left += 1;
    if (failed.has(machine.id)) pool.failed += 1;
    if (isIdle(machine, context) && standing !== 'foreign') pool.idle += 1;
  }
  return pools;
}

/** Judges what is at target: adds to the pools' verified count, and returns new failures and how many are to come. */
function judgeAtTarget(
  inside: readonly Judged[],
  context: RolloutContext,
  view: View,
  pools: Map<string, Counted>,
): { sick: Sick[]; retried: number } {
  const sick: Sick[] = [];
  let retried = 0;
  for (const { machine } of inside.filter((j) => j.standing === 'atTarget')) {
    const forgiven = view.forgiven[machine.id] ?? 0;
    const verdict = judge(machine, context, view.now, forgiven);
    const pool = pools.get(placeKey(machine));
    const isNew = !view.failed.includes(machine.id);
    const isFine = verdict.kind === 'verified' || verdict.kind === 'passed';
    // Once failed, a machine is no evidence for the version until a person takes it up again.
    if (isFine && isNew && pool !== undefined) pool.verified += 1;
    if (verdict.kind === 'settling' && forgiven > 0) retried += 1;
    if (verdict.kind !== 'failed' || verdict.evidence.at <= forgiven) continue;
    if (isNew) sick.push({ id: machine.id, region: machine.region, group: machine.group, ...verdict.evidence });
  }
  return { sick, retried };
}

function countOutside(judged: readonly Judged[]): Partial<Record<Standing, number>> {
  const outside: Partial<Record<Standing, number>> = {};
  for (const { standing } of judged) if (!isInside(standing)) outside[standing] = (outside[standing] ?? 0) + 1;
  return outside;
}

/** The first of every region and group by id, then the second of each: no place has to wait for another's many. */
export function inTurns(candidates: readonly Candidate[]): Candidate[] {
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
  const judged = fleet.map((machine): Judged => ({ machine, ...classify(machine, context) }));
  const inside = judged.filter((j) => isInside(j.standing));
  const failed = new Set(view.failed);
  const taken = new Set(view.taken);
  const pools = poolsOf(inside, context, failed);
  const { sick, retried } = judgeAtTarget(inside, context, view, pools);
  const doubt = new Set(view.doubt);
  // Nobody waits for a machine that has failed: a person decides about it.
  const open = inside.filter((j) => !failed.has(j.machine.id));
  const isDoubtful = (j: Judged) => doubt.has(j.machine.id) && j.standing !== 'unreachable';
  const isForUs = (j: Judged) => j.standing === 'ready' || j.standing === 'cut' || isDoubtful(j);
  const of = (standing: Standing) => open.filter((j) => j.standing === standing);
  return {
    at: view.now,
    listed: fleet.length,
    whole: view.whole,
    unlisted: view.unlisted,
    retried,
    doubtful: open.filter(isDoubtful).length,
    pools: [...pools.values()].toSorted(byPlace),
    candidates: inTurns(
      open.filter((j) => isForUs(j) && !taken.has(j.machine.id)).map(({ machine }) => toCandidate(machine)),
    ).slice(0, MOST_CANDIDATES),
    remarks: REMARKABLE.flatMap(of).map(toRemark).slice(0, MOST_REMARKS),
    sick: sick.slice(0, MOST_SICK),
    outside: countOutside(judged),
    stragglers: of('straggler').length,
    unreachable: of('unreachable').length,
    busy: of('busy').length,
  };
}

/** Working machines come last: there may be hundreds, and nothing is wrong with them. */
const REMARKABLE: readonly Standing[] = ['unreachable', 'foreign', 'busy', 'straggler'];
const byPlace = (a: Pool, b: Pool): number => (placeKey(a) < placeKey(b) ? -1 : 1);
/** A machine as a slot sees it. */
export const toCandidate = ({ id, region, group, digest, bornAt, standbyFor }: MachineFacts): Candidate => ({
  id,
  region,
  group,
  ...(digest === undefined ? {} : { digest }),
  ...(bornAt === undefined ? {} : { bornAt }),
  ...(standbyFor.length === 0 ? {} : { standbyFor }),
});
const toRemark = ({ machine, standing, because }: Judged): Remark => ({
  id: machine.id,
  region: machine.region,
  group: machine.group,
  standing,
  says: because,
});

/** The sum of one count over all pools. */
export const total = (pools: readonly Pool[], count: Exclude<keyof Pool, 'region' | 'group'>): number =>
  pools.reduce((sum, pool) => sum + pool[count], 0);

/** Machines still to do: off target, not foreign, not failed. */
export const leftToDo = (seen: Observation): number => total(seen.pools, 'left');

/** A list from which nothing follows that is still to do, or to wait for. */
export const isClear = (seen: Observation): boolean =>
  seen.whole && seen.doubtful === 0 && seen.retried === 0 && leftToDo(seen) === 0;
