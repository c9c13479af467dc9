import type { CallEntry, HappeningEntry, JournalEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import type { Case, CaseGroup, CaseInput } from './fleets.js';
import { bake, order } from './group-laws.js';
import {
  changing,
  hasGhosts,
  isCall,
  isHappening,
  isSelected,
  markOf,
  msOf,
  ourWrites,
  type Record,
  tookEffect,
} from './happened.js';
import { type CaseScenario, NEW } from './scenarios.js';

/** The laws of every rollout, as a proof prints them. */
export const LAWS = {
  outside: 'writes outside the selection',
  half: 'times that more than half of an idle pool was in flight',
  paused: 'writes while paused',
  afterEnd: 'writes after the end',
  twice: 'machines written twice for one change',
  cut: 'jobs cut before their time, or cut by a start that nothing could block and not reported',
  held: 'machines left held, cordoned or stopped that should not be',
  room: 'times that more machines were away than maxUnavailable lets',
  lease: 'leases of ours alive 60 s after the end',
  forgotten: 'machines off target after a rollout that completed',
  converge: 'fleets that can converge and did not',
  order: 'process groups begun before the one before was done',
  bake: 'process groups begun before the one before had baked',
} as const;
export type Law = keyof typeof LAWS;

export interface Breach {
  readonly law: Law;
  readonly says: string;
}

function outside(record: Record): string[] {
  const { input } = record.testCase;
  const truth = new Map(record.truthLater.map((machine) => [machine.id, machine]));
  return ourWrites(record).flatMap((call) => {
    const machine = truth.get(call.machine ?? '');
    if (machine !== undefined && !isSelected(machine, input)) return [`wrote ${call.machine}, which is not selected`];
    return call.stateBefore === 'suspended' && input.suspended === 'leave'
      ? [`wrote ${call.machine} while suspended`]
      : [];
  });
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Versions that somebody else brought: each is a reason for a later start of the same change to write once more. */
function broughtByOthers({ entries }: Record, writes: readonly CallEntry[], machine: string): number {
  const own = new Set(writes.map((call) => call.version));
  const here = entries.filter(isHappening).filter((entry) => entry.machine === machine);
  const first = here.find((entry) => entry.kind === 'created')?.version;
  const settled = here.filter((entry) => entry.kind === 'settled').map((entry) => entry.version);
  return new Set(settled.filter((version) => version !== first && !own.has(version))).size;
}

/** One write a mark; over all starts of a change one more for each revert and each version of somebody else. */
function twice(record: Record): string[] {
  const writes = ourWrites(record);
  const reverts = record.entries.filter(isHappening).filter((entry) => entry.kind === 'reverted');
  const sameMark = [...groupBy(writes, (call) => `${call.machine} ${markOf(call)}`)].filter(
    ([, calls]) => calls.length > 1,
  );
  const sameChange = [...groupBy(writes, (call) => `${call.machine} ${markOf(call).split('.')[0]}`)].filter(
    ([key, calls]) => {
      const machine = key.split(' ')[0] ?? '';
      const excuses =
        reverts.filter((entry) => entry.machine === machine).length + broughtByOthers(record, writes, machine);
      return calls.length > 1 + excuses;
    },
  );
  return [...sameMark, ...sameChange].map(([key, calls]) => `${key}: ${calls.length} writes`);
}

/** A stop of ours that met a machine which had worked for long enough: what a rollout with `forceAfter` may do. */
function isInTime(cut: HappeningEntry, { entries, testCase }: Record): boolean {
  const { forceAfter } = testCase.input;
  const stop = entries.find((entry) => isCall(entry) && entry.n === cut.by?.n);
  if (forceAfter === undefined || cut.by?.op !== 'stop' || stop === undefined) return false;
  const started = entries
    .filter(isHappening)
    .findLast((e) => e.machine === cut.machine && e.t <= stop.t && (e.kind === 'job-started' || e.kind === 'created'));
  return stop.t - (started?.t ?? stop.t) >= msOf(forceAfter);
}

/** A process group updates its working machines where they are, unless it says `idleOnly`. */
function isToBeKept({ machine }: HappeningEntry, { testCase: { input }, truthLater }: Record): boolean {
  if (input.groups === undefined) return true;
  const own = truthLater.find(({ id }) => id === machine)?.group;
  return input.groups.some(({ group, idleOnly }) => group === own && idleOnly === true);
}

function cut(record: Record): string[] {
  const { entries, testCase, interrupted } = record;
  const ours = entries
    .filter(isHappening)
    .filter((e) => e.kind === 'job-cut' && (e.by?.op === 'update' || e.by?.op === 'stop'))
    .filter((e) => !isInTime(e, record) && isToBeKept(e, record));
  const isBlocked = testCase.scenario.switches['leaseBlocksAutostart'] === true;
  // What a terminated start or a stalled worker's ghost met at work, it could tell nobody.
  const canTell = testCase.terminateAtMs === undefined && !hasGhosts(testCase);
  const unreported = ours.filter((e) => isBlocked || (canTell && !interrupted.has(e.machine ?? '')));
  return unreported.map((e) => `cut the job of ${e.machine}`);
}

/** What a stop of ours ended is started again, unless the machine ended itself well before, or is gone. */
function isLeftStopped(machine: MachineTruth, entries: readonly JournalEntry[]): boolean {
  const here = entries.filter((entry) => entry.machine === machine.id);
  const stop = here.findLast(
    (entry) => isCall(entry) && entry.op === 'stop' && entry.working === true && tookEffect(entry),
  );
  if (stop === undefined || !['stopped', 'failed'].includes(machine.state)) return false;
  const since = here.filter((entry) => entry.n > stop.n && isHappening(entry)) as HappeningEntry[];
  return !since.some(({ kind }) => kind === 'job-started');
}

/** Fly may refuse to put right for longer than a rollout tries, and a ghost may note what nobody holds any more. */
function held({ truthLater, entries, testCase, outcome }: Record): string[] {
  const isExcused = hasGhosts(testCase) || outcome === 'terminated' || outcome === 'refused';
  if (isExcused) return [];
  return truthLater
    .filter(({ state, host }) => host === 'ok' && !['destroyed', 'destroying'].includes(state))
    .flatMap((machine) => [
      ...(machine.metadata['layover_hold'] === undefined ? [] : [`${machine.id} is left held`]),
      ...(machine.cordoned ? [`${machine.id} is left cordoned`] : []),
      ...(isLeftStopped(machine, entries) ? [`${machine.id} is left stopped`] : []),
    ]);
}

function isAtTarget(machine: MachineTruth, input: CaseInput, digest: string | undefined): boolean {
  const env = machine.machine.config?.env ?? {};
  const isEnvThere = Object.entries(input.env ?? {}).every(([key, value]) =>
    value === null ? !(key in env) : env[key] === value,
  );
  return isEnvThere && (input.image === undefined || machine.digest === digest);
}

function forgotten({ outcome, truthAtEnd, entries, testCase: { input } }: Record): string[] {
  if (outcome !== 'completed') return [];
  // A suspended machine that was woken after the last list was outside the selection when the rollout ended.
  const lastList = entries.findLastIndex((entry) => isCall(entry) && entry.op === 'list');
  const wokenSince = new Set(
    entries
      .slice(lastList)
      .filter(isHappening)
      .filter((e) => e.kind === 'autostart')
      .map((e) => e.machine),
  );
  const digest = truthAtEnd.find((machine) => machine.image.startsWith(NEW))?.digest;
  return truthAtEnd
    .filter((machine) => !['destroyed', 'destroying'].includes(machine.state) && isSelected(machine, input))
    .filter((machine) => input.suspended === 'update' || machine.state !== 'suspended')
    .filter((machine) => !wokenSince.has(machine.id) && !isAtTarget(machine, input, digest))
    .map((machine) => `completed, and ${machine.id} (${machine.state}) is not at target`);
}

/** Who serves never rests; and a step that updates in place waits half an hour for a host that is lost. */
const canGroupsConverge = (groups: readonly CaseGroup[], { apps }: CaseScenario): boolean =>
  !groups.some(({ idleOnly }) => idleOnly) &&
  !apps.some(({ machines }) =>
    machines.some(({ host }) => host !== undefined && host.backAtMs - host.lostAtMs > LONG_MS),
  );
const LONG_MS = 25 * 60_000;

/**
 * A deploy, or a machine created with an image that was not there before, is foreign: it is left, and says Partial.
 * A machine without work that is woken runs for ever, and a suspended one that is left may come back at any time.
 */
function canConverge({ scenario, said, input }: Case): boolean {
  const happens = scenario.at.flatMap(({ do: action }) => Object.keys(action));
  return (
    JSON.stringify(scenario.images[NEW]) === '{"reverts":0}' &&
    happens.every((kind) => kind === 'destroy') &&
    !said.some(({ verb, atMs }) => verb === 'abort' && atMs < 4 * 3_600_000) &&
    (input.groups === undefined || canGroupsConverge(input.groups, scenario)) &&
    !scenario.apps.some((app) => app.machines.some((m) => m.state === 'suspended' && input.suspended === 'leave'))
  );
}

function converge({ testCase, outcome, says }: Record): string[] {
  const isEnd = outcome === 'completed' || says.includes('gone');
  return canConverge(testCase) && !isEnd ? [`could converge, and ended ${outcome}: ${says}`] : [];
}

const JUDGES: { readonly [L in Exclude<Law, 'half' | 'paused' | 'room'>]: (record: Record) => string[] } = {
  outside,
  twice,
  cut,
  held,
  forgotten,
  converge,
  order,
  bake,
  afterEnd: ({ entries, endedAt, testCase }) =>
    hasGhosts(testCase) || testCase.terminateAtMs !== undefined
      ? []
      : changing(entries.slice(endedAt)).map((call) => `${call.op} ${call.machine} after the end`),
  lease: ({ truthLater }) =>
    truthLater
      .filter((m) => m.lease?.description.startsWith('layover') === true)
      .map((m) => `our lease on ${m.id} lives on`),
};

/** Every law that what happened breaks; `half` and `paused` are watched while it happens. */
export function judgeRecord(record: Record): Breach[] {
  return Object.entries(JUDGES).flatMap(([law, judgeBy]) => judgeBy(record).map((says) => ({ law: law as Law, says })));
}
