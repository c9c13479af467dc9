import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { type ActivityDeps, createActivities } from '../../activities/index.js';
import { realClock } from '../clock.js';
import { TASK_QUEUE } from '../domain/names.js';
import { createFlyClient } from '../fly/client.js';
import { createLimiter } from '../fly/limiter.js';
import { findDigest } from '../fly/registry.js';
import { undiciTransport } from '../fly/transport.js';
import type { WorkerConfig } from './config.js';
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
 * its updates a minute to finish.
 */
export const WORKER_SETTINGS = {
  taskQueue: TASK_QUEUE,
  stickyQueueScheduleToStartTimeout: '2s',
  maxHeartbeatThrottleInterval: '1s',
  defaultHeartbeatThrottleInterval: '1s',
  shutdownGraceTime: '60s',
  shutdownForceTime: '90s',
  maxConcurrentActivityTaskExecutions: 500,
} as const satisfies Partial<WorkerOptions>;

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
  async (workflowId) => {
    try {
      return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };

/** A worker that talks to Fly as `config` says. */
export async function createWorker(
  config: WorkerConfig,
  connection: NativeConnection,
  namespace: string,
): Promise<Worker> {
  const transport = undiciTransport();
  const { token, flyUrl, registryUrl, pollMs } = config;
  const fly = createFlyClient({
    baseUrl: flyUrl,
    token,
    transport,
    clock: realClock,
    limiter: createLimiter(realClock),
  });
  const registry = { transport, token, ...(registryUrl === undefined ? {} : { baseUrl: registryUrl }) };
  const activities = createActivities({
    fly,
    clock: realClock,
    pollMs,
    findDigest: (repository, tag) => findDigest(repository, tag, registry),
    attributes: () => searchAttributes(connection, namespace),
    beat: beatOver(connection, namespace),
    isRunning: isRunningIn(new Client({ connection, namespace })),
  });
  return Worker.create({
    ...WORKER_SETTINGS,
    ...workflowSource(),
    connection,
    namespace,
    activities: { ...activities },
  });
}
