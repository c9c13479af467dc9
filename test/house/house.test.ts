import { expect, test } from 'vitest';
import { filesIn, linesMatching, textOf } from './files.js';

type Package = {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

const PRODUCT = ['src', 'workflows', 'activities'];
const manifest = JSON.parse(textOf('package.json')) as Package;

test('no file of the product is longer than 300 lines: split it by the one thing each part does', () => {
  const long = filesIn(PRODUCT)
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 300);
  expect(long).toEqual([]);
});

test('every npm command that the documents name is a script of package.json', () => {
  const known = new Set([...Object.keys(manifest.scripts), 'ci']);
  const named = filesIn(['README.md', 'CONTRIBUTING.md', 'docs', '.ci', '.github', 'Dockerfile'], ['']).flatMap(
    ({ path, text }) =>
      [...text.matchAll(/\bnpm (?:run )?(test|ci|(?<=run )[a-z:-]+)\b/g)].map((match) => ({
        path,
        script: match[1] ?? '',
      })),
  );
  expect(named.filter(({ script }) => !known.has(script))).toEqual([]);
});

test('only the workflow index, configuration files and what vitest loads by name export a default: name the export', () => {
  const allowed = /^(workflows\/index\.ts|[^/]+\.config\.ts|test\/support\/(global-setup|[a-z-]*reporter)\.ts)$/;
  const others = filesIn([...PRODUCT, 'test', 'vitest.config.ts']).filter(({ path }) => !allowed.test(path));
  expect(linesMatching(others, /^\s*export default\b|\bas default\b/)).toEqual([]);
});

test('no work is left as a note in the code: do it, or open an issue', () => {
  const files = filesIn([...PRODUCT, 'test', '.ci', '.github'], ['']);
  expect(linesMatching(files, /\b(TO[D]O|FIX[M]E|XX[X])\b/)).toEqual([]);
});

test('all Temporal packages are pinned to one and the same exact version: they are released and tested together', () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  const versions = Object.entries(all).flatMap(([name, version]) => (name.startsWith('@temporalio/') ? [version] : []));
  expect(new Set(versions).size).toBe(1);
  expect(versions[0]).toMatch(/^\d+\.\d+\.\d+$/);
});

test('package-lock.json names no registry, so that everybody installs from their own: keep .npmrc as it is', () => {
  expect(textOf('package-lock.json')).not.toContain('"resolved"');
});

test('every sentence a lint wall says tells what to do instead, so each has one', () => {
  const restricted = [...textOf('.oxlintrc.json').matchAll(/"(?:group|name|property)":/g)].length;
  const messages = [...textOf('.oxlintrc.json').matchAll(/"message": "[^"]+\.[^"]*"/g)].length;
  expect(messages).toBe(restricted);
});
