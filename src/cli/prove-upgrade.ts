import type { Command } from 'commander';
import { isUpgraded, proveUpgrade, sayUpgrade } from '../proof/upgrade.js';
import { run, say, whole } from './proving.js';

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

/** `prove upgrade`: sweeps under one build of the worker after the other. */
export function addUpgrade(program: Command): void {
  program
    .command('upgrade')
    .description('kills the worker in the middle of sweeps, and starts one of another build')
    .option('--machines <n>', 'machines of the sweep that waits', whole(20), 60)
    .option('--forced <n>', 'machines that never stop, and are stopped', whole(2), 8)
    .option('--upgrades <n>', 'one after the other', whole(1), 2)
    .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
    .action(upgradeCommand);
}
