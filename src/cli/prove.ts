import { writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { MODES, sayPage } from '../proof/failures/page.js';
import { killPrograms } from '../setup/program.js';
import { driveDays, isSwept, proveDays, sayDays } from '../proof/days.js';
import { isProven, proveKill } from '../proof/kill.js';
import { isLawful, proveProperties, sayProperties } from '../proof/properties.js';
import { isFair, proveRace, sayRace } from '../proof/race.js';
import { sayKills } from '../proof/report.js';
import { isSecret, proveSecrets, saySecrets } from '../proof/secrets.js';
import { isKept, proveScale, sayMeasure } from '../proof/scale.js';
import { isUpgraded, proveUpgrade, sayUpgrade } from '../proof/upgrade.js';

/** `npm run prove`: the long proofs. Each prints its figures and exits 1 when one is off. */

const whole =
  (least: number) =>
  (text: string): number => {
    const number = Number(text);
    if (!Number.isInteger(number) || number < least) throw new InvalidArgumentError(`a whole number from ${least} on`);
    return number;
  };

const say = (line: string): void => console.log(line);

/** Runs a proof; Ctrl-C and the time limit call it off, and no program is left behind whatever happens. */
async function run(limitMinutes: number, proof: (signal: AbortSignal) => Promise<boolean>): Promise<void> {
  const off = new AbortController();
  const stop = (why: string) => off.abort(new Error(why));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop(`stopped by ${name}`));
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

interface KillFlags {
  readonly kills: number;
  readonly seed: number;
  readonly apps: number;
  readonly machines: number;
  readonly serverKills: number;
  readonly terminations: number;
  readonly freezes: number;
  readonly faults: boolean;
  readonly staleReads: boolean;
  readonly timeLimit: number;
}

async function killCommand({ faults, staleReads, ...flags }: KillFlags): Promise<void> {
  const troubles = staleReads ? 'faults and stale reads' : faults ? 'faults' : 'latency';
  say(`kill proof, seed ${flags.seed}: ${flags.apps} apps of ${flags.machines} machines, ${flags.kills} kills`);
  await run(flags.timeLimit, async (signal) => {
    const report = await proveKill({ ...flags, troubles, longestJobMs: 40_000, afterMs: 61_000, signal, say });
    for (const line of sayKills(report)) say(line);
    return isProven(report);
  });
}

async function scaleCommand({ machines, timeLimit }: { machines: number; timeLimit: number }): Promise<void> {
  say(`scale proof: one sweep over ${machines} idle machines`);
  await run(timeLimit, async (signal) => {
    const measures = await proveScale({ machines, signal });
    for (const measure of measures) say(sayMeasure(measure));
    return measures.every(isKept);
  });
}

async function propertiesCommand({
  fleets,
  seed,
  timeLimit,
}: {
  fleets: number;
  seed: number;
  timeLimit: number;
}): Promise<void> {
  say(`properties, seed ${seed}: the loop and the activities of a worker against random fleets, in process`);
  await run(timeLimit, async (signal) => {
    const figures = await proveProperties(fleets, seed, signal);
    for (const line of sayProperties(figures)) say(line);
    return isLawful(figures);
  });
}

async function raceCommand({ machines, timeLimit }: { machines: number; timeLimit: number }): Promise<void> {
  await run(timeLimit, async () => {
    const verdicts: boolean[] = [];
    for (const blocks of [true, false]) {
      say(
        `race: ${machines} machines start between look and write; a lease ${blocks ? 'keeps' : 'does not keep'} the proxy away`,
      );
      const figures = await proveRace(machines, blocks);
      for (const line of sayRace(figures)) say(`  ${line}`);
      verdicts.push(isFair(figures, blocks));
    }
    return verdicts.every(Boolean);
  });
}

async function secretsCommand({ timeLimit }: { timeLimit: number }): Promise<void> {
  say('secrets: rollouts with failures of every kind over machines full of secrets');
  await run(timeLimit, async (signal) => {
    const report = await proveSecrets(signal);
    for (const line of saySecrets(report)) say(`  ${line}`);
    return isSecret(report);
  });
}

interface UpgradeFlags {
  readonly machines: number;
  readonly forced: number;
  readonly upgrades: number;
  readonly timeLimit: number;
}

async function upgradeCommand({ timeLimit, ...flags }: UpgradeFlags): Promise<void> {
  say(`upgrade: sweeps of ${flags.machines} and ${flags.forced} machines, ${flags.upgrades} upgrades of the worker`);
  await run(timeLimit, async (signal) => {
    const report = await proveUpgrade({ ...flags, signal });
    for (const line of sayUpgrade(report)) say(`  ${line}`);
    return isUpgraded(report);
  });
}

interface DaysFlags {
  readonly machines: number;
  readonly hours: number;
  readonly seed: number;
  readonly server: boolean;
  readonly timeLimit: number;
}

async function daysCommand({ server, timeLimit, ...shape }: DaysFlags): Promise<void> {
  await run(timeLimit, async () => {
    const where = server ? "under Temporal's time-skipping server" : 'in process';
    say(`days: a sweep of ${shape.machines} machines with a deadline of ${shape.hours} hours, ${where}`);
    const report = await (server ? proveDays(shape) : driveDays(shape));
    for (const line of sayDays(report)) say(`  ${line}`);
    return isSwept(report);
  });
}

async function failuresCommand({ write, timeLimit }: { write?: string; timeLimit: number }): Promise<void> {
  await run(timeLimit, async () => {
    const rows = [];
    for (const mode of MODES) {
      const observed = await mode.run();
      rows.push({ mode, observed });
      const isShown = mode.shows.every((shown) => observed.sees.some((seen) => shown.test(seen)));
      say(`${isShown && observed.broken.length === 0 ? 'as promised' : 'BROKEN'}: ${mode.fault}`);
      for (const line of [...observed.sees, `written: ${observed.written}`, ...observed.broken]) say(`  ${line}`);
    }
    if (write !== undefined) await writeFile(write, sayPage(rows));
    return rows.every(({ observed }) => observed.broken.length === 0);
  });
}

const program = new Command('prove').description('The long proofs of Layover, on a real Temporal server.');
program
  .command('kill')
  .description(
    'kills and freezes workers, kills the Temporal server and rollouts during sweeps, and counts what was lost',
  )
  .option('--kills <n>', 'SIGKILLs of workers', whole(1), 200)
  .option('--seed <n>', 'of the fleet and of the kills', whole(0), 1)
  .option('--apps <n>', 'apps, each with a sweep of its own', whole(1), 6)
  .option('--machines <n>', 'machines an app', whole(20), 100)
  .option('--server-kills <n>', 'SIGKILLs of the Temporal server', whole(0), 10)
  .option('--terminations <n>', 'rollouts terminated and started again', whole(0), 20)
  .option('--freezes <n>', 'workers frozen (SIGSTOP) for 3 to 25 s while another goes on', whole(0), 10)
  .option('--no-faults', 'no errors and lost answers of Fly beside the kills')
  .option('--stale-reads', 'looks at one machine may be a second old too: a known limit, see docs/proof.md', false)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 60)
  .action(killCommand);

program
  .command('scale')
  .description('one sweep over many idle machines, and what it costs in events and calls')
  .option('--machines <n>', 'idle machines', whole(20), 2_000)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 20)
  .action(scaleCommand);

program
  .command('race')
  .description('machines that start between the look at them and the write to them, in process on virtual time')
  .option('--machines <n>', 'idle machines', whole(4), 1_000)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(raceCommand);

program
  .command('days')
  .description('a sweep of days over machines that start and stop at random, in seconds')
  .option('--machines <n>', 'machines at the beginning; a tenth more is made meanwhile', whole(40), 200)
  .option('--hours <n>', 'the deadline', whole(12), 72)
  .option('--seed <n>', 'of the fleet', whole(0), 1)
  .option('--no-server', 'in process, without Temporal')
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(daysCommand);

program
  .command('secrets')
  .description('rollouts that fail in every way over machines full of secrets, and where any of these can be read')
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(secretsCommand);

program
  .command('upgrade')
  .description('kills the worker in the middle of sweeps, and starts one of another build')
  .option('--machines <n>', 'machines of the sweep that waits', whole(20), 60)
  .option('--forced <n>', 'machines that never stop, and are stopped', whole(2), 8)
  .option('--upgrades <n>', 'one after the other', whole(1), 2)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(upgradeCommand);

program
  .command('failures')
  .description('every bad day and every bad input as a whole rollout, in process on virtual time')
  .option('--write <file>', 'makes the page of them, docs/failure-modes.md')
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(failuresCommand);

program
  .command('properties')
  .description('random fleets, inputs and orders of events, in process on virtual time, and the laws they break')
  .option('--fleets <n>', 'random cases', whole(1), 10_000)
  .option('--seed <n>', 'the same seed draws the same cases', whole(0), 1)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 30)
  .action(propertiesCommand);

await program.parseAsync();
