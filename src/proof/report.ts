import type { KillReport } from './kill.js';
import type { Figure } from './judge.js';
import { PHASES } from './phases.js';

/** A figure, and below it what was wrong. */
export const sayFigure = ({ says, wrong, of, unit, examples }: Figure): string[] => [
  `${says}: ${wrong} of ${of} ${unit}`,
  ...examples.map((example) => `  ${example}`),
];

/** The kill proof's report, one line a figure. */
export function sayKills(report: KillReport): string[] {
  const { figures, toll, sweeps, restarts, continued, unexpected, missed, evidence, wallMs } = report;
  const phases = PHASES.map((phase) => `${phase} ${toll.phases.get(phase) ?? 0}`);
  return [
    ...figures.flatMap(sayFigure),
    `ends that no kill explains: ${unexpected.length}`,
    ...unexpected.map((says) => `  ${says}`),
    `workers killed: ${toll.kills}; with one worker running: ${toll.alone}, of these with updates in flight: ${toll.inFlight}`,
    `updates hit by phase: ${phases.join(', ')}`,
    `workers frozen: ${toll.freezes}, ${toll.longFreezes} of them past the heartbeat timeout; updates in their hands: ${toll.frozenUpdates}`,
    ...(evidence === undefined ? [] : [`the log that these figures were read from: ${evidence}`]),
    ...missed,
    `Temporal server killed: ${toll.serverKills}; rollouts terminated: ${toll.terminations}, started again: ${restarts}`,
    `sweeps: ${sweeps}; runs continued as new: ${continued}; wall time: ${Math.round(wallMs / 1000)} s`,
  ];
}
