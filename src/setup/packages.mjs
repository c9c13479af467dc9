import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './child.mjs';
import { exclusively } from './lock.mjs';

/** @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, link?: boolean }> }} Lockfile */

const SOURCE = 'from the npm registry named in your npm config';

/**
 * Makes node_modules what package-lock.json says, once.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<number>} exit code
 */
export async function ensurePackages(root, say) {
  if (await isStamped(root)) {
    say(`packages: as package-lock.json says, ${SOURCE}`);
    return 0;
  }
  return exclusively(join(root, '.layover', 'packages.lock'), async () => {
    if (!(await isStamped(root)) && !(await isInstalled(root))) {
      say(`packages: installing ${SOURCE} (npm ci; once, about a minute) …`);
      const code = await runToEnd('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
        stdio: ['ignore', 2, 2],
      });
      if (code !== 0) {
        say(`packages: npm ci failed with exit code ${code}. Its reason stands above; try again with: npm ci`);
        return code;
      }
    }
    await writeFile(stampOf(root), await lockHash(root));
    say(`packages: ready, ${SOURCE}`);
    return 0;
  });
}

/** @param {string} root */
function stampOf(root) {
  return join(root, 'node_modules', '.layover-stamp');
}

/** @param {string} root */
async function lockHash(root) {
  const hash = createHash('sha256').update(await readFile(join(root, 'package-lock.json')));
  return hash.update(`${process.platform} ${process.arch}`).digest('hex');
}

/**
 * Whether node_modules was made ready for this very package-lock.json.
 * @param {string} root
 */
export async function isStamped(root) {
  try {
    return (await readFile(stampOf(root), 'utf8')) === (await lockHash(root));
  } catch {
    return false;
  }
}

/**
 * Whoever ran `npm ci` by hand need not wait for a second one: npm notes in node_modules/.package-lock.json what it
 * installed, and leaves out optional packages of other platforms.
 * @param {string} root
 */
async function isInstalled(root) {
  try {
    const wanted = await packagesIn(join(root, 'package-lock.json'));
    const there = await packagesIn(join(root, 'node_modules', '.package-lock.json'));
    return Object.entries(wanted).every(
      ([path, one]) => path === '' || one.optional === true || there[path]?.version === one.version,
    );
  } catch {
    return false;
  }
}

/** @param {string} path */
async function packagesIn(path) {
  const lockfile = /** @type {Lockfile} */ (JSON.parse(await readFile(path, 'utf8')));
  return lockfile.packages ?? {};
}
