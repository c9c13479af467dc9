import { ActivityFailure, CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Hands } from '../src/domain/loop.js';
import type { GateOrder } from '../src/domain/judging.js';
import type { LookOrder } from '../src/domain/look.js';
import type { UpdateOrder } from '../src/domain/orders.js';
import type { GateOutcome, LookOutcome, UpdateOutcome } from '../src/domain/outcomes.js';
import { judgeGate, observeFleet, updateMachine } from './options.js';

/** Past a look's own end: the time it may need when Fly answers slowly. */
const LOOK_SLACK_MS = 600_000;

/** What an update that gave no outcome waits before it is tried again; it looks for its traces then. */
const BROKEN_REST_MS = 30_000;

/** A scope that is made anew once it was cancelled. */
function createScope() {
  let scope = new CancellationScope();
  return {
    run: <T>(work: () => Promise<T>): Promise<T> => {
      if (scope.consideredCancelled) scope = new CancellationScope();
      return scope.run(work);
    },
    cancel: () => scope.cancel(),
  };
}

/** Temporal's hands. Must be made inside a scope that a cancel of the workflow does not reach. */
export function createHands(): Hands {
  const flights = createScope();
  const rests = createScope();
  const looks = createScope();
  const judges = createScope();
  return {
    now: () => Date.now(),
    update: (order) => flights.run(() => update(order)),
    look: (order) => looks.run(() => look(order)),
    judge: (order) => judges.run(() => judge(order)),
    rest: (id, ms) => rests.run(() => rest(id, ms)),
    callBack: flights.cancel,
    dropLook: looks.cancel,
    dropJudges: judges.cancel,
    dropRests: rests.cancel,
  };
}

async function update(order: UpdateOrder): Promise<UpdateOutcome | 'lost'> {
  const { id, region, group } = order.machine;
  try {
    return await updateMachine.executeWithOptions({ activityId: id, summary: `${id} ${region} ${group}` }, [order]);
  } catch (error) {
    // A worker that died while it was called back shows as a timeout with CANCEL_REQUESTED, not as a cancellation.
    if (isCancellation(error) || (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED'))
      return 'lost';
    const says = error instanceof ActivityFailure ? (error.cause?.message ?? error.message) : String(error);
    return { kind: 'error', code: 'broken', says, retryAfterMs: BROKEN_REST_MS, inDoubt: true, held: true };
  }
}

async function look(order: LookOrder): Promise<LookOutcome | undefined> {
  const scheduleToCloseTimeout = Math.max(1, order.look.until - Date.now()) + LOOK_SLACK_MS;
  const scope = CancellationScope.current();
  try {
    const outcome = await observeFleet.executeWithOptions({ scheduleToCloseTimeout, summary: 'looks at the fleet' }, [
      order,
    ]);
    return scope.consideredCancelled ? undefined : outcome;
  } catch {
    // Dropped, or Fly was away until past the look's end: the loop decides again.
    return undefined;
  }
}

async function judge(order: GateOrder): Promise<GateOutcome | undefined> {
  const { gate, step } = order;
  const scope = CancellationScope.current();
  try {
    const outcome = await judgeGate.executeWithOptions({ summary: `${gate.name} judges ${step}` }, [order]);
    return scope.consideredCancelled ? undefined : outcome;
  } catch {
    // Dropped: the loop asks again if it still wants to know.
    return undefined;
  }
}

async function rest(id: string, ms: number): Promise<void> {
  try {
    await sleep(ms, { summary: `${id} rests before it is looked at again` });
  } catch {
    // Dropped: the machine goes to the queue all the same, and the next look sorts it out.
  }
}

/** One look for the report; undefined when Fly does not answer within a minute. */
export async function lookNow(order: LookOrder): Promise<LookOutcome | undefined> {
  try {
    return await observeFleet.executeWithOptions(
      { scheduleToCloseTimeout: '1m', summary: 'a last look for the report' },
      [order],
    );
  } catch {
    return undefined;
  }
}
