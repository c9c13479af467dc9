import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { type Clock, shiftedClock } from '../src/clock.js';
import { FlyError } from '../src/fly/errors.js';
import { awaitRollout, type WaitDeps } from './await-rollout.js';
import type { Activities } from './contract.js';
import { type JudgeDeps, judgeGate } from './judge-gate.js';
import { type LookDeps, observeFleet } from './observe-fleet.js';
import { notify, type NotifyDeps } from './notify.js';
import { SinkError } from '../src/notify/sink.js';
import { type PlanDeps, planRollout } from './plan-rollout.js';
import { Refused } from './plan/refused.js';
import { type Attempt, updateMachine } from './update-machine.js';

export interface ActivityDeps extends PlanDeps, LookDeps, WaitDeps, JudgeDeps, NotifyDeps {
  /**
   * A heartbeat that waits for the server's answer.
   * @throws when the server has given this attempt up, or does not answer within some seconds.
   */
  readonly beat: (taskToken: Uint8Array, details: object) => Promise<{ readonly cancelRequested: boolean }>;
}

/** Well under the heartbeat timeout, so that a call back arrives soon: it travels on a heartbeat's answer. */
const BEAT_MS = 2_000;

/** Well under the heartbeat timeout: what the server has confirmed it does not give up sooner than this. */
const CONFIRMED_MS = 12_000;

/**
 * A delay of nothing is no delay to Temporal: it ends the activity instead of trying it again (server 1.31.2, retry
 * state TIMEOUT), and every end is four events.
 */
const delayOf = (ms: number): number => Math.max(100, Math.ceil(ms));

/** Fly's trouble, as Temporal is to see it: tried again after the time the error table or Fly itself names. */
function retryable(error: unknown): unknown {
  if (!(error instanceof FlyError)) return error;
  const { code, retryAfterMs, requestId, status } = error.failure;
  return ApplicationFailure.create({
    message: error.message,
    type: code,
    category: 'BENIGN',
    details: [{ status, requestId }],
    nextRetryDelay: delayOf(retryAfterMs ?? 10_000),
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

/** Runs one attempt with a steady heartbeat that says what it is doing. */
async function withBeat<T>(beat: ActivityDeps['beat'], work: (attempt: Attempt) => Promise<T>): Promise<T> {
  const context = Context.current();
  const calledBack = new AbortController();
  const since = new Date().toISOString();
  let doing = 'begins';
  const timer = setInterval(() => context.heartbeat({ doing, since }), BEAT_MS);
  const confirm = async () => {
    const askedAt = Date.now();
    try {
      const { cancelRequested } = await beat(context.info.taskToken, { doing, since });
      if (cancelRequested) calledBack.abort();
      return () => Date.now() - askedAt < CONFIRMED_MS;
    } catch {
      return () => false;
    }
  };
  try {
    return await work({
      number: context.info.attempt,
      cancelled: AbortSignal.any([context.cancellationSignal, calledBack.signal]),
      confirm,
      say: (next) => {
        doing = next;
      },
    });
  } finally {
    clearInterval(timer);
  }
}

/** Who refuses is tried for so long: until then somebody may have mended a setting. */
const REFUSED_FOR_MS = 3_600_000;

/** A sink that could not be told is told again, later and later unless it names a time. */
function tellAgain(error: unknown, refusesAlready: boolean): unknown {
  if (!(error instanceof SinkError)) return error;
  const { message, retryAfterMs, isRefusal } = error;
  const { scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  const isLong = refusesAlready || currentAttemptScheduledTimestampMs - scheduledTimestampMs > REFUSED_FOR_MS;
  if (isRefusal && isLong) return ApplicationFailure.nonRetryable(message, 'Refused');
  const delay = retryAfterMs === undefined ? {} : { nextRetryDelay: delayOf(retryAfterMs) };
  return ApplicationFailure.create({ message, type: 'NotTold', category: 'BENIGN', ...delay });
}

/** A poll that found nothing: what was called back meanwhile says so, anything else is tried again quietly. */
function again(says: string, inMs: number): Error {
  if (Context.current().cancellationSignal.aborted) return new CancelledFailure('called back');
  return ApplicationFailure.create({
    message: says,
    type: 'NothingToDo',
    category: 'BENIGN',
    nextRetryDelay: delayOf(inMs),
  });
}

/**
 * The worker's clock set by the server's: what workflows say and what they are told is in the server's time, and a
 * worker may be an hour off. The attempt's own time from the server is right to how long the task waited for a worker.
 */
function serverClock(clock: Clock): Clock {
  const { currentAttemptScheduledTimestampMs } = Context.current().info;
  return shiftedClock(clock, currentAttemptScheduledTimestampMs - clock.now());
}

/**
 * The activities of a worker. Each is safe to run again: planning and looking write nothing, updating looks for its
 * own traces first.
 */
export function createActivities(deps: ActivityDeps): Activities {
  const beating = <T>(work: (attempt: Attempt) => Promise<T>) => withBeat(deps.beat, work);
  return {
    planRollout: (order) => beating(() => asFailure(planRollout(order, { ...deps, clock: serverClock(deps.clock) }))),

    async observeFleet(order) {
      const timed = { ...deps, clock: serverClock(deps.clock) };
      const look = await beating(({ cancelled }) => asFailure(observeFleet(order, timed, cancelled)));
      if (look.kind !== 'again') return look;
      throw again(look.says, look.inMs);
    },

    async judgeGate(order) {
      const timed = { ...deps, clock: serverClock(deps.clock) };
      const judged = await beating(() => asFailure(judgeGate(order, timed)));
      if (!('kind' in judged)) return judged;
      throw again(judged.says, judged.inMs);
    },

    async awaitRollout(order) {
      const inMs = await beating(() => awaitRollout(order, deps));
      if (inMs !== undefined) throw again(`${order.workflowId} still runs`, inMs);
    },

    notify: (order) =>
      beating(async (attempt) => {
        const isOurs = async () => (await attempt.confirm())() && !attempt.cancelled.aborted;
        const now = serverClock(deps.clock).now();
        return notify(order, deps, { isOurs, now }).catch((error: unknown) => {
          throw tellAgain(error, order.refuses === true);
        });
      }),

    updateMachine: (order) => beating((attempt) => asFailure(updateMachine(order, deps, attempt))),
  };
}
