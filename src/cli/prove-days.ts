import type { Command } from 'commander';
import { driveDays, isSwept, proveDays, sayDays } from '../proof/days.js';
import { run, say, whole } from './proving.js';

interface DaysFlags {
  readonly machines: number;
  readonly hours: number;
  readonly seed: number;
  readonly server: boolean;
  readonly timeLimit: number;
}

async function daysCommand({ server, timeLimit, ...shape }: DaysFlags): Promise<void> {
  await run(timeLimit, async (signal) => {
    const where = server ? "under Temporal's time-skipping server" : 'in process';
    say(`days: a sweep of ${shape.machines} machines with a deadline of ${shape.hours} hours, ${where}`);
    const report = await (server ? proveDays(shape, signal) : driveDays(shape));
    for (const line of sayDays(report)) say(`  ${line}`);
    return isSwept(report);
  });
}

/** `prove days`: a sweep of days in seconds. */
export function addDays(program: Command): void {
  program
    .command('days')
    .description('a sweep of days over machines that start and stop at random, in seconds')
    .option('--machines <n>', 'machines at the beginning; a tenth more is made meanwhile', whole(40), 200)
    .option('--hours <n>', 'the deadline', whole(12), 72)
    .option('--seed <n>', 'of the fleet', whole(0), 1)
    .option('--no-server', 'in process, without Temporal')
    .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
    .action(daysCommand);
}
