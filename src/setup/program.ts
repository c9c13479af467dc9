import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A program that runs beside us. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** The last of what it printed, both streams. */
  output(): string;
  /** Resolves when what it printed matches; rejects when it ends first or `timeoutMs` is over. */
  printed(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>;
  isRunning(): boolean;
  /** The exit code it ended with; null while it runs, and when a signal ended it. */
  code(): number | null;
  /** Sends a signal and waits for nothing; one that has ended gets none. */
  signal(name: NodeJS.Signals): void;
  /** Sends the signal and resolves when it has ended; SIGKILL follows after `patienceMs`. */
  stop(signal?: NodeJS.Signals, patienceMs?: number): Promise<void>;
}

export interface ProgramOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const MOST_OUTPUT = 200_000;

const running = new Set<ChildProcess>();

/** Whatever ends us short of a SIGKILL: no program of ours is left behind, not even one that was just being started. */
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Kills every program started here that still runs, and resolves when all have ended. */
export async function killPrograms(): Promise<void> {
  const gone = [...running].map((child) => once(child, 'exit'));
  for (const child of running) child.kill('SIGKILL');
  await Promise.all(gone);
}

/** Polls until `ready` says so, for at most `timeoutMs`. */
export async function until(what: string, ready: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await ready())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(50);
  }
}

/** Starts a program in a process group of its own, so that a Ctrl-C of ours reaches it only through `stop`. */
export function startProgram({ name, command, args, env = {} }: ProgramOptions): Program {
  const child: ChildProcess = spawn(command, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let printed = '';
  let ended = false;
  const collect = (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-MOST_OUTPUT));
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  child.once('error', (error) => {
    printed += `could not be started: ${error.message}`;
    ended = true;
    running.delete(child);
  });
  child.once('exit', () => {
    ended = true;
    running.delete(child);
  });

  return {
    name,
    pid: child.pid ?? -1,
    output: () => printed,
    isRunning: () => !ended,
    code: () => child.exitCode,
    signal: (signal) => {
      if (!ended) child.kill(signal);
    },
    printed: async (pattern, timeoutMs) => {
      await until(`${name} printing ${String(pattern)}`, () => ended || pattern.test(printed), timeoutMs);
      const match = pattern.exec(printed);
      if (match === null) throw new Error(`${name} ended first:\n${printed.slice(-2_000)}`);
      return match;
    },
    stop: async (signal = 'SIGTERM', patienceMs = 10_000) => {
      if (ended) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await gone;
      clearTimeout(late);
    },
  };
}

/** A free port on loopback. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port could be had');
  return address.port;
}
