import * as fc from 'fast-check';
import { cases } from './fleets.js';
import { groupCases } from './group-fleets.js';
import { type Law, LAWS } from './laws.js';
import { runCase } from './run-case.js';

export interface PropertyFigures {
  readonly fleets: number;
  readonly breaches: Readonly<Record<Law, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly calls: number;
  readonly stopped: number;
  /** The first case of each broken law, to run again. */
  readonly examples: readonly string[];
}

const LAW_NAMES = Object.keys(LAWS) as Law[];

/** What the cases are of: sweeps, or process groups over fleets of which most machines serve. */
export const KINDS = { stoppedSweep: cases, processGroup: groupCases } as const;
export type Kind = keyof typeof KINDS;

/**
 * Runs random fleets, inputs and orders of events in process: the loop, the decisions and the activities that a
 * worker runs, against the simulator on virtual time, with workers that die and stall, terminations and
 * continue-as-new. The same seed draws the same cases.
 */
export async function proveProperties(
  fleets: number,
  seed: number,
  kind: Kind = 'stoppedSweep',
  signal?: AbortSignal,
): Promise<PropertyFigures> {
  const breaches = Object.fromEntries(LAW_NAMES.map((law) => [law, 0])) as Record<Law, number>;
  const outcomes: Record<string, number> = {};
  const examples: string[] = [];
  let calls = 0;
  let stopped = 0;
  let run = 0;
  for (const testCase of fc.sample(KINDS[kind], { numRuns: fleets, seed })) {
    signal?.throwIfAborted();
    const verdict = await runCase(testCase);
    calls += verdict.calls;
    stopped += verdict.stopped;
    outcomes[verdict.outcome] = (outcomes[verdict.outcome] ?? 0) + 1;
    for (const { law, says } of verdict.broken) {
      if (breaches[law] === 0)
        examples.push(`${law}: case ${run} of seed ${seed}: ${says}\n${JSON.stringify(testCase)}`);
      breaches[law] += 1;
    }
    run += 1;
  }
  return { fleets: run, breaches, outcomes, calls, stopped, examples };
}

/** One line a figure. */
export function sayProperties(figures: PropertyFigures): string[] {
  const ends = Object.entries(figures.outcomes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    `random fleets, inputs and event orders: ${figures.fleets} (${ends.map(([end, count]) => `${count} ${end}`).join(', ')}; ${figures.calls} API calls; ${figures.stopped} machines stopped past "forceAfter")`,
    ...LAW_NAMES.map((law) => `${LAWS[law]}: ${figures.breaches[law]}`),
    ...figures.examples,
  ];
}

export const isLawful = (figures: PropertyFigures): boolean =>
  Object.values(figures.breaches).every((count) => count === 0);
