import { ApplicationFailure, Context } from '@temporalio/activity';
import type { WorkerOptions } from '@temporalio/worker';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Activities } from '../../activities/contract.js';
import type { Clock } from '../clock.js';
import { executableOf, temporalTestServer } from '../setup/binaries.js';
import { BUILT_BUNDLE } from '../setup/stack.js';
import { WORKER_SETTINGS } from '../worker/create.js';

/**
 * Activities whose world has a virtual clock, under a server that skips time. Its time stands still while an activity
 * runs, theirs while none does; so each attempt begins when both say the same, and a poll that took virtual time asks
 * for its next attempt that much later, which lets the server catch up.
 */
export function followServer(activities: Activities, clock: Clock): Activities {
  const timed =
    <I, O>(work: (order: I) => Promise<O>) =>
    async (order: I): Promise<O> => {
      const { currentAttemptScheduledTimestampMs: serverNow } = Context.current().info;
      await clock.sleep(serverNow - clock.now());
      try {
        return await work(order);
      } catch (error) {
        throw later(error, Math.max(0, clock.now() - serverNow));
      }
    };
  return {
    planRollout: timed(activities.planRollout),
    observeFleet: timed(activities.observeFleet),
    updateMachine: timed(activities.updateMachine),
    awaitRollout: timed(activities.awaitRollout),
  };
}

function later(error: unknown, aheadMs: number): unknown {
  if (!(error instanceof ApplicationFailure) || typeof error.nextRetryDelay !== 'number') return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.type ?? 'Error',
    category: 'BENIGN', // as are all that name their next attempt
    nextRetryDelay: error.nextRetryDelay + aheadMs,
  });
}

/**
 * Under load the test server was seen to leave one of two activities untouched for minutes while several polls were
 * open; with one poll it was not.
 */
const ONE_POLL = {
  maxConcurrentActivityTaskPolls: 1,
  maxEagerActivityReservationsPerWorkflowTask: 0,
} satisfies Partial<WorkerOptions>;

/** Runs `work` under Temporal's time-skipping server, with a worker on the built workflows and these activities. */
export async function withSkipping<T>(
  activitiesAt: (serverNow: number) => Activities,
  work: (env: TestWorkflowEnvironment) => Promise<T>,
): Promise<T> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const executable = executableOf(await temporalTestServer());
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
  try {
    const worker = await Worker.create({
      ...WORKER_SETTINGS,
      ...ONE_POLL,
      shutdownGraceTime: '1s',
      connection: env.nativeConnection,
      workflowBundle: { codePath: BUILT_BUNDLE },
      activities: { ...activitiesAt(await env.currentTimeMs()) },
    });
    return await worker.runUntil(() => work(env));
  } finally {
    await env.teardown();
  }
}
