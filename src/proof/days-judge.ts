import { type JournalEntry, type MachineTruth, tookEffect } from './evidence.js';
import { type Figure, figure } from './judge.js';

/** The judge of the proof of days. Like the other one it reads what the simulator saw, and knows nothing else. */

export interface DaysCase {
  readonly journal: readonly JournalEntry[];
  /** The machines as they really were when the sweep had ended. */
  readonly truth: readonly MachineTruth[];
  readonly digest: string;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly deadlineAt: number;
  readonly forceAfterMs: number;
}

/** All figures of the proof; each is right when nothing is wrong. */
export const judgeDays = (evidence: DaysCase): Figure[] => [
  offTarget(evidence),
  late(evidence),
  stoppedEarly(evidence),
  leftHeld(evidence),
  notGoneOn(evidence),
  twice(evidence),
  leased(evidence),
];

const isThere = ({ state }: MachineTruth): boolean => !['destroying', 'destroyed'].includes(state);

function offTarget({ truth, digest }: DaysCase): Figure {
  const machines = truth.filter(isThere);
  const wrong = machines.filter((one) => one.digest !== digest).map(({ id, state }) => `${id}: ${state}`);
  return figure('machines off target at the end', wrong, machines.length, 'machines, those made meanwhile included');
}

const late = ({ endedAt, deadlineAt }: DaysCase): Figure =>
  figure('sweeps past their deadline', endedAt > deadlineAt ? [new Date(endedAt).toISOString()] : [], 1, 'sweep');

/** Work that a call ended, by force or by the job's own way of taking a stop. */
const isEndedByCall = ({ kind, by }: JournalEntry): boolean =>
  kind === 'job-cut' || (kind === 'job-ended' && by !== undefined);

function stoppedEarly({ journal, beganAt, forceAfterMs }: DaysCase): Figure {
  const startedAt = new Map<string, number>();
  const wrong: string[] = [];
  let jobs = 0;
  for (const entry of journal) {
    const machine = entry.machine ?? '';
    if (entry.kind === 'job-started') {
      startedAt.set(machine, entry.t);
      jobs += 1;
    }
    if (!isEndedByCall(entry)) continue;
    const worked = entry.t - Math.max(beganAt, startedAt.get(machine) ?? Infinity);
    if (worked < forceAfterMs || entry.by?.op !== 'stop')
      wrong.push(`${machine}: by ${entry.by?.op ?? 'nobody'} after ${worked} ms (journal entry ${entry.n})`);
  }
  return figure('jobs cut before "forceAfter", or by anything but a stop', wrong, jobs, 'jobs');
}

function leftHeld({ truth }: DaysCase): Figure {
  const wrong = truth.flatMap(({ id, cordoned, metadata }) => [
    ...(cordoned ? [`${id}: cordoned`] : []),
    ...('layover_hold' in metadata ? [`${id}: held`] : []),
  ]);
  return figure('machines left held or cordoned', wrong, truth.length, 'machines');
}

/** What a stop of ours ended works again at the end; nothing of this fleet would end it by itself. */
function notGoneOn({ journal, truth }: DaysCase): Figure {
  const stopped = new Set(journal.filter(({ op, ...call }) => op === 'stop' && tookEffect({ op, ...call })).map(idOf));
  const wrong = truth.filter(({ id, state }) => stopped.has(id) && state !== 'started').map(({ id }) => id);
  return figure('machines stopped past "forceAfter" that do not work again', wrong, stopped.size, 'machines stopped');
}

const idOf = ({ machine }: JournalEntry): string => machine ?? '';

function twice({ journal }: DaysCase): Figure {
  const writes = journal.filter((entry) => entry.op === 'update' && tookEffect(entry)).map(idOf);
  const wrong = writes.filter((id, at) => writes.indexOf(id) !== at);
  return figure('machines written twice', wrong, writes.length, 'writes');
}

function leased({ truth }: DaysCase): Figure {
  const wrong = truth.filter(({ lease }) => lease?.description.startsWith('layover ') === true).map(({ id }) => id);
  return figure('machines with a lease of ours at the end', wrong, truth.length, 'machines');
}
