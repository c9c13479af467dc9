import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { FlyError } from '../src/fly/errors.js';
import type { Activities } from './contract.js';
import { type LookDeps, observeFleet } from './observe-fleet.js';
import { type PlanDeps, planRollout, Refused } from './plan-rollout.js';
import { type Attempt, updateMachine } from './update-machine.js';

export type ActivityDeps = PlanDeps & LookDeps;

/** Well under the heartbeat timeout, so that a call back arrives soon: it travels on a heartbeat's answer. */
const BEAT_MS = 2_000;

/**
 * Well under the heartbeat timeout: an attempt this young cannot have been given up by the server, whatever became of
 * its heartbeats, its worker's network or its process since. An older one does not write; the next attempt does.
 */
const OLD_MS = 12_000;

/** Fly's trouble, as Temporal is to see it: tried again after the time the error table or Fly itself names. */
function retryable(error: unknown): unknown {
  if (!(error instanceof FlyError)) return error;
  const { code, retryAfterMs, requestId, status } = error.failure;
  return ApplicationFailure.create({
    message: error.message,
    type: code,
    category: 'BENIGN',
    details: [{ status, requestId }],
    nextRetryDelay: retryAfterMs ?? 10_000,
  });
}

async function asFailure<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refused) {
      throw ApplicationFailure.nonRetryable(error.message, 'RolloutRefused', { problems: error.problems });
    }
    throw retryable(error);
  }
}

/** Runs one attempt of an update with a steady heartbeat that says what it is doing. */
async function withBeat<T>(work: (attempt: Attempt) => Promise<T>): Promise<T> {
  const context = Context.current();
  let doing = 'begins';
  const since = Date.now();
  const beat = () => {
    context.heartbeat({ doing, since: new Date(since).toISOString() });
  };
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await work({
      number: context.info.attempt,
      cancelled: context.cancellationSignal,
      isAlive: () => Date.now() - since < OLD_MS,
      say: (next) => {
        doing = next;
      },
    });
  } finally {
    clearInterval(timer);
  }
}

/**
 * The activities of a worker. Each is safe to run again: planning and looking write nothing, updating looks for its
 * own traces first.
 */
export function createActivities(deps: ActivityDeps): Activities {
  return {
    planRollout: (order) => withBeat(() => asFailure(planRollout(order, deps))),

    async observeFleet(order) {
      const look = await withBeat(() => asFailure(observeFleet(order, deps)));
      if (look.kind !== 'again') return look;
      if (Context.current().cancellationSignal.aborted) throw new CancelledFailure('called back');
      const { says, inMs } = look;
      throw ApplicationFailure.create({ message: says, type: 'NothingToDo', category: 'BENIGN', nextRetryDelay: inMs });
    },

    updateMachine: (order) => withBeat((attempt) => asFailure(updateMachine(order, deps, attempt))),
  };
}
