import { realClock } from '../../src/clock.js';
import { runLayover } from '../../src/cli/layover.js';
import type { Outside } from '../../src/cli/outside.js';

/** What a command of `layover` said, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Around {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly stopped?: AbortSignal;
}

/** A command under way: what it has said so far, and its end. */
export interface Running {
  readonly out: () => string;
  readonly err: () => string;
  readonly end: Promise<Ran>;
}

/** Begins a command line of `layover` in this process, with an outside of its own. */
export function beginLayover(args: readonly string[], around: Around = {}): Running {
  const said = { out: '', err: '' };
  const outside: Outside = {
    env: around.env ?? {},
    clock: realClock,
    screen: {
      isTerminal: around.isTerminal ?? false,
      columns: 200,
      rows: 60,
      write: (text) => void (said.out += text),
    },
    say: (line) => void (said.out += `${line}\n`),
    complain: (line) => void (said.err += `${line}\n`),
    readStdin: () => Promise.resolve(around.stdin ?? ''),
    untilStopped: () => around.stopped ?? new AbortController().signal,
  };
  const end = runLayover(args, outside).then((code) => ({ code, ...said }));
  return { out: () => said.out, err: () => said.err, end };
}

/** Runs a command line of `layover` to its end. */
export const layover = (args: readonly string[], around: Around = {}): Promise<Ran> => beginLayover(args, around).end;
