/**
 * Runs the commands of a document as they are written, so that it cannot promise what does not work.
 * A fenced block is run when its info string is `sh run`, or `sh run 600s` with a time limit of its own. Blocks share
 * nothing but the checkout; each is one bash script that stops at its first failure, with .layover/bin on PATH for
 * the `temporal` command. `npm test` alone is left out: .ci/run has just run it.
 *
 *   node .ci/readme-commands.mjs README.md
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

const BLOCK = /^```sh run(?: (\d+)s)?[ \t]*\n([\s\S]*?)^```/gm;
const LIMIT_S = 240;

const document = process.argv[2] ?? 'README.md';
const blocks = [...readFileSync(document, 'utf8').matchAll(BLOCK)]
  .map((match) => ({ limitS: Number(match[1] ?? LIMIT_S), script: (match[2] ?? '').trim() }))
  .filter(({ script }) => script !== 'npm test');

console.log(`${document}: ${blocks.length} runnable blocks`);
for (const { limitS, script } of blocks) {
  const began = Date.now();
  console.log(`\n${script.replace(/^/gm, '$ ')}`);
  const why = await run(script, limitS);
  console.log(`${why === undefined ? 'passed' : `FAILED: ${why}`} after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  if (why !== undefined) process.exitCode = 1;
}

/**
 * Returns why it failed, or undefined. The block has a process group of its own, and whatever it leaves running in it
 * is ended with it.
 * @param {string} script
 * @param {number} limitS
 * @returns {Promise<string | undefined>}
 */
function run(script, limitS) {
  const env = { ...process.env, PATH: `${resolve('.layover/bin')}${delimiter}${process.env['PATH'] ?? ''}` };
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  let isLate = false;
  const limit = setTimeout(() => {
    isLate = true;
    endGroup(shell.pid);
  }, limitS * 1000);
  return new Promise((done) => {
    shell.once('error', (error) => done(error.message));
    shell.once('exit', (code, signal) => {
      clearTimeout(limit);
      endGroup(shell.pid);
      if (isLate) done(`not done within ${limitS} s`);
      else done(code === 0 ? undefined : `exit code ${code ?? signal}`);
    });
  });
}

/** @param {number | undefined} pid */
function endGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // nothing of it is left
  }
}
