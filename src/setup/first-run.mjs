/**
 * The one door to every npm script: makes ready what the command needs, once, says what and from where, and runs it.
 * So `npm run demo` and `npm test` work as the first command in a fresh clone. Plain JavaScript, no packages: it runs
 * before there are any.
 *
 *   node src/setup/first-run.mjs <target> [arguments for the target]
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuild } from './build.mjs';
import { runToEnd } from './child.mjs';
import { ensurePackages } from './packages.mjs';

/**
 * @typedef {object} Target
 * @property {readonly (readonly string[])[]} runs what is started, one after the other; a path under dist/ or node_modules/
 * @property {boolean} build whether it runs compiled code
 * @property {boolean} binaries whether it needs Temporal's own programs
 */

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TSC = 'node_modules/typescript/bin/tsc';
const PRETTIER = 'node_modules/prettier/bin/prettier.cjs';

/** @type {Readonly<Record<string, Target>>} */
const TARGETS = {
  demo: { runs: [['dist/src/cli/demo.js']], build: true, binaries: true },
  bench: { runs: [['dist/src/cli/bench.js']], build: true, binaries: true },
  prove: { runs: [['dist/src/cli/prove.js']], build: true, binaries: true },
  test: { runs: [['node_modules/vitest/vitest.mjs', 'run']], build: true, binaries: true },
  worker: { runs: [['dist/src/worker/main.js']], build: true, binaries: false },
  simulate: { runs: [['dist/src/simulator/main.js']], build: true, binaries: false },
  build: { runs: [], build: true, binaries: false },
  format: { runs: [[PRETTIER, '--write', '--log-level=warn', '.']], build: false, binaries: false },
  check: {
    runs: [
      [TSC, '--noEmit', '-p', 'tsconfig.json'],
      [TSC, '--noEmit', '-p', 'tsconfig.sandbox.json'],
      ['node_modules/oxlint/bin/oxlint'],
      [PRETTIER, '--check', '--log-level=warn', '.'],
      ['node_modules/knip/bin/knip.js', '--no-progress'],
    ],
    build: false,
    binaries: false,
  },
};

process.exitCode = await main(process.argv.slice(2));

/** @param {readonly string[]} argv */
async function main([name = '', ...args]) {
  const target = TARGETS[name];
  if (target === undefined) {
    say(`there is no target "${name}". Targets: ${Object.keys(TARGETS).join(', ')}`);
    return 2;
  }
  try {
    return (await prepare(target)) || (await runAll(target.runs, args));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

/** @param {Target} target */
async function prepare(target) {
  if (!isNodeNewEnough()) {
    say(`Node ${process.versions.node} is too old: Layover needs Node 20.20 or newer (22 and 24 are tested too)`);
    return 1;
  }
  const code = (await ensurePackages(ROOT, say)) || (target.build ? await ensureBuild(ROOT, say) : 0);
  if (code === 0 && target.binaries) await ensureBinaries();
  return code;
}

/**
 * Runs all of them even when one fails, so that one look shows every problem.
 * @param {Target['runs']} runs
 * @param {readonly string[]} args
 */
async function runAll(runs, args) {
  let worst = 0;
  for (const [script = '', ...fixed] of runs) {
    if (!existsSync(join(ROOT, script)))
      throw new Error(`${script} is not there: its source is missing from this checkout`);
    const shown = [script.split('/').at(-1), ...fixed].join(' ');
    const code = await runToEnd(process.execPath, [join(ROOT, script), ...fixed, ...args], { cwd: ROOT });
    if (code >= 128) return code; // told to stop
    if (runs.length > 1) say(`${shown}: ${code === 0 ? 'passed' : `failed (exit code ${code})`}`);
    worst = Math.max(worst, code);
  }
  return worst;
}

async function ensureBinaries() {
  const compiled = pathToFileURL(join(ROOT, 'dist', 'src', 'setup', 'binaries.js')).href;
  const { temporalCli, temporalTestServer } = /** @type {typeof import('./binaries.js')} */ (await import(compiled));
  say((await temporalCli()).says);
  say((await temporalTestServer()).says);
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 20);
}

/**
 * On stderr, so that a target's own output can be piped.
 * @param {string} line
 */
function say(line) {
  process.stderr.write(`layover: ${line}\n`);
}
