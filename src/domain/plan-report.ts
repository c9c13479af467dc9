import type { Standing } from './machine.js';

/** A machine of the selection, in the order in which the plan says what comes of it. */
export interface PlannedMachine {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly state: string;
  readonly standing: Standing;
  readonly because: string;
  /** Its turn among those that may be updated at once, from 1 on; left out where it is not updated yet. */
  readonly step?: number;
}

/** One row of a section: each key is the head of its column. */
export type PlanRow = Readonly<Record<string, string | number>>;

/** One subject of a plan: sentences, and rows that all have the same keys. Either may be empty. */
export interface PlanSection {
  readonly title: string;
  readonly lines: readonly string[];
  readonly rows: readonly PlanRow[];
}

/**
 * What a person reads before the first write; also the result of `dryRun`. At most 100 KB, whatever the fleet. No value
 * of an env, no config and no check output is in it.
 */
export interface PlanReport {
  readonly app: string;
  readonly target: string;
  readonly headline: string;
  /** Machines of the selection. */
  readonly selected: number;
  /** Machines of the app by standing, each counted once. */
  readonly counts: Readonly<Partial<Record<Standing, number>>>;
  /** What is wrong or surprising, worst first; the rollout shows these as long as it runs. */
  readonly notes: readonly string[];
  /** What is wrong or surprising comes first; a section that has nothing to say is left out. */
  readonly sections: readonly PlanSection[];
  /** The first 200 machines of the selection: those to be updated in their order, then those that are waited for. */
  readonly machines: readonly PlannedMachine[];
}
