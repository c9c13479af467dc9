/**
 * What an operator writes, after parsing: defaults filled in, durations in milliseconds. Types only, so that workflows
 * may name them; the parser is `parse.ts`.
 */

/** A list that is never empty: an empty selection is an error, never "all". */
export type NonEmpty<T> = readonly [T, ...T[]];

/** Which machines: AND between keys, OR inside a list. */
export interface Selector {
  readonly regions?: NonEmpty<string> | undefined;
  readonly processGroups?: NonEmpty<string> | undefined;
  readonly machines?: NonEmpty<string> | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** So many, or such a share (0 to 1) of what it is counted against. */
export type Amount = { readonly count: number } | { readonly share: number };

/** `null` removes the variable. */
export type EnvChange = Readonly<Record<string, string | null>>;

/** When a started machine counts as healthy: passing for `forMs`, and reached `withinMs` after the write. */
export interface Healthy {
  readonly forMs: number;
  readonly withinMs: number;
}

export interface SweepInput {
  readonly type: 'stoppedSweep';
  readonly app: string;
  /** As written: `registry/repository:tag` or with `@sha256:…`; for machines with containers one for each named. */
  readonly image?: string | Readonly<Record<string, string>>;
  readonly env?: EnvChange;
  readonly only?: Selector;
  readonly except?: Selector;
  readonly unmanaged: 'leave' | 'include';
  readonly suspended: 'leave' | 'update';
  readonly healthy: Healthy;
  readonly deadlineMs: number;
  /** Working machines are stopped so long after their last start; left out: never. */
  readonly forceAfterMs?: number;
  /** Machines that are started after their update, before all others. */
  readonly bootFirst: number;
  /** Of the machines meant to be up, per region and process group. */
  readonly maxUnavailable: Amount;
  /** After each machine that passed so many more may be away; `off`: all that `maxUnavailable` lets. */
  readonly ramp: number | 'off';
  readonly dryRun: boolean;
  readonly ifRunning: 'refuse' | 'wait' | 'replace';
  /** Failures that are borne, of the machines passed or failed so far. */
  readonly maxFailed: Amount;
  readonly allowOtherRepository: boolean;
}

export type RolloutInput = SweepInput;
