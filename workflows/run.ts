import { CancellationScope } from '@temporalio/workflow';
import type { Outcome } from '../src/domain/decide.js';
import type { RolloutState } from '../src/domain/state.js';
import type { Verb } from '../src/domain/verbs.js';

export interface VerbCall {
  readonly verb: Verb;
  readonly input: unknown;
}

/** What one run of the rollout workflow holds besides its state: the live scopes, and what was said before the plan. */
export interface Run {
  readonly app: string;
  readonly type: string;
  /** Undefined while planning. */
  state: RolloutState | undefined;
  /** Said while planning; applied in their order once there is a state. */
  pending: VerbCall[];
  /** Raised by everything that may change the next decision. */
  changes: number;
  flights: CancellationScope;
  waits: CancellationScope;
  look: { readonly since: number; readonly scope: CancellationScope } | undefined;
  ended: { readonly outcome: Outcome; readonly says: string; readonly at: number } | undefined;
  cancelRequested: boolean;
}

export const createRun = (app: string, type: string): Run => ({
  app,
  type,
  state: undefined,
  pending: [],
  changes: 0,
  flights: new CancellationScope(),
  waits: new CancellationScope(),
  look: undefined,
  ended: undefined,
  cancelRequested: false,
});

/** New scopes for the next flights and waits: the old ones were cancelled. */
export function freshScopes(run: Run): void {
  run.flights = new CancellationScope();
  run.waits = new CancellationScope();
}

/** Puts the next state in place and wakes the loop. */
export function put(run: Run, state: RolloutState): void {
  run.state = state;
  run.changes += 1;
}

/** Ends the look under way: what it was told to leave out is no longer right. */
export function dropLook(run: Run): void {
  run.look?.scope.cancel();
}

/** Calls back everything in flight, and every wait. */
export function callBack(run: Run): void {
  run.flights.cancel();
  dropWaits(run);
}

/** Ends the look and the rests, and leaves the updates in flight alone. */
export function dropWaits(run: Run): void {
  dropLook(run);
  run.waits.cancel();
}
