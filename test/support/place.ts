import { execFile } from 'node:child_process';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll } from 'vitest';
import { type Program, until } from '../../src/setup/program.js';
import { startSimulator, startTemporal, startWorker, type TemporalOptions } from '../../src/setup/stack.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import { type Fly, flyAt } from './fly.js';

/** How a command of the Temporal CLI ended. */
export interface Said {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  /** Both streams, for texts whose stream does not matter. */
  readonly text: string;
}

/** Temporal, a simulated Fly and a worker, shared by the tests of one file: each test has an app of its own. */
export interface Place {
  readonly fly: Fly;
  readonly client: Client;
  readonly address: string;
  /** Runs the real Temporal CLI as an operator would; never throws. `line` is split at its spaces, `more` is not. */
  cli(line: string, ...more: readonly string[]): Promise<Said>;
  /** The same, its output parsed as JSON. */
  json(line: string, ...more: readonly string[]): Promise<unknown>;
  /** Ends the worker as a crash would (or as a restart, with SIGTERM). */
  stopWorker(signal?: NodeJS.Signals): Promise<void>;
  startWorker(): Promise<void>;
}

/** Short, so that a sweep of a few machines takes as long as its own waits and no longer. */
const TIMING = {
  replaceMs: 300,
  pullMs: 100,
  bootMs: 200,
  stopMs: 100,
  destroyMs: 100,
  restartMs: 200,
  checksFirstMs: 100,
  checksPassMs: 200,
  postponeMs: 100,
};

/** Registers the hooks that start and stop a place for this file. @param env more settings of its workers, as they start. */
export function usePlace(
  scenario: ScenarioInput = {},
  server: TemporalOptions = {},
  env: Readonly<Record<string, string>> = {},
): Place {
  let fly: Fly | undefined;
  let client: Client | undefined;
  let address = '';
  let cliPath = '';
  let worker: Program | undefined;
  const programs: Program[] = [];

  const work = async () => {
    const flyUrl = there(fly).url;
    worker = await startWorker({ temporalAddress: address, flyUrl, pollBusy: '1s', pollCalm: '1s', env });
    programs.push(worker);
  };
  beforeAll(async () => {
    const [temporal, simulator] = await Promise.all([
      startTemporal(server),
      startSimulator({ timing: TIMING, ...scenario }),
    ]);
    programs.push(simulator.program, temporal.program);
    ({ address } = temporal);
    cliPath = temporal.cli;
    fly = flyAt(simulator.url);
    client = new Client({ connection: await Connection.connect({ address }) });
    await work();
  });
  afterAll(async () => {
    await client?.connection.close();
    // Workers first, and without grace: nothing that tests left running is waited for.
    for (const program of programs.toReversed()) await program.stop('SIGKILL');
  });

  const cli: Place['cli'] = (line, ...more) =>
    new Promise((resolve) => {
      const env = { ...process.env, TEMPORAL_ADDRESS: address, NO_COLOR: '1' };
      const child = execFile(cliPath, [...line.split(' '), ...more], { env, timeout: 90_000 }, (_error, out, err) => {
        resolve({ exit: child.exitCode ?? -1, out, err, text: out + err });
      });
    });
  return {
    get fly() {
      return there(fly);
    },
    get client() {
      return there(client);
    },
    get address() {
      return address;
    },
    cli,
    json: async (line, ...more) => JSON.parse((await cli(line, ...more, '--output', 'json')).out) as unknown,
    stopWorker: async (signal = 'SIGKILL') => worker?.stop(signal),
    startWorker: work,
  };
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the place is not open yet: use it inside a test');
  return value;
}

/** Polls `look` until it gives something. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  let found: T | undefined;
  await until(what, async () => (found = await look()) !== undefined, timeoutMs);
  return there(found);
}
