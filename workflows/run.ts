import type { Outcome } from '../src/domain/endings.js';
import type { Loop } from '../src/domain/loop.js';

export interface VerbCall {
  /** Whatever was said; the room notes what is no verb. */
  readonly verb: string;
  readonly input: unknown;
}

/** What one run of the rollout workflow holds. */
export interface Run {
  readonly app: string;
  readonly type: string;
  /** Undefined while planning. */
  loop: Loop | undefined;
  /** Said while planning; applied in their order once there is a loop. */
  readonly pending: VerbCall[];
  ended: { readonly outcome: Outcome; readonly says: string; readonly at: number } | undefined;
  cancelRequested: boolean;
}

export const createRun = (app: string, type: string, pending: readonly VerbCall[]): Run => ({
  app,
  type,
  loop: undefined,
  pending: [...pending],
  ended: undefined,
  cancelRequested: false,
});
