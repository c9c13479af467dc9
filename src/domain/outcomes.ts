import type { Observation } from './fleet.js';
import type { Judgement } from './steps.js';
import type { FailureCode } from './verdict.js';

/** How one machine's update ended. */
type Ended =
  | {
      readonly kind: 'updated';
      readonly version: string;
      readonly digest?: string;
      readonly wrote: boolean;
      readonly interrupted: boolean;
      /** It runs the new version because of us: started, or updated while it worked. */
      readonly started?: true;
      /** Fly no longer keeps the version it goes back to, so its image alone went back. */
      readonly imageOnly?: true;
      /** All of its checks pass. */
      readonly passed?: true;
    }
  | {
      readonly kind: 'failed';
      readonly code: FailureCode;
      readonly says: string;
      readonly at: number;
      readonly interrupted: boolean;
    }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly says: string;
      readonly retryAfterMs: number;
      readonly inDoubt: boolean;
    }
  /** `inDoubt`: a write of ours may still have taken effect. `changed`: by hand since it carries the mark. */
  | { readonly kind: 'left'; readonly standing: string; readonly inDoubt: boolean; readonly changed?: true }
  | { readonly kind: 'calledBack' };

export type UpdateOutcome = Ended & {
  /** A hold of ours may still be on it. */
  readonly held?: true;
  /** It was working past "forceAfter", and we stopped it. */
  readonly stopped?: true;
  /** What we stopped had begun after our last look, and had not had its time. */
  readonly cutEarly?: true;
};

/** How a gate's judgement ended. */
export type GateOutcome = Judgement & { readonly name: string };

/** One kind of outcome. */
export type UpdateEnd<K extends UpdateOutcome['kind']> = Extract<UpdateOutcome, { kind: K }>;

/** How a look ended: a view of the fleet, a Fly that does not serve it, or a list that cannot be believed. */
export type LookOutcome =
  | { readonly kind: 'seen'; readonly observation: Observation }
  | { readonly kind: 'error'; readonly code: string; readonly says: string; readonly at: number }
  | { readonly kind: 'suspect'; readonly listed: number; readonly expected: number; readonly at: number };
