import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { runToEnd } from '../../src/setup/child.mjs';

const MODULE = new URL('../../src/setup/child.mjs', import.meta.url).href;

/** A process that runs `program` (a Node script in one line) through runToEnd, as first-run does. */
function parentOf(program: string) {
  const code = `import { runToEnd } from '${MODULE}';
    process.exitCode = await runToEnd(process.execPath, ['-e', ${JSON.stringify(program)}]);`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const COUNTS_SIGNALS = `let n = 0; process.on('SIGINT', () => { n += 1; if (n === 1) setTimeout(() => { console.log('signals ' + n); process.exit(7); }, 300); });
  console.log('up'); setInterval(() => {}, 1000);`;

test('the exit code of the command is ours', async () => {
  expect(await runToEnd(process.execPath, ['-e', 'process.exit(3)'])).toBe(3);
});

test('a command that does not exist is an error with its name', async () => {
  await expect(runToEnd('/no/such/program', [])).rejects.toThrow('/no/such/program could not be started');
});

test('a Ctrl-C that arrives twice reaches the command once, and its end is waited for', async () => {
  const parent = parentOf(COUNTS_SIGNALS);
  const lines: string[] = [];
  createInterface({ input: parent.stdout }).on('line', (line) => {
    lines.push(line);
    if (line === 'up') for (const signal of ['SIGINT', 'SIGINT'] as const) parent.kill(signal);
  });
  const [code] = (await once(parent, 'close')) as [number];
  expect(lines).toEqual(['up', 'signals 1']);
  expect(code).toBe(7);
});

test('a command that a signal ends gives the code a shell would give', async () => {
  const parent = parentOf(`console.log('up'); setInterval(() => {}, 1000);`);
  createInterface({ input: parent.stdout }).on('line', () => parent.kill('SIGTERM'));
  const [code] = (await once(parent, 'close')) as [number];
  expect(code).toBe(128 + 15);
});
