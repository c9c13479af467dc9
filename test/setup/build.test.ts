import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureBuild } from '../../src/setup/build.mjs';
import { ensurePackages } from '../../src/setup/packages.mjs';
import { ROOT } from '../house/files.js';

let root: string;
let said: string[];
const say = (line: string) => void said.push(line);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layover-build-'));
  said = [];
  mkdirSync(join(root, 'src'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  for (const name of ['tsconfig.base.json', 'tsconfig.json', 'tsconfig.build.json']) {
    writeFileSync(join(root, name), readFileSync(join(ROOT, name)));
  }
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(root, 'package-lock.json'), '{}');
  writeFileSync(join(root, 'src/a.ts'), 'export const a: number = 1;\n');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the build', () => {
  test('compiles once, and not again while no source changes', async () => {
    expect(await ensureBuild(root, say)).toBe(0);
    expect(readFileSync(join(root, 'dist/src/a.js'), 'utf8')).toContain('export const a = 1;');
    expect(await ensureBuild(root, say)).toBe(0);
    expect(said.at(-1)).toBe('build: dist/ is up to date');
  });

  test('leaves nothing of a source that is gone', async () => {
    writeFileSync(join(root, 'src/b.ts'), 'export const b = 2;\n');
    await ensureBuild(root, say);
    rmSync(join(root, 'src/b.ts'));
    await ensureBuild(root, say);
    expect(existsSync(join(root, 'dist/src/a.js'))).toBe(true);
    expect(existsSync(join(root, 'dist/src/b.js'))).toBe(false);
  });

  test('that fails leaves the last good one whole, and is tried again', async () => {
    await ensureBuild(root, say);
    writeFileSync(join(root, 'src/a.ts'), `export const a: number = 'one';\n`);
    expect(await ensureBuild(root, say, 'ignore')).not.toBe(0);
    expect(readFileSync(join(root, 'dist/src/a.js'), 'utf8')).toContain('export const a = 1;');
    writeFileSync(join(root, 'src/a.ts'), 'export const a: number = 3;\n');
    expect(await ensureBuild(root, say)).toBe(0);
    expect(readFileSync(join(root, 'dist/src/a.js'), 'utf8')).toContain('export const a = 3;');
  });
});

function lock(version: string): string {
  return JSON.stringify({
    packages: { '': {}, 'node_modules/x': { version }, 'node_modules/y': { version, optional: true } },
  });
}

describe('the packages', () => {
  test('that somebody installed by hand are not installed again, though another platform’s are left out', async () => {
    rmSync(join(root, 'node_modules'));
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'package-lock.json'), lock('1.0.0'));
    writeFileSync(
      join(root, 'node_modules/.package-lock.json'),
      JSON.stringify({ packages: { 'node_modules/x': { version: '1.0.0' } } }),
    );
    expect(await ensurePackages(root, say)).toBe(0);
    expect(said).toEqual(['packages: ready, from the npm registry named in your npm config']);
    expect(await ensurePackages(root, say)).toBe(0);
    expect(said.at(-1)).toMatch(/^packages: as package-lock.json says/);
  });
});
