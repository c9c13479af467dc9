import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MS = 100;
/** What rename says of a folder that is there and not empty. */
const HELD = ['ENOTEMPTY', 'EEXIST'];

/**
 * Runs `work` while no other process does work under the same lock; the others wait, and then run theirs.
 * Taking the lock is one rename of a folder that already names its owner: there is no moment in which it is half taken.
 * @template T
 * @param {string} lock path of the lock, a folder
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively(lock, work) {
  await mkdir(dirname(lock), { recursive: true });
  while (!(await take(lock))) {
    await clearIfDead(lock);
    await sleep(LOOK_AGAIN_MS);
  }
  try {
    return await work();
  } finally {
    await release(lock);
  }
}

/**
 * Away first and removed then: a folder being emptied in place could already be the next owner's.
 * @param {string} lock
 */
async function release(lock) {
  const done = aside(lock);
  await rename(lock, done);
  await rm(done, { recursive: true, force: true });
}

/** @param {string} lock */
async function take(lock) {
  const mine = aside(lock);
  await mkdir(mine);
  await writeFile(join(mine, 'owner'), String(process.pid));
  try {
    // POSIX rename replaces an empty folder only, and a lock is never empty: so this fails while somebody holds it.
    await rename(mine, lock);
    return true;
  } catch (error) {
    await rm(mine, { recursive: true, force: true });
    if (!HELD.includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? '')) throw error;
    return false;
  }
}

/**
 * A process that was killed leaves its lock behind. Renaming it away lets exactly one waiter clear it.
 * @param {string} lock
 */
async function clearIfDead(lock) {
  const owner = await ownerOf(lock);
  if (owner === undefined || isAlive(owner)) return;
  const dead = aside(lock);
  try {
    await rename(lock, dead);
  } catch {
    return; // another waiter was faster
  }
  // Between our look and our rename somebody may have cleared it and taken a new one: that one goes back.
  if ((await ownerOf(dead)) === owner || !(await moved(dead, lock))) await rm(dead, { recursive: true, force: true });
}

/** @param {string} lock */
function aside(lock) {
  return `${lock}.${process.pid}.${randomBytes(4).toString('hex')}`;
}

/**
 * @param {string} lock
 * @returns {Promise<number | undefined>}
 */
async function ownerOf(lock) {
  try {
    return Number(await readFile(join(lock, 'owner'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
async function moved(from, to) {
  try {
    await rename(from, to);
    return true;
  } catch {
    return false;
  }
}
