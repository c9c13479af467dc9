import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureBuild, isBuilt } from './build.mjs';
import { runToEnd } from './child.mjs';
import { ensurePackages, isStamped } from './packages.mjs';

/**
 * @typedef {object} Target
 * @property {readonly (readonly string[])[]} runs what is started, one after the other; a path under dist/ or node_modules/
 * @property {boolean} build whether it runs compiled code
 * @property {boolean} binaries whether it needs Temporal's own programs
 * @property {boolean} [quiet] whether it says nothing when all is ready: what it runs is a program of its own, which
 * also stays where its user is
 */

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const TSC = 'node_modules/typescript/bin/tsc';
/** As `startWorker` in `stack.ts` starts it, which says why. */
const SMALL_HEAP = ['--heap-growing-percent=25'];
const PRETTIER = 'node_modules/prettier/bin/prettier.cjs';

/** @type {Readonly<Record<string, Target>>} */
const TARGETS = {
  layover: { runs: [['dist/src/cli/main.js']], build: true, binaries: false, quiet: true },
  bench: { runs: [['dist/src/cli/bench.js']], build: true, binaries: true },
  prove: { runs: [['dist/src/cli/prove.js']], build: true, binaries: true },
  test: { runs: [['node_modules/vitest/vitest.mjs', 'run']], build: true, binaries: true },
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

/**
 * Makes ready what a target needs, once, says what and from where, and runs it.
 * @param {readonly string[]} argv the target's name, and its own arguments
 * @returns {Promise<number>} exit code
 */
export async function runTarget([name = '', ...args]) {
  const target = TARGETS[name];
  if (target === undefined) {
    say(`there is no target "${name}". Targets: ${Object.keys(TARGETS).join(', ')}`);
    return 2;
  }
  try {
    return (await prepare(target)) || (await runAll(target, args));
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
  if (target.quiet && (await isStamped(ROOT)) && (await isBuilt(ROOT))) return 0;
  const code = (await ensurePackages(ROOT, say)) || (target.build ? await ensureBuild(ROOT, say) : 0);
  if (code === 0 && target.binaries) await ensureBinaries();
  return code;
}

/**
 * Runs all of them even when one fails, so that one look shows every problem.
 * @param {Target} target
 * @param {readonly string[]} args
 */
async function runAll({ runs, quiet }, args) {
  const cwd = quiet ? process.cwd() : ROOT;
  let worst = 0;
  for (const [script = '', ...fixed] of runs) {
    if (!existsSync(join(ROOT, script)))
      throw new Error(`${script} is not there: its source is missing from this checkout`);
    const shown = [script.split('/').at(-1), ...fixed].join(' ');
    const flags = quiet ? SMALL_HEAP : [];
    const code = await runToEnd(process.execPath, [...flags, join(ROOT, script), ...fixed, ...args], { cwd });
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
