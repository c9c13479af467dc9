import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { MODES, sayPage } from '../proof/failures/page.js';
import { isProven, proveKill } from '../proof/kill.js';
import { isLawful, type Kind, KINDS, proveProperties, sayProperties } from '../proof/properties.js';
import { isFair, proveRace, RACERS, sayRace } from '../proof/race.js';
import { sayKills } from '../proof/report.js';
import { isKept, proveScale, sayMeasure } from '../proof/scale.js';
import { addCanary, addGroups, killCanaries, USUAL_KILLS } from './prove-canary.js';
import { addDays } from './prove-days.js';
import { addSecrets } from './prove-secrets.js';
import { addUpgrade } from './prove-upgrade.js';
import { run, say, whole } from './proving.js';

/** `npm run prove`: the long proofs. Each prints its figures and exits 1 when one is off. */

interface KillFlags {
  readonly kills: number;
  readonly seed: number;
  readonly apps: number;
  readonly machines: number;
  readonly serverKills: number;
  readonly terminations: number;
  readonly freezes: number;
  readonly canaryKills: number;
  readonly faults: boolean;
  readonly staleReads: boolean;
  readonly timeLimit: number;
}

async function killCommand({ faults, staleReads, canaryKills, ...flags }: KillFlags): Promise<void> {
  const troubles = staleReads ? 'faults and stale reads' : faults ? 'faults' : 'latency';
  say(`kill proof, seed ${flags.seed}: ${flags.apps} apps of ${flags.machines} machines, ${flags.kills} kills`);
  await run(flags.timeLimit, async (signal) => {
    const report = await proveKill({ ...flags, troubles, longestJobMs: 40_000, afterMs: 61_000, signal, say });
    for (const line of sayKills(report)) say(line);
    const { seed } = flags;
    const canaries = canaryKills === 0 || (await killCanaries({ ...USUAL_KILLS, seed, kills: canaryKills }, signal));
    return isProven(report) && canaries;
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

interface PropertiesFlags {
  readonly fleets: number;
  readonly seed: number;
  readonly timeLimit: number;
}

async function propertiesCommand({ fleets, seed, timeLimit }: PropertiesFlags): Promise<void> {
  await run(timeLimit, async (signal) => {
    const verdicts: boolean[] = [];
    for (const kind of Object.keys(KINDS) as Kind[]) {
      say(`properties of ${kind}, seed ${seed}: the loop and the activities of a worker, in process`);
      const figures = await proveProperties(fleets, seed, kind, signal);
      for (const line of sayProperties(figures)) say(`  ${line}`);
      verdicts.push(isLawful(figures));
    }
    return verdicts.every(Boolean);
  });
}

async function raceCommand({ machines, timeLimit }: { machines: number; timeLimit: number }): Promise<void> {
  await run(timeLimit, async () => {
    const verdicts: boolean[] = [];
    for (const type of Object.keys(RACERS) as (keyof typeof RACERS)[]) {
      for (const blocks of [true, false]) {
        const keeps = blocks ? 'keeps' : 'does not keep';
        say(`${type}: ${machines} machines start between look and write; a lease ${keeps} the proxy away`);
        const figures = await proveRace(machines, blocks, type);
        for (const line of sayRace(figures)) say(`  ${line}`);
        verdicts.push(isFair(figures, blocks));
      }
    }
    return verdicts.every(Boolean);
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
    'kills and freezes workers, kills the Temporal server and rollouts during sweeps, then during canaries and rollbacks, and counts what was lost',
  )
  .option('--kills <n>', 'SIGKILLs of workers', whole(1), 200)
  .option('--seed <n>', 'of the fleet and of the kills', whole(0), 1)
  .option('--apps <n>', 'apps, each with a sweep of its own', whole(1), 6)
  .option('--machines <n>', 'machines an app', whole(20), 100)
  .option('--server-kills <n>', 'SIGKILLs of the Temporal server', whole(0), 10)
  .option('--terminations <n>', 'rollouts terminated and started again', whole(0), 20)
  .option('--freezes <n>', 'workers frozen (SIGSTOP) for 3 to 25 s while another goes on', whole(0), 10)
  .option(
    '--canary-kills <n>',
    'after the sweeps: SIGKILLs of workers during canaries and rollbacks',
    whole(0),
    USUAL_KILLS.kills,
  )
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
  .command('failures')
  .description('every bad day and every bad input as a whole rollout, in process on virtual time')
  .option('--write <file>', 'makes the page of them, docs/failure-modes.md')
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
  .action(failuresCommand);

program
  .command('properties')
  .description('random fleets, inputs and orders of events, in process on virtual time, and the laws they break')
  .option('--fleets <n>', 'random cases of each type', whole(1), 10_000)
  .option('--seed <n>', 'the same seed draws the same cases', whole(0), 1)
  .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 30)
  .action(propertiesCommand);

addCanary(program);
addGroups(program);
addDays(program);
addSecrets(program);
addUpgrade(program);

await program.parseAsync();
