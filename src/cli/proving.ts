import { InvalidArgumentError } from 'commander';
import { killPrograms } from '../setup/program.js';

/** What every command that proves something shares. */

/** A flag's whole number. @param least what it may not be below. */
export const whole =
  (least: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least) throw new InvalidArgumentError(`a whole number from ${least} on`);
    return number;
  };

/** One line of a proof. */
export const say = (line: string): void => console.log(line);

/** Runs a proof; Ctrl-C and the time limit call it off, and no program is left behind whatever happens. */
export async function run(limitMinutes: number, proof: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  const off = new AbortController();
  const stop = (why: string) => off.abort(new Error(why));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)
    process.once(name, () => stop(`stopped by ${name}`));
  const late = setTimeout(() => stop(`not proven within ${limitMinutes} minutes`), limitMinutes * 60_000);
  try {
    process.exitCode = (await proof(off.signal)) ? 0 : 1;
  } catch (error) {
    const reason: unknown = off.signal.aborted ? off.signal.reason : error;
    console.error(reason instanceof Error && off.signal.aborted ? reason.message : reason);
    process.exitCode = 1;
  } finally {
    clearTimeout(late);
    await killPrograms();
  }
  say(process.exitCode === 0 ? 'proven' : 'NOT PROVEN');
}
