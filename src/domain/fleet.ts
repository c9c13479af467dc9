import { type Around, type Candidate, eligible, inOrder, toCandidate, withCapacity } from './candidates.js';
import { IDLE, type Judged, type MachineFacts, type RolloutContext, type Standing } from './machine.js';
import { type Mixture, mixtureOf } from './mixture.js';
import { LISTS_LAG_MS } from './state.js';
import { classify } from './table.js';
import { sayCount } from './say-count.js';
import { countCapacity, type Missed } from './capacity.js';
import type { Known } from './members.js';
import type { Landed } from './pace.js';
import { type CountedPool, placeKey, type Pool, poolsOf, total } from './pools.js';
import { inScope, poolsIn, reachedBy, type StepView } from './steps.js';
import { judgeAtTarget, type ShownCount, type Sick } from './shown.js';

/** A machine that is not fine, or not yet. */
export interface Remark {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly standing: Standing;
  readonly says: string;
}

/** Machines that work with older secrets than those of the app; `unread` where Fly did not tell. */
export type Behind =
  | 'unread'
  | {
      /** When they were set, Fly's ms. */
      readonly setAt: number;
      readonly machines: number;
    };

/** What one look at the fleet says: counts and what there is to do, never the fleet itself. */
export interface Observation {
  readonly at: number;
  /** When it was decided to look: what has landed since it does not know of. */
  readonly since: number;
  readonly listed: number;
  /** False when the list is shorter than before and than the app counts: it never proves that nothing is left. */
  readonly whole: boolean;
  /** How many more the app counts, where it was asked. */
  readonly unlisted: number;
  /** Machines whose last order nobody knows the end of: somebody has to look into each, at target or not. */
  readonly doubtful: number;
  /** Of a change that is taken back: machines that it was just written to, and that are not listed with it yet. */
  readonly unseen: number;
  /** Machines that a person took up again and that have not shown yet how they do. */
  readonly retried: number;
  readonly pools: readonly Pool[];
  readonly candidates: readonly Candidate[];
  readonly remarks: readonly Remark[];
  /** Some of those that are meant to be up and are no capacity. */
  readonly missed: readonly Missed[];
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
  /** Updated lately, or in flight, and counted at target already: with the other counts of each. */
  readonly early: Readonly<Record<string, readonly ShownCount[]>>;
  readonly unreachable: number;
  readonly busy: number;
  /** Machines that are done, and booted before a secret was set meanwhile; only where nothing else is left to do. */
  readonly behind?: Behind;
  /** What runs where; left out by releases before it was told. */
  readonly mixture?: Mixture;
  /** How far Fly's clock is ahead of ours, ms. */
  readonly aheadMs: number;
}

/** What the workflow knows that the machines do not. */
export interface View {
  readonly now: number;
  /** When it was decided to look. */
  readonly since: number;
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
  /** Of those, the ones that slots count as away. */
  readonly away: readonly string[];
  /** Orders that took capacity and landed lately. */
  readonly landed: Readonly<Record<string, Landed>>;
  /** Of a change that is taken back: whom it was written to in its last minute, and when, ms. */
  readonly lately: Readonly<Record<string, number>>;
  /** Machines that work, or did, and rest since Fly let their orders do no more, with how often they were tried. */
  readonly fallen: Readonly<Record<string, number>>;
  /** Failed in this rollout: not candidates until a person retries them. */
  readonly failed: readonly string[];
  /** Of those, the ones that a person accepted: they count as they are. */
  readonly accepted: readonly string[];
  /** Stopped in vain: not yet to be stopped again. */
  readonly spared: readonly string[];
  /** Evidence up to this time (Fly's, ms) was accepted or retried. */
  readonly forgiven: Readonly<Record<string, number>>;
  /** Fly's time, ms: whoever was updated since may have been sent off after the look began. */
  readonly bornSince: number;
  /** Whose machines are candidates. */
  readonly step: StepView;
}

/** A list that lags may be from before its write. */
const isUnseen = ({ machine }: Judged, { now, lately }: View): boolean =>
  now < (lately[machine.id] ?? -Infinity) + LISTS_LAG_MS;

/** Bounds that keep an observation below 100 KB; 400 pools (every region, eleven groups) are 50 KB of it. */
const MOST_CANDIDATES = 100;
const MOST_REMARKS = 85;
const MOST_SICK = 60;
/** Three times as many as can be in flight. */
const MOST_EARLY = 150;

const OUTSIDE: readonly Standing[] = [
  'gone',
  'excluded',
  'special',
  'unmanaged',
  'containers',
  'suspended',
  'untouched',
];

/** Never written to, and of their groups all the same. */
const LEFT: readonly Standing[] = ['excluded', 'unmanaged', 'containers', 'suspended'];

/** Whether a standing belongs to the selection. */
export const isInside = (standing: Standing): boolean => !OUTSIDE.includes(standing);

function countOutside(judged: readonly Judged[]): Partial<Record<Standing, number>> {
  const outside: Partial<Record<Standing, number>> = {};
  for (const { standing } of judged) if (!isInside(standing)) outside[standing] = (outside[standing] ?? 0) + 1;
  return outside;
}

/** Those that work, are still to be updated where they are, and are capacity. */
function countDue(
  due: readonly Judged[],
  pools: Map<string, CountedPool>,
  context: RolloutContext,
  around: Around,
): void {
  for (const one of due) {
    const pool = pools.get(placeKey(one.machine));
    const { working } = withCapacity(toCandidate(one), one.machine, context, around);
    if (pool !== undefined && working === 'up') pool.due += 1;
  }
}

const knownOf = (view: View, fresh: ReadonlySet<string>): Known => ({
  flyNow: view.flyNow,
  aheadMs: view.flyNow - view.now,
  away: new Set(view.away),
  failed: new Set(view.failed.filter((id) => !view.accepted.includes(id))),
  fallen: view.fallen,
  // Of one that has failed a person decides, whatever its last order did.
  doubt: new Set(view.doubt.filter((id) => !view.failed.includes(id))),
  landed: view.landed,
  fresh,
});

/** By the table; who was stopped in vain lately is not stopped again yet. */
function judgeAll(fleet: readonly MachineFacts[], context: RolloutContext, view: View): Judged[] {
  const spared = new Set(view.spared);
  return fleet.map((machine): Judged => {
    const { standing, because } = classify(machine, context);
    return standing === 'overdue' && spared.has(machine.id)
      ? { machine, standing: 'straggler', because: SPARED }
      : { machine, standing, because };
  });
}

/**
 * Summarises a list.
 * @param fleet every machine of the app, as facts.
 */
export function observe(fleet: readonly MachineFacts[], context: RolloutContext, view: View): Observation {
  const judged = judgeAll(fleet, context, view);
  const inside = judged.filter((j) => isInside(j.standing));
  const failed = new Set(view.failed);
  const taken = new Set(view.taken);
  // On the way back those that were never touched are capacity too.
  const around = judged.filter((j) => j.standing === 'untouched');
  const pools = poolsOf(inside, context, failed);
  const { fresh, sick, retried, trials, shown, early } = judgeAtTarget(inside, context, view, pools);
  const everybody = { inside, around, others: judged.filter((j) => LEFT.includes(j.standing)) };
  const absent = countCapacity([...pools.values()], everybody, context, knownOf(view, fresh));
  const doubt = new Set(view.doubt);
  // Nobody waits for a machine that has failed: a person decides about it. A hold on it is put right all the same.
  const open = inside.filter((j) => !failed.has(j.machine.id));
  const isDoubtful = (j: Judged) => doubt.has(j.machine.id) && j.standing !== 'unreachable';
  const isForUs = (j: Judged) => ['ready', 'overdue', 'due', 'cut'].includes(j.standing) || isDoubtful(j);
  const of = (standing: Standing) => open.filter((j) => j.standing === standing);
  const isHeld = ({ standing }: Judged) => standing === 'held';
  // What an order of ours holds at this moment is no finding.
  const left = inside.filter((j) => isHeld(j) && !taken.has(j.machine.id));
  const ready = open.filter((j) => isForUs(j) && !isHeld(j) && !taken.has(j.machine.id));
  // On the way back a list that lags calls untouched what was written a moment ago.
  const strayed = around.filter(({ machine }) => doubt.has(machine.id) && !failed.has(machine.id));
  const looked = strayed.filter(({ machine }) => !taken.has(machine.id));
  const candidates = [...left, ...ready, ...looked].map((j) =>
    withCapacity(toCandidate(j), j.machine, context, { view, absent }),
  );
  const due = of('due');
  countDue(due, pools, context, { view, absent });
  const working = due.filter((j) => inScope(view.step.scope, j.machine)).length;
  const here = eligible(candidates, { step: view.step, doubt, inPlace: context.inPlace === true, working });
  return {
    at: view.now,
    since: view.since,
    aheadMs: view.flyNow - view.now,
    listed: fleet.length,
    whole: view.whole,
    unlisted: view.unlisted,
    retried,
    trials,
    shown,
    early: Object.fromEntries(Object.entries(early).slice(0, MOST_EARLY)),
    doubtful: open.filter(isDoubtful).length + strayed.length,
    unseen: around.filter((j) => isUnseen(j, view)).length,
    pools: [...pools.values()].toSorted(byPlace),
    candidates: inOrder(here, context).slice(0, MOST_CANDIDATES),
    remarks: REMARKABLE.flatMap((standing) => (standing === 'held' ? left : of(standing)))
      .map((j) => toRemark(j, pools))
      .slice(0, MOST_REMARKS),
    missed: absent.missed,
    sick: sick.slice(0, MOST_SICK),
    outside: countOutside(judged),
    stragglers: of('straggler').length,
    overdue: of('overdue').length,
    held: left.length,
    unreachable: of('unreachable').length,
    busy: of('busy').length,
    mixture: mixtureOf(judged, context),
  };
}

const SPARED = 'it was stopped before and could not be updated: it is given more time than the others';

/**
 * Working machines come last: there may be hundreds, and nothing is wrong with them. Those that have their turn in a
 * later step of a canary are only counted.
 */
const REMARKABLE: readonly Standing[] = ['unreachable', 'held', 'foreign', 'busy', 'overdue', 'straggler'];

const byPlace = (a: Pool, b: Pool): number => (placeKey(a) < placeKey(b) ? -1 : 1);

/** What is overdue and may not be stopped yet says what keeps it. */
function toRemark({ machine, standing, because }: Judged, pools: Map<string, CountedPool>): Remark {
  const { id, region, group } = machine;
  const { room, down } = pools.get(placeKey(machine)) ?? { room: 0, down: 0 };
  const isFull = standing === 'overdue' && room <= 0 && down > 0;
  const away = sayCount(down, 'machine of its region and group is', 'machines of its region and group are');
  const kept = `; not now: ${away} no capacity (held, cordoned, failed, or a check does not pass), and "maxUnavailable" spares no more`;
  return { id, region, group, standing, says: isFull ? `${because}${kept}` : because };
}

/** Who of a selection works with secrets from before `setAt`; who is idle reads them at its next start. */
export function behindOf(
  fleet: readonly MachineFacts[],
  context: RolloutContext,
  setAt: number | undefined,
): Behind | undefined {
  const { startedSince = Infinity } = context.change;
  if (setAt === undefined || setAt <= startedSince) return undefined;
  const isBehind = (machine: MachineFacts) =>
    isInside(classify(machine, context).standing) &&
    !IDLE.includes(machine.state) &&
    (machine.bootedAt === undefined || machine.bootedAt < setAt);
  const machines = fleet.filter(isBehind).length;
  return machines === 0 ? undefined : { setAt, machines };
}

/** Machines still to do: off target, not foreign, not failed. */
export const leftToDo = (seen: Observation): number => total(seen.pools, 'left');

/** A list from which nothing follows that is still to do in a step of updates, or to wait for. */
export function isClear(seen: Observation, { kind, scope, batch }: StepView, inPlace: boolean): boolean {
  if (kind !== 'update' || !seen.whole) return false;
  if (seen.doubtful + seen.unseen + seen.retried + seen.trials.length + seen.held > 0) return false;
  const here = poolsIn(seen.pools, scope);
  // What works on the new version shows how it does before anything follows from it.
  if (inPlace && total(here, 'fresh') > 0) return false;
  return batch === undefined ? total(here, 'left') === 0 : total(here, 'due') === 0 || reachedBy(here, scope) >= batch;
}
