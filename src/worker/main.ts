import { setTimeout as delay } from 'node:timers/promises';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { TASK_QUEUE } from '../domain/names.js';
import { readConfig, type WorkerConfig } from './config.js';
import { createWorker } from './create.js';
import { registerSearchAttributes } from './search-attributes.js';

/** `NativeConnection.connect` does not wait for a server that is down, so a worker that must come back by itself does. */
const CONNECT_PAUSES_MS = [200, 500, 1_000, 2_000, 5_000];

type ConnectionOptions = Parameters<typeof NativeConnection.connect>[0];

async function connect(options: ConnectionOptions): Promise<NativeConnection> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      const pause = CONNECT_PAUSES_MS[Math.min(attempt, CONNECT_PAUSES_MS.length - 1)] ?? 5_000;
      console.error(
        `Temporal at ${options?.address ?? 'localhost:7233'} cannot be reached, trying again in ${pause} ms: ${String(error)}`,
      );
      await delay(pause);
    }
  }
}

function readOrExit(): WorkerConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

async function main(): Promise<void> {
  const config = readOrExit();
  Runtime.install({ shutdownSignals: ['SIGINT', 'SIGTERM'] });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await connect(connectionOptions);
  await registerSearchAttributes(connection, namespace);
  const worker = await createWorker(config, connection, namespace);
  console.log(
    `layover worker: Temporal ${connectionOptions.address ?? 'localhost:7233'} namespace ${namespace} queue ${TASK_QUEUE}; Fly ${config.flyUrl}; updates the machines of every app its token may write`,
  );
  await worker.run();
  await connection.close();
}

await main();
