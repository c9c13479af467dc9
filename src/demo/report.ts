import type { JournalEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import { DEMO_IMAGE } from './scenario.js';

export interface DemoFigures {
  readonly atTarget: number;
  readonly selected: number;
  readonly suspendedLeft: number;
  readonly jobsCut: number;
  readonly jobsDone: number;
  readonly startedByUs: number;
}

/** Counted from the simulator's journal and its machines, not from what the rollout says of itself. */
export function countDemo(machines: readonly MachineTruth[], journal: readonly JournalEntry[]): DemoFigures {
  const isLeft = (machine: MachineTruth) => machine.state === 'suspended';
  const selected = machines.filter((machine) => !isLeft(machine));
  const calls = journal.filter((entry) => entry.kind === 'call' && 'op' in entry);
  return {
    selected: selected.length,
    atTarget: selected.filter((machine) => machine.image.startsWith(DEMO_IMAGE)).length,
    suspendedLeft: machines.filter(isLeft).length,
    jobsCut: journal.filter((entry) => entry.kind === 'job-cut').length,
    jobsDone: journal.filter((entry) => entry.kind === 'job-ended').length,
    startedByUs: calls.filter((call) => 'op' in call && call.op === 'start').length,
  };
}

export const isGood = (f: DemoFigures): boolean => f.atTarget === f.selected && f.jobsCut === 0 && f.startedByUs === 0;

export const sayDemo = (f: DemoFigures): string[] => [
  `  machines at target: ${f.atTarget} of ${f.selected} selected (${f.suspendedLeft} suspended ones were left)`,
  `  jobs cut: ${f.jobsCut} (${f.jobsDone} ended by themselves meanwhile)`,
  `  idle machines started by the sweep: ${f.startedByUs}`,
];
