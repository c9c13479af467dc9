/**
 * What an operator writes, after parsing: defaults filled in, durations in milliseconds. No library, so that
 * workflows may name them; the parser is `parse.ts`.
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

/**
 * A restart as part of a change: every selected machine must have started since. `now`: since the plan; `secrets`: since
 * a secret of the app was last set.
 */
export type Restart = 'now' | 'secrets' | { readonly atMs: number };

/** When a started machine counts as healthy: passing for `forMs`, and reached `withinMs` after the write. */
export interface Healthy {
  readonly forMs: number;
  readonly withinMs: number;
}

/** A question to Prometheus; its template names `{{app}}`, `{{region}}`, `{{machines}}` and `{{window}}`. */
export interface PrometheusGate {
  readonly kind: 'prometheus';
  readonly name: string;
  readonly query: string;
  readonly min?: number;
  readonly max?: number;
  /** A query that counts what the answer is made of, such as requests; fewer than `minSamples` say nothing. */
  readonly samples?: string;
  readonly minSamples?: number;
}

/** A question to an address that the worker's config names. */
export interface HttpGate {
  readonly kind: 'http';
  readonly name: string;
}

/** What has to be answered with PASS before a rollout goes on. A person's yes is a step of its own. */
export type Gate = PrometheusGate | HttpGate;

/** What a rollout is for: of whom it is told at GitHub. */
export interface Source {
  readonly commit?: string;
  readonly pullRequest?: number;
}

/** What every type takes that changes something. */
export interface ChangeInput {
  readonly app: string;
  /** As written: `registry/repository:tag` or with `@sha256:…`; for machines with containers one for each named. */
  readonly image?: string | Readonly<Record<string, string>>;
  readonly env?: EnvChange;
  readonly restart?: Restart;
  /** Every write tells Fly to boot with secrets of this version, or newer ones. */
  readonly minSecretsVersion?: number;
  readonly only?: Selector;
  readonly except?: Selector;
  readonly unmanaged: 'leave' | 'include';
  readonly suspended: 'leave' | 'update';
  readonly healthy: Healthy;
  /** Of the machines meant to be up, per region and process group. */
  readonly maxUnavailable: Amount;
  /** After each machine that passed so many more may be away; `off`: all that `maxUnavailable` lets. */
  readonly ramp: number | 'off';
  readonly dryRun: boolean;
  readonly ifRunning: 'refuse' | 'wait' | 'replace';
  readonly source?: Source;
  /** Failures that are borne, of the machines passed or failed so far. */
  readonly maxFailed: Amount;
  /** What happens when too many have failed, or a gate says FAIL. */
  readonly onFailure: 'pause' | 'rollback';
  /** Two versions of an app side by side for longer than this pause the rollout; left out: never. */
  readonly maxMixedMs?: number;
  readonly allowOtherRepository: boolean;
}

export interface SweepInput extends ChangeInput {
  readonly type: 'stoppedSweep';
  readonly deadlineMs: number;
  /** Working machines are stopped so long after their last start; left out: never. */
  readonly forceAfterMs?: number;
  /** Machines that are started after their update, before all others. */
  readonly bootFirst: number;
}

export interface CanaryInput extends ChangeInput {
  readonly type: 'regionalCanary';
  /** In their order, `*` for all that no other names; left out: one by one, the smallest first. */
  readonly entries?: readonly (NonEmpty<string> | '*')[];
  /** Working machines of an entry that are updated and judged, one batch after another, before its rest. */
  readonly batches: readonly Amount[];
  readonly bakeMs: number;
  /** So long a working machine is out of the proxy's routing before its update; left out: it is not taken out. */
  readonly drainMs?: number;
  readonly gates: readonly Gate[];
  /** How long a person's yes is waited for after each entry; left out: nobody is asked. */
  readonly approvalMs?: number;
}

/** Numbers of a group's own; what is left out is the input's. */
export interface GroupRules {
  /** Of the machines of the group that are meant to be up, all regions together. */
  readonly maxUnavailable?: Amount;
  readonly healthy?: Healthy;
  /** Its working machines are waited for, and never updated while they work. */
  readonly idleOnly?: true;
  /** One is touched only when every other started machine of the group is healthy. */
  readonly whole?: true;
}

export interface GroupEntry {
  readonly kind: 'group';
  readonly group: string;
  readonly rules: GroupRules;
  readonly bakeMs?: number;
  /** How long working machines of an `idleOnly` group are waited for. */
  readonly deadlineMs?: number;
}

/** A person's yes between two groups. */
export interface ApprovalEntry {
  readonly kind: 'approval';
  readonly ms: number;
}

export interface GroupInput extends ChangeInput {
  readonly type: 'processGroup';
  /** In their order; an approval stands between two groups. */
  readonly groups: readonly (GroupEntry | ApprovalEntry)[];
  /** After each group that has none of its own. */
  readonly bakeMs: number;
  readonly drainMs?: number;
  readonly gates: readonly Gate[];
  /** How long a person's yes is waited for after each group but the last; left out: where `groups` says so. */
  readonly approvalMs?: number;
}

export interface BackInput {
  readonly type: 'rollback';
  readonly app: string;
  /** `latest`, the hash of a change, or one start of it. */
  readonly rollout: string;
  /** Also machines at work that were updated while idle. */
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly ifRunning: 'refuse' | 'wait' | 'replace';
  readonly source?: Source;
}

/** What is started by an input. */
export const INPUT_TYPES = ['stoppedSweep', 'regionalCanary', 'processGroup', 'rollback'] as const;
export type InputType = (typeof INPUT_TYPES)[number];

export const isInputType = (type: string): type is InputType => INPUT_TYPES.some((known) => known === type);

/** An input that changes something. */
export type ForwardInput = SweepInput | CanaryInput | GroupInput;

export type RolloutInput = ForwardInput | BackInput;
