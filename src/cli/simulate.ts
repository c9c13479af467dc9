import { once } from 'node:events';
import { runSimulator } from '../simulator/main.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';

export interface SimulateFlags {
  readonly scenario: string;
  readonly port: string;
  readonly host: string;
}

/** `layover simulate`: a simulated Fly until it is told to stop. */
export async function simulateCommand({ scenario, port, host }: SimulateFlags, outside: Outside): Promise<ExitCode> {
  const stopped = outside.untilStopped();
  const listening = await runSimulator(['--scenario', scenario, '--port', port, '--host', host], {
    stdout: outside.screen,
    stderr: { write: (text) => outside.complain(text.trimEnd()) },
  });
  if (listening === undefined) return EXIT.usage;
  if (!stopped.aborted) await once(stopped, 'abort');
  await listening.close();
  return EXIT.ok;
}
