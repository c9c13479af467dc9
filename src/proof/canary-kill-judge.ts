import { type JournalEntry, type MachineTruth, tookEffect } from './evidence.js';
import { type Figure, figure } from './judge.js';

/** A yes that the proof gave: to which rollout (`<hash>.<start>`), and when it was sent. */
export interface Given {
  readonly rollout: string;
  readonly at: number;
}

/** A question that reached the judge of a bake. */
export interface Asked {
  readonly rollout: string;
  readonly step: string;
  readonly at: number;
}

export interface CanaryKillCase {
  readonly journal: readonly JournalEntry[];
  readonly final: readonly MachineTruth[];
  readonly first: readonly MachineTruth[];
  readonly given: readonly Given[];
  readonly asked: readonly Asked[];
  /** Approvals that were asked for again after they had been given: rollout and step. */
  readonly askedAgain: readonly string[];
  /** Machines that are not as the rollouts that ended say they are. */
  readonly wrongEnds: readonly string[];
  readonly ends: number;
  readonly endedAt: number;
  /** The region whose machines are the first entry. */
  readonly firstRegion: string;
  /** The bakes of first entries, by region or by group. */
  readonly firstBakes: readonly string[];
}

const MARK = 'layover_rollout';
const LEASE_GRACE_MS = 60_000;

interface Write {
  readonly entry: JournalEntry;
  readonly hash: string;
  readonly start: string;
  readonly retry: string;
}

/** Updates that took effect, with their marks. */
function writesOf(journal: readonly JournalEntry[]): Write[] {
  return journal.flatMap((entry) => {
    if (entry.op !== 'update' || !tookEffect(entry)) return [];
    const [, hash = '', start = '', retry = ''] = /^([^.]+)\.([^#]*)#(\d+)$/.exec(entry.marks?.[MARK] ?? '') ?? [];
    return [{ entry, hash, start, retry }];
  });
}

const nameOf = ({ machine, n }: JournalEntry): string => `${machine ?? ''}: journal entry ${n}`;
const isBack = ({ hash }: Write): boolean => hash.startsWith('back-');

/** A change and its way back may be brought to a machine anew by each pair of rollouts: each once. */
function writtenTwice(writes: readonly Write[]): Figure {
  const seen = new Set<string>();
  const twice = writes.filter(({ entry, hash, retry }) => {
    const key = `${entry.machine} ${hash}#${retry}`;
    const isSeen = seen.has(key);
    seen.add(key);
    return isSeen;
  });
  return figure(
    'machines written twice one way',
    twice.map(({ entry }) => nameOf(entry)),
    seen.size,
    'machines times ways',
  );
}

/** Nothing of the second entry is written before its rollout was approved, and its judge was asked at the first's bake. */
function gatesSkipped(writes: readonly Write[], evidence: CanaryKillCase): Figure {
  const { given, asked, first, firstRegion, firstBakes } = evidence;
  const regions = new Map(first.map((machine) => [machine.id, machine['region']]));
  const later = writes.filter((write) => !isBack(write) && regions.get(write.entry.machine ?? '') !== firstRegion);
  const skipped = later.filter(({ entry, hash, start }) => {
    const rollout = `${hash}.${start}`;
    const at = entry.began ?? entry.t;
    const isGiven = given.some((one) => one.rollout === rollout && one.at <= at);
    const isJudged = asked.some((one) => one.rollout === rollout && firstBakes.includes(one.step) && one.at <= at);
    return !isGiven || !isJudged;
  });
  return figure(
    'writes past a gate or an approval',
    skipped.map(({ entry }) => nameOf(entry)),
    later.length,
    'writes of second entries',
  );
}

function leftHeld({ final }: CanaryKillCase): Figure {
  const held = final.filter(({ cordoned, metadata }) => cordoned || metadata['layover_hold'] !== undefined);
  return figure(
    'machines left held or cordoned',
    held.map(({ id }) => id),
    final.length,
    'machines',
  );
}

/** Who served serves, and who was idle is idle. */
function standing({ first, final }: CanaryKillCase): Figure {
  const was = new Map(first.map(({ id, state }) => [id, state]));
  const other = final.filter(({ id, state }) => was.get(id) !== undefined && was.get(id) !== state);
  return figure(
    'machines that do not end as they were, started or stopped',
    other.map(({ id, state }) => `${id} ${state}`),
    final.length,
    'machines',
  );
}

function leasesAlive({ final, endedAt, journal }: CanaryKillCase): Figure {
  const alive = final.filter(
    ({ lease }) => lease?.description.startsWith('layover ') === true && lease.expiresAt > endedAt + LEASE_GRACE_MS,
  );
  const taken = journal.filter((entry) => entry.op === 'lease' && tookEffect(entry)).length;
  return figure(
    'leases of ours alive 60 s after the end',
    alive.map(({ id }) => id),
    taken,
    'leases taken',
  );
}

/** All figures of the kill proof of canaries and rollbacks. */
export function judgeCanaryKills(evidence: CanaryKillCase): Figure[] {
  const writes = writesOf(evidence.journal);
  const { askedAgain, given, wrongEnds, ends } = evidence;
  return [
    writtenTwice(writes),
    gatesSkipped(writes, evidence),
    figure('approvals asked for again after they were given', askedAgain, given.length, 'approvals given'),
    leftHeld(evidence),
    standing(evidence),
    leasesAlive(evidence),
    figure('machines that are not what the end of a rollout says', wrongEnds, ends, 'rollouts ended'),
  ];
}
