import { Client } from '@temporalio/client';
import { type NativeConnection, Runtime, type RuntimeOptions, type Worker } from '@temporalio/worker';
import type { Clock } from '../clock.js';
import { readTokenScope } from '../fly/token-scope.js';
import { undiciTransport } from '../fly/transport.js';
import { keepCensus } from './census.js';
import { type Listen, readConfig, type WorkerConfig } from './config.js';
import { connect } from './connect.js';
import { createWorker } from './create.js';
import { type Health, type Readiness, serveHealth } from './health.js';
import { createMetrics, type Metrics } from './metrics.js';
import { registerSearchAttributes } from './search-attributes.js';
import { startLine } from './start-line.js';
import { readTemporal, type TemporalConfig } from './temporal.js';

/** What a worker takes from the program it runs in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly stopped: AbortSignal;
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
}

const BAD_SETTINGS = 2;
const FAILED = 1;

interface Settings {
  readonly config: WorkerConfig;
  readonly temporal: TemporalConfig;
}

/** Every problem of both readers at once. */
function readSettings(env: Surroundings['env']): Settings | readonly string[] {
  const problems: string[] = [];
  const attempt = <T>(read: (env: Surroundings['env']) => T): T | undefined => {
    try {
      return read(env);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const config = attempt(readConfig);
  const temporal = attempt(readTemporal);
  return config === undefined || temporal === undefined ? problems : { config, temporal };
}

const exporter = ({ host, port }: Listen): NonNullable<RuntimeOptions['telemetryOptions']> => ({
  metrics: {
    prometheus: {
      bindAddress: `${host}:${port}`,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
    },
  },
});

/** Once in a process, before anything of the SDK's: its runtime is one for all. */
function installRuntime({ metrics }: WorkerConfig): Metrics {
  try {
    Runtime.install({
      shutdownSignals: ['SIGINT', 'SIGTERM', 'SIGHUP'],
      ...(metrics === undefined ? {} : { telemetryOptions: exporter(metrics) }),
    });
    return createMetrics(Runtime.instance().metricMeter);
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    throw new Error(`LAYOVER_METRICS names an address that cannot be listened on: ${says}`, { cause: error });
  }
}

const ANSWER_MS = 2_000;

/** What `/readyz` says; `current` changes as the worker comes and goes. */
function readinessOf(current: { connection?: NativeConnection; worker?: Worker }): () => Promise<Readiness> {
  return async () => {
    const { connection, worker } = current;
    if (connection === undefined || worker === undefined) return { ready: false, says: 'connecting to Temporal' };
    const state = worker.getState();
    if (state !== 'RUNNING') return { ready: false, says: `the worker is ${state}` };
    try {
      await connection.withDeadline(Date.now() + ANSWER_MS, () => connection.workflowService.getSystemInfo({}));
      return { ready: true, says: 'polling' };
    } catch {
      return { ready: false, says: 'Temporal does not answer' };
    }
  };
}

/**
 * Runs a worker until it is told to stop, and lets the updates in flight finish within their grace.
 * @returns the exit code: 0 when it was told to stop, 1 when it broke, 2 when a setting is wrong (said, all of them).
 */
export async function runWorker(around: Surroundings): Promise<number> {
  const settings = readSettings(around.env);
  if (!('config' in settings)) {
    for (const problem of settings) around.complain(problem);
    return BAD_SETTINGS;
  }
  const current: { connection?: NativeConnection; worker?: Worker } = {};
  let health: Health | undefined;
  try {
    const metrics = installRuntime(settings.config);
    if (settings.config.health !== undefined) health = await serveHealth(settings.config.health, readinessOf(current));
    const connection = await connect(settings.temporal, around.complain, around.clock, around.stopped);
    if (connection !== undefined) await work({ ...settings, connection, metrics, around, current });
    return 0;
  } catch (error) {
    around.complain(error instanceof Error ? error.message : String(error));
    return FAILED;
  } finally {
    await health?.close();
  }
}

interface Work extends Settings {
  readonly connection: NativeConnection;
  readonly metrics: Metrics;
  readonly around: Surroundings;
  readonly current: { connection?: NativeConnection; worker?: Worker };
}

async function work({ config, temporal, connection, metrics, around, current }: Work): Promise<void> {
  const { namespace } = temporal;
  try {
    const asked = readTokenScope({ baseUrl: config.flyUrl, token: config.token, transport: undiciTransport() });
    await registerSearchAttributes(connection, namespace);
    const worker = await createWorker(config, connection, namespace, metrics);
    current.connection = connection;
    current.worker = worker;
    around.say(startLine(config, temporal, await asked));
    const ended = new AbortController();
    const census =
      config.metrics === undefined
        ? undefined
        : keepCensus(
            new Client({ connection, namespace }),
            (seen) => metrics.rollouts(seen),
            around.clock,
            AbortSignal.any([around.stopped, ended.signal]),
          );
    const running = worker.run().finally(() => ended.abort());
    // Told to stop while it was being made: the SDK listens for signals only from here on.
    if (around.stopped.aborted) worker.shutdown();
    await running;
    await census;
  } finally {
    await connection.close();
  }
}
