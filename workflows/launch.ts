import { ActivityFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { UpdateOrder } from '../activities/contract.js';
import type { Look } from '../src/domain/decide.js';
import type { Candidate } from '../src/domain/fleet.js';
import { selectionFor } from '../src/domain/selection.js';
import {
  type LookOutcome,
  onLaunched,
  onLooked,
  onLost,
  onRested,
  onUpdated,
  type RolloutState,
  type UpdateOutcome,
} from '../src/domain/state.js';
import { observeFleet, updateMachine } from './options.js';
import { dropLook, put, type Run } from './run.js';

/** Past the look's own end: the time a look may need when Fly answers slowly. */
const LOOK_SLACK_MS = 600_000;

/** What a lost update waits before it is tried again; it looks for its traces then. */
const LOST_REST_MS = 30_000;

export function orderFor(state: RolloutState, machine: Candidate): UpdateOrder {
  const { context } = state.plan;
  const inDoubtSince = state.unknown[machine.id];
  return {
    context: { ...context, selection: selectionFor(context.selection, machine.id) },
    machine,
    n: state.retries[machine.id] ?? 0,
    ...(inDoubtSince === undefined ? {} : { inDoubtSince }),
  };
}

function current(run: Run): RolloutState {
  if (run.state === undefined) throw new TypeError('a rollout has no state before its plan');
  return run.state;
}

/** Gives one machine a slot; its end comes back as a new state. */
export function launch(run: Run, machine: Candidate): void {
  put(run, onLaunched(current(run), machine, Date.now()));
  const order = orderFor(current(run), machine);
  const summary = `${machine.id} ${machine.region} ${machine.group}`;
  void run.flights.run(async () => {
    try {
      land(run, machine.id, await updateMachine.executeWithOptions({ activityId: machine.id, summary }, [order]));
    } catch (error) {
      const isCalledBack =
        isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED');
      if (isCalledBack) put(run, onLost(current(run), machine.id));
      else land(run, machine.id, lost(error));
    }
  });
}

/** The activity gave no outcome: time ran out, or it broke. Nobody can say how far it got. */
const lost = (error: unknown): UpdateOutcome => {
  const says = error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : String(error);
  return { kind: 'error', code: 'lost', says, retryAfterMs: LOST_REST_MS, inDoubt: true };
};

function land(run: Run, id: string, outcome: UpdateOutcome): void {
  put(run, onUpdated(current(run), id, outcome, Date.now()));
  if (outcome.kind === 'error') rest(run, id);
  // The look under way leaves this machine out; only these two ends keep that right.
  if (outcome.kind !== 'updated' && outcome.kind !== 'error') dropLook(run);
}

function rest(run: Run, id: string): void {
  const until = current(run).resting[id]?.until ?? Date.now();
  const summary = `${id} rests: Fly would not update it just now`;
  void run.waits.run(async () => {
    try {
      await sleep(Math.max(1, until - Date.now()), { summary });
    } catch {
      // Called back: it goes to the queue all the same, and the next look sorts it out.
    }
    put(run, onRested(current(run), id));
  });
}

function lookOrder(state: RolloutState, look: Look) {
  return {
    context: state.plan.context,
    look,
    taken: [...Object.keys(state.inFlight), ...Object.keys(state.resting)],
    failed: Object.keys(state.failed),
    forgiven: state.forgiven,
    expected: state.seen?.listed ?? state.plan.listed,
  };
}

/** Looks at the fleet until there is something to do; what it saw comes back as a new state. */
export function startLook(run: Run, look: Look): void {
  const scope = new CancellationScope();
  run.look = { since: Date.now(), scope };
  const order = lookOrder(current(run), look);
  const scheduleToCloseTimeout = Math.max(1, look.until - Date.now()) + LOOK_SLACK_MS;
  void scope.run(async () => {
    try {
      const outcome = await observeFleet.executeWithOptions({ scheduleToCloseTimeout, summary: 'looks at the fleet' }, [
        order,
      ]);
      if (!scope.consideredCancelled) put(run, onLooked(current(run), outcome, Date.now()));
    } catch {
      // Dropped, or Fly was away until past the look's end: the loop decides again.
    }
    run.look = undefined;
    run.changes += 1;
  });
}

/** One look for the report; undefined when Fly does not answer within a minute. */
export async function lookNow(state: RolloutState): Promise<LookOutcome | undefined> {
  const order = lookOrder(state, { pace: 'busy', after: 0, until: 0 });
  try {
    return await observeFleet.executeWithOptions(
      { scheduleToCloseTimeout: '1m', summary: 'a last look for the report' },
      [order],
    );
  } catch {
    return undefined;
  }
}
