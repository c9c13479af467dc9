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
export function followServer(activities: Activities, clock: Clock): object {
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const { currentAttemptScheduledTimestampMs: serverNow } = Context.current().info;
    await clock.sleep(serverNow - clock.now());
    try {
      return await work();
    } catch (error) {
      throw later(error, Math.max(0, clock.now() - serverNow));
    }
  };
  const works = new Map<string, (order: never) => Promise<unknown>>(Object.entries(activities));
  const wrapped = [...works].map(([name, work]) => [name, (order: never) => timed(() => work(order))] as const);
  return Object.fromEntries(wrapped);
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

let isQuiet = false;

/** One runtime is for the whole process. */
function quieten(): void {
  if (!isQuiet) Runtime.install({ logger: new DefaultLogger('ERROR') });
  isQuiet = true;
}

/** Runs `work` under Temporal's time-skipping server, with a worker on the built workflows and these activities. */
export async function withSkipping<T>(
  activitiesAt: (serverNow: number) => object,
  work: (env: TestWorkflowEnvironment) => Promise<T>,
): Promise<T> {
  quieten();
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
