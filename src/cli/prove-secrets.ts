import type { Command } from 'commander';
import { isSecret, proveSecrets, saySecrets } from '../proof/secrets.js';
import { run, say, whole } from './proving.js';

async function secretsCommand({ timeLimit }: { timeLimit: number }): Promise<void> {
  say('secrets: rollouts with failures of every kind over machines full of secrets');
  await run(timeLimit, async (signal) => {
    const report = await proveSecrets(signal);
    for (const line of saySecrets(report)) say(`  ${line}`);
    return isSecret(report);
  });
}

/** `prove secrets`: where secrets of a fleet can be read. */
export function addSecrets(program: Command): void {
  program
    .command('secrets')
    .description('rollouts that fail in every way over machines full of secrets, and where any of these can be read')
    .option('--time-limit <minutes>', 'after which it is not proven', whole(1), 10)
    .action(secretsCommand);
}
