import type { Command } from 'commander';
import { proveCanary } from '../proof/canary.js';
import { proveServed } from '../proof/canary-served.js';
import { proveGroups } from '../proof/groups.js';
import { isCanaryProven, proveCanaryKill } from '../proof/canary-kill.js';
import { sayFigure } from '../proof/report.js';
import { proveToldClean } from '../proof/told-clean.js';
import { isKept, proveWords, sayWords } from '../proof/words.js';
import { run, say, whole } from './proving.js';

interface KillFlags {
  readonly kills: number;
  readonly seed: number;
  readonly apps: number;
  readonly machines: number;
  readonly serverKills: number;
  readonly terminations: number;
  readonly freezes: number;
  readonly timeLimit: number;
}

/** The fleet and the kills of the canaries, where nothing else is said. */
export const USUAL_KILLS = {
  kills: 60,
  seed: 1,
  apps: 6,
  machines: 6,
  serverKills: 5,
  terminations: 8,
  freezes: 5,
} as const;

/** An update that was killed is taken up 15 s later, and a canary has many behind one another: killed more often none ends. */
const CALM_MS = 40_000;

/** Kills during canaries and rollbacks, and says what became of them. */
export async function killCanaries(flags: Omit<KillFlags, 'timeLimit'>, signal: AbortSignal): Promise<boolean> {
  say(`kill proof of canaries and rollbacks, seed ${flags.seed}: ${flags.apps} apps of ${flags.machines} machines`);
  const report = await proveCanaryKill({ ...flags, calmMs: CALM_MS, signal, say, afterMs: 61_000 });
  const { figures, toll, canaries, rollbacks, turned, backKills, restarts, unexpected, evidence, wallMs } = report;
  for (const line of figures.flatMap(sayFigure)) say(line);
  say(`ends that no kill explains: ${unexpected.length}`);
  for (const line of unexpected) say(`  ${line}`);
  if (evidence !== undefined) say(`its calls, deliveries and histories are kept in ${evidence}`);
  say(`workers killed: ${toll.kills}, frozen: ${toll.freezes}; Temporal server killed: ${toll.serverKills}`);
  say(`rollouts terminated: ${toll.terminations}, started again: ${restarts}`);
  say(`workers killed while an app was on its way back: ${backKills}`);
  say(
    `canaries: ${canaries}, of which told to go back: ${turned}; rollbacks: ${rollbacks}; wall time: ${Math.round(wallMs / 1_000)} s`,
  );
  return isCanaryProven(report);
}

function addKill(program: Command): void {
  program
    .command('canary-kill')
    .description('kills and freezes workers, kills the Temporal server and rollouts during canaries and rollbacks')
    .option('--kills <n>', 'SIGKILLs of workers', whole(1), USUAL_KILLS.kills)
    .option('--seed <n>', 'of the fleet and of the kills', whole(0), USUAL_KILLS.seed)
    .option('--apps <n>', 'apps, each with rollouts of its own', whole(1), USUAL_KILLS.apps)
    .option('--machines <n>', 'machines an app', whole(6), USUAL_KILLS.machines)
    .option('--server-kills <n>', 'SIGKILLs of the Temporal server', whole(0), USUAL_KILLS.serverKills)
    .option('--terminations <n>', 'rollouts terminated and started again', whole(0), USUAL_KILLS.terminations)
    .option(
      '--freezes <n>',
      'workers frozen (SIGSTOP) for 3 to 25 s while another goes on',
      whole(0),
      USUAL_KILLS.freezes,
    )
    .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 60)
    .action(({ timeLimit, ...flags }: KillFlags) => run(timeLimit, (signal) => killCanaries(flags, signal)));
}

/** Adds `prove canary`, `prove canary-kill` and `prove words`. */
export function addCanary(program: Command): void {
  program
    .command('canary')
    .description('what canaries see: bad images, flakes, a fault in one region, the way back; in process')
    .option('--rollouts <n>', 'seeded rollouts for each figure that is a share', whole(5), 500)
    .option('--time-limit <minutes>', 'gives up after', whole(1), 30)
    .action(async ({ rollouts, timeLimit }: { rollouts: number; timeLimit: number }) => {
      say(`canary proof: ${rollouts} seeded rollouts a figure, in process on virtual time`);
      await run(timeLimit, async () => {
        const figures = await proveCanary({ seeds: rollouts, sizes: [10, 50, 100, 500], isShort: false, say });
        return figures.every(({ isKept }) => isKept);
      });
    });
  addKill(program);
  program
    .command('canary-served')
    .description('the same canaries through Temporal, all at once, and in process: do they end the same?')
    .option('--rollouts <n>', 'how many', whole(3), 36)
    .option('--time-limit <minutes>', 'gives up after', whole(1), 20)
    .action(async ({ rollouts, timeLimit }: { rollouts: number; timeLimit: number }) => {
      say(`canaries through Temporal: ${rollouts} at once under one worker, and each in process`);
      await run(timeLimit, async (signal) => {
        const { halted, completed, mostReached, different } = await proveServed(rollouts, signal);
        say(`halted: ${halted}; completed: ${completed}`);
        say(`machines that an image reached which never works: at most ${mostReached}`);
        say(`rollouts that end otherwise than in process: ${different.length}`);
        for (const line of different) say(`  ${line}`);
        return different.length === 0 && mostReached <= 2;
      });
    });
  program
    .command('words')
    .description(
      'random sequences of verbs to a canary, duplicates, wrong order and stale names among them; in process',
    )
    .option('--sequences <n>', 'how many', whole(1), 5_000)
    .option('--seed <n>', 'the first seed', whole(0), 1)
    .option('--time-limit <minutes>', 'gives up after', whole(1), 30)
    .action(async (flags: { sequences: number; seed: number; timeLimit: number }) => {
      say(`words, seed ${flags.seed}: verbs at any time to canaries, in process on virtual time`);
      await run(flags.timeLimit, async (signal) => {
        const figures = await proveWords(flags.sequences, flags.seed, signal);
        for (const line of sayWords(figures)) say(line);
        return isKept(figures);
      });
    });
}

/** Adds `prove groups`. */
export function addGroups(program: Command): void {
  program
    .command('groups')
    .description('process groups, restarts and how often Slack is told, in process')
    .option('--orders <n>', 'random orders of groups', whole(1), 1_000)
    .action(({ orders }: { readonly orders: number }) =>
      run(20, async () => {
        const figures = [...(await proveGroups(orders)), await proveToldClean()];
        for (const line of figures.flatMap(sayFigure)) say(line);
        return figures.every(({ wrong }) => wrong === 0);
      }),
    );
}
