import { NativeConnection } from '@temporalio/worker';
import type { Clock } from '../clock.js';
import type { TemporalConfig } from './temporal.js';

/** `NativeConnection.connect` does not wait for a server that is down, so a worker that must come back by itself does. */
const PAUSES_MS = [200, 500, 1_000, 2_000, 5_000, 10_000];

const NOT_FOUND = 5;

const isNotFound = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === NOT_FOUND;

const sayError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function tryToConnect({ connectionOptions, namespace, address }: TemporalConfig): Promise<NativeConnection> {
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return connection;
  } catch (error) {
    // A key that may not describe the namespace may still work in it; only one that is missing is known to be wrong.
    if (!isNotFound(error)) return connection;
    await connection.close();
    throw new Error(
      `Temporal at ${address} has no namespace "${namespace}"; correct TEMPORAL_NAMESPACE, or make it: temporal operator namespace create --namespace ${namespace}`,
      { cause: error },
    );
  }
}

/**
 * Connects, however long that takes: a worker is often up before its server. Each failure is said, with the pause that
 * follows, which grows to ten seconds.
 * @returns undefined when `stopped` came first.
 */
export async function connect(
  temporal: TemporalConfig,
  say: (line: string) => void,
  clock: Clock,
  stopped: AbortSignal,
): Promise<NativeConnection | undefined> {
  for (let attempt = 0; !stopped.aborted; attempt += 1) {
    try {
      return await tryToConnect(temporal);
    } catch (error) {
      const pause = PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)] ?? 10_000;
      say(`Temporal at ${temporal.address} cannot be used, trying again in ${pause} ms: ${sayError(error)}`);
      await clock.sleep(pause, stopped).catch(() => undefined);
    }
  }
  return undefined;
}
