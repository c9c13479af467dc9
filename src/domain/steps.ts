import type { Gate } from '../input/types.js';
import { type Place, type Pool, total } from './pools.js';

/** Where a step acts; a key left out: everywhere in the selection. */
export interface Scope {
  readonly regions?: readonly string[];
  readonly groups?: readonly string[];
}

/** Machines of its scope are updated, until none is left: or, in a batch, until so many that work have been. */
export interface UpdateStep {
  readonly kind: 'update';
  readonly name: string;
  readonly scope: Scope;
  /** Machines of the scope that work on the new version at its end, those of earlier batches counted. */
  readonly batch?: number;
  /** It has a closing pass of its own: two looks in a row find nothing left to do. */
  readonly closing?: true;
  /** Writes nothing of its own: what it finds to do is done, and judged, in the step of this name. */
  readonly reopens?: string;
  /** How long what works is waited for, ms; left out: see `PATIENCE_MS`. */
  readonly waitMs?: number;
}

/** Waits on purpose, while health is watched and its gates are judged. */
export interface BakeStep {
  readonly kind: 'bake';
  readonly name: string;
  readonly scope: Scope;
  readonly ms: number;
  readonly gates: readonly Gate[];
  /** Only where the step before it has updated something. */
  readonly ifUpdated?: true;
}

/** Waits for a person. */
export interface ApprovalStep {
  readonly kind: 'approval';
  readonly name: string;
  readonly scope: Scope;
  readonly ms: number;
}

/** A part of the rollout, done before the next begins. The types of rollouts differ only in the steps they compile to. */
export type Step = UpdateStep | BakeStep | ApprovalStep;

/** What a look needs to know of the current step. */
export interface StepView {
  readonly kind: Step['kind'];
  readonly scope: Scope;
  readonly batch?: number;
}

export const viewOf = ({ kind, scope, ...more }: Step): StepView =>
  'batch' in more && more.batch !== undefined ? { kind, scope, batch: more.batch } : { kind, scope };

/** The one step of a sweep, and of a way back. */
export const wholeStep = (name: string): UpdateStep => ({ kind: 'update', name, scope: {} });

export const inScope = ({ regions, groups }: Scope, { region, group }: Place): boolean =>
  (regions === undefined || regions.includes(region)) && (groups === undefined || groups.includes(group));

export const poolsIn = (pools: readonly Pool[], scope: Scope): Pool[] => pools.filter((pool) => inScope(scope, pool));

/** Machines that a batch has brought to the new version, or found to fail on it. */
export const reachedBy = (pools: readonly Pool[], scope: Scope): number => {
  const here = poolsIn(pools, scope);
  return total(here, 'good') + total(here, 'fresh') + total(here, 'failed');
};

export type GateVerdict = 'PASS' | 'FAIL' | 'NONE' | 'ERROR';

/** The last word of a gate in the current bake. */
export interface Judgement {
  readonly verdict: GateVerdict;
  /** With its numbers. */
  readonly says: string;
  /** When it was asked, ms. */
  readonly at: number;
  /** A person resumed in spite of it. */
  readonly accepted?: true;
}

/** How far the current step is. */
export interface StepState {
  readonly index: number;
  /** When it became the current one, ms. */
  readonly since: number;
  readonly pausedMs: number;
  /** By how much its bake is longer than asked for, since a gate had nothing to say, ms. */
  readonly extendedMs: number;
  /** A person said at this time, ms, that it need not wait any longer. */
  readonly proceededAt?: number;
  /** The step before waited in vain for what is left, and this one need not. */
  readonly outwaited?: true;
  readonly gates: Readonly<Record<string, Judgement>>;
}

/** A step as it begins. */
export const beginStep = (index: number, now: number): StepState => ({
  index,
  since: now,
  pausedMs: 0,
  extendedMs: 0,
  gates: {},
});
