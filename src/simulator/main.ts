import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { realClock } from '../clock.js';
import { serve, type Listening } from './http-server.js';
import { parseScenario } from './scenario.js';
import { createSimulator } from './simulator.js';

const PARENT_POLL_MS = 200;

/** Where the program writes to. */
export interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** @throws Error that names the file, and says in words what is wrong with it. */
function readScenario(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`--scenario ${file}: cannot be read; it must be a file with JSON`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const says = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`--scenario ${file}: is no JSON: ${says}`, { cause });
  }
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Error(`--port ${JSON.stringify(text)}: must be a number from 0 to 65535; 0 picks one`);
}

/** Starts a simulator as the arguments say; returns when it listens, undefined when the arguments are wrong. */
export async function runSimulator(args: readonly string[], streams: Streams): Promise<Listening | undefined> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        scenario: { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string' },
        'exit-with-parent': { type: 'boolean' },
      },
    });
    if (values.scenario === undefined) throw new Error('--scenario FILE is missing');
    const scenario = parseScenario(readScenario(values.scenario));
    const simulator = createSimulator({ scenario, clock: realClock });
    const { port = '0', host = '127.0.0.1' } = values;
    const listening = await serve(simulator, { port: readPort(port), host });
    streams.stdout.write(`simulator listening on http://${host}:${listening.port}\n`);
    return values['exit-with-parent'] === true ? untilParentEnds(listening) : listening;
  } catch (reason) {
    const isOption = reason instanceof TypeError && 'code' in reason;
    streams.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n`);
    if (isOption) streams.stderr.write('usage: --scenario FILE [--port P] [--host H] [--exit-with-parent]\n');
    return undefined;
  }
}

// A child of a killed process is given to another parent: its parent's id changes.
function untilParentEnds(listening: Listening): Listening {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    void listening.close();
  }, PARENT_POLL_MS);
  timer.unref();
  return {
    port: listening.port,
    close() {
      clearInterval(timer);
      return listening.close();
    },
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const listening = await runSimulator(process.argv.slice(2), process);
  if (listening === undefined) process.exitCode = 2;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void listening?.close());
}
