import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { type ActivityDeps, createActivities } from '../../activities/index.js';
import { TASK_QUEUE } from '../domain/names.js';
import type { WorkerConfig } from './config.js';
import { flySide } from './fly-side.js';
import { countCalls, countUpdates, type Metrics } from './metrics.js';
import { searchAttributes } from './search-attributes.js';

/** Where `npm run build` puts the workflow bundle, seen from the compiled file. */
const BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));

/** The bundle when there is one (a worker then starts in a second), the workflows' folder otherwise. */
export const workflowSource = (): Pick<WorkerOptions, 'workflowBundle'> | Pick<WorkerOptions, 'workflowsPath'> =>
  existsSync(BUNDLE)
    ? { workflowBundle: { codePath: BUNDLE } }
    : { workflowsPath: fileURLToPath(new URL('../../workflows/index.js', import.meta.url)) };

/**
 * The settings a pause relies on: a dead worker's workflow tasks move on after two seconds, well before its updates
 * are tried again, and heartbeats (with them a call back) travel every second. A worker that is told to stop gives
 * its updates `LAYOVER_GRACE` to finish (the SDK's own grace is nothing). Workflow code is not interrupted after the
 * SDK's five seconds (an option of worker 1.24.0 that its public type leaves out): a process that was frozen in the middle
 * of it would be, and Node 20 was seen to crash after that ("async hook stack has become corrupted", as in
 * temporalio/sdk-typescript issue 939).
 */
export const WORKER_SETTINGS = {
  taskQueue: TASK_QUEUE,
  stickyQueueScheduleToStartTimeout: '2s',
  maxHeartbeatThrottleInterval: '1s',
  defaultHeartbeatThrottleInterval: '1s',
  maxConcurrentActivityTaskExecutions: 500,
  isolateExecutionTimeout: '2m',
} as const satisfies Partial<WorkerOptions> & { readonly isolateExecutionTimeout: string };

/** After the grace has ended activities are told, and may take this long to give back what they hold. */
const FORCE_AFTER_MS = 30_000;

/** Longer than any server needs that is well; a write waits for it. */
const BEAT_TIMEOUT_MS = 5_000;

/** A heartbeat past the SDK, which sends its own in its own time and tells nobody what became of them. */
const beatOver =
  (connection: NativeConnection, namespace: string): ActivityDeps['beat'] =>
  async (taskToken, details) => {
    const payloads = [defaultPayloadConverter.toPayload(details)];
    const answer = await connection.withDeadline(Date.now() + BEAT_TIMEOUT_MS, () =>
      connection.workflowService.recordActivityTaskHeartbeat({ namespace, taskToken, details: { payloads } }),
    );
    return { cancelRequested: answer.cancelRequested };
  };

const isRunningIn =
  (client: Client): ActivityDeps['isRunning'] =>
  async (workflowId, firstRunId) => {
    try {
      const { status, raw } = await client.workflow.getHandle(workflowId).describe();
      const isIt = firstRunId === undefined || raw.workflowExecutionInfo?.firstRunId === firstRunId;
      return isIt && status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };

/**
 * A worker that talks to Fly as `config` says, and counts what it does.
 * @throws Error where the namespace is not there, or the settings do not fit together.
 */
export async function createWorker(
  config: WorkerConfig,
  connection: NativeConnection,
  namespace: string,
  metrics: Metrics,
): Promise<Worker> {
  const side = flySide(config);
  const activities = createActivities({
    ...side,
    fly: countCalls(side.fly, metrics),
    pollMs: config.pollMs,
    attributes: () => searchAttributes(connection, namespace),
    beat: beatOver(connection, namespace),
    isRunning: isRunningIn(new Client({ connection, namespace })),
  });
  return Worker.create({
    ...WORKER_SETTINGS,
    shutdownGraceTime: config.graceMs,
    shutdownForceTime: config.graceMs + FORCE_AFTER_MS,
    ...workflowSource(),
    connection,
    namespace,
    activities: { ...activities },
    interceptors: { activity: [countUpdates(metrics)] },
  });
}
