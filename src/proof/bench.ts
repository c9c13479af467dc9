import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { freePort } from '../setup/program.js';
import {
  type RunningSimulator,
  startSimulator,
  startTemporal,
  type TemporalOptions,
  type TemporalServer,
} from '../setup/stack.js';
import { type Crew, createCrew } from './crew.js';
import { followJournal, type Tail } from './tail.js';

/** One whole world of a proof: a Temporal server, a simulated Fly, the workers between them, and a view of its log. */
export interface Bench {
  readonly simulator: RunningSimulator;
  readonly client: Client;
  readonly crew: Crew;
  readonly tail: Tail;
  /** SIGKILLs the Temporal server and starts it again on its own file after `downMs`. */
  restartServer(downMs: number): Promise<void>;
  close(): Promise<void>;
}

/** The pauses of a bench's workers between two looks, as text. */
export interface Polls {
  readonly busy: string;
  readonly calm: string;
}

/** A client that has lost its server finds it again within a second, instead of gRPC's two minutes. */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 200, 'grpc.max_reconnect_backoff_ms': 1_000 };

/**
 * Starts a bench without workers.
 * @param env more settings of its workers. @param kept how the server is to run; without a database file it lives in memory and cannot be restarted.
 */
export async function openBench(
  scenario: object,
  signal: AbortSignal,
  {
    polls,
    env = {},
    ...kept
  }: Pick<TemporalOptions, 'dbFile' | 'continueAsNewAt'> & {
    readonly polls?: Polls;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Bench> {
  const options = { ...kept, port: await freePort() };
  let server: TemporalServer = await startTemporal(options);
  const simulator = await startSimulator(scenario);
  signal.throwIfAborted();
  const connection = await Connection.connect({ address: server.address, channelArgs: RECONNECT });
  const tail = followJournal(simulator.url);
  const crew = createCrew({ temporalAddress: server.address, flyUrl: simulator.url, env }, polls);
  return {
    simulator,
    client: new Client({ connection }),
    crew,
    tail,
    async restartServer(downMs) {
      await server.program.stop('SIGKILL');
      await delay(downMs, undefined, { signal });
      server = await startTemporal(options);
    },
    async close() {
      tail.end();
      await connection.close();
      await crew.dismiss();
      await Promise.all([server.program.stop('SIGKILL'), simulator.program.stop('SIGKILL')]);
    },
  };
}
