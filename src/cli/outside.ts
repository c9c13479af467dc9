import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type Clock, realClock } from '../clock.js';
import type { Screen } from './screen.js';

/** Everything a command takes from the process it runs in, so that tests can give it theirs. */
export interface Outside {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly screen: Screen;
  /** One line on stdout. */
  readonly say: (line: string) => void;
  /** One line on stderr. */
  readonly complain: (line: string) => void;
  readonly readStdin: () => Promise<string>;
  /**
   * Aborted by the first Ctrl-C, SIGTERM or SIGHUP (its terminal was closed); a second one ends the process. Until it is called for, signals end the
   * process at once.
   */
  readonly untilStopped: () => AbortSignal;
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    once(process, name).then(
      () => stop.abort(new Error(`stopped by ${name}`)),
      () => undefined,
    );
  }
  return stop.signal;
}

/** The real process. */
export function realOutside(): Outside {
  const { stdout, stderr, stdin, env } = process;
  // Whoever reads us may have read enough: `layover status app | head`.
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit();
      throw error;
    });
  }
  let stopped: AbortSignal | undefined;
  return {
    env,
    clock: realClock,
    screen: {
      isTerminal: stdout.isTTY,
      get columns() {
        return stdout.columns;
      },
      get rows() {
        return stdout.rows;
      },
      write: (part) => void stdout.write(part),
    },
    say: (line) => void stdout.write(`${line}\n`),
    complain: (line) => void stderr.write(`${line}\n`),
    readStdin: () => text(stdin),
    untilStopped: () => (stopped ??= stopSignal()),
  };
}
