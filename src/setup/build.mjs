import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './child.mjs';
import { exclusively } from './lock.mjs';

const ROOMS = ['src', 'workflows', 'activities'];
const SETTINGS = ['tsconfig.base.json', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

/**
 * Compiles into dist/ when a source is not as it was at the last build.
 * @param {string} root
 * @param {(line: string) => void} say
 * @param {2 | 'ignore'} [errors] where the compiler's own output goes
 * @returns {Promise<number>} exit code
 */
export async function ensureBuild(root, say, errors = 2) {
  if (await isBuilt(root)) {
    say('build: dist/ is up to date');
    return 0;
  }
  return exclusively(join(root, '.layover', 'build.lock'), async () => {
    if (await isBuilt(root)) return 0;
    const startedAt = performance.now();
    const print = await fingerprint(root);
    const code = await compile(root, errors);
    if (code !== 0) {
      say('build: tsc found the errors above; dist/ is left as it was. See all of them with: npm run check');
      return code;
    }
    await bundle(root);
    await writeFile(join(root, 'dist.next', '.built'), print);
    await swap(root);
    say(`build: dist/ from ${ROOMS.join(', ')} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return 0;
  });
}

/**
 * Compiles beside dist/, so that a failed or killed build leaves the old one whole and a deleted source leaves nothing.
 * @param {string} root
 * @param {2 | 'ignore'} errors
 */
async function compile(root, errors) {
  await rm(join(root, 'dist.next'), { recursive: true, force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', 'dist.next'];
  return runToEnd(process.execPath, args, { cwd: root, stdio: ['ignore', errors, errors] });
}

/**
 * The workflows as one file beside the build: a worker then starts in a second instead of three.
 * @param {string} root
 */
async function bundle(root) {
  const script = join(root, 'dist.next', 'src', 'worker', 'bundle.js');
  if (!existsSync(script)) return;
  const code = await runToEnd(process.execPath, [script], { cwd: root, stdio: ['ignore', 2, 2] });
  if (code !== 0) throw new Error('the workflows could not be bundled; the messages above say why');
}

/** @param {string} root */
async function swap(root) {
  const old = join(root, 'dist.old');
  await rm(old, { recursive: true, force: true });
  await rename(join(root, 'dist'), old).catch(() => undefined); // there is none in a fresh clone
  await rename(join(root, 'dist.next'), join(root, 'dist'));
  await rm(old, { recursive: true, force: true });
}

/**
 * Whether dist/ is of the sources as they are now.
 * @param {string} root
 */
export async function isBuilt(root) {
  try {
    return (await readFile(join(root, 'dist', '.built'), 'utf8')) === (await fingerprint(root));
  } catch {
    return false;
  }
}

/**
 * One hash over the name, size and time of every source: reading them all would cost more than it tells.
 * @param {string} root
 */
async function fingerprint(root) {
  const found = await Promise.all(ROOMS.map((room) => filesUnder(root, room)));
  const hash = createHash('sha256');
  for (const file of [...SETTINGS, ...found.flat().sort()]) {
    const { size, mtimeMs } = await stat(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} room
 */
async function filesUnder(root, room) {
  const entries = await readdir(join(root, room), { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
