import { expect, test } from 'vitest';
import { parseInput } from '../../src/input/parse.js';
import { inputReference } from '../../src/input/reference.js';
import { GROUPS, LEAST } from '../../src/input/reference-groups.js';
import { DESCRIPTIONS } from '../../src/input/schema.js';
import { textOf } from '../house/files.js';

test('docs/input.md is what its command prints', () => {
  expect(textOf('docs/input.md').split('\n')).toEqual(inputReference('stoppedSweep').split('\n'));
});

const OPTIONS = Object.keys(DESCRIPTIONS).filter((path) => !path.includes('.'));

test('every option of the input stands in one group of the reference, and in one of its examples', () => {
  expect(GROUPS.flatMap(({ options }) => options).toSorted()).toEqual(OPTIONS.toSorted());
  for (const { options, examples } of GROUPS) {
    const shown = examples.flatMap(({ input }) => Object.keys(input));
    expect(options.filter((option) => !shown.includes(option))).toEqual([]);
  }
});

/** Inputs as pages show them: whole blocks of JSON, and what commands are given. */
function inputsOn(text: string): string[] {
  const blocks = [...text.matchAll(/^ *```jsonc?\n([^]*?)^ *```/gm)].map(([, block = '']) => block);
  const given = [...text.matchAll(/--input '(\{"app"[^']*)'/g)].map(([, json = '']) => json);
  const written = [...text.matchAll(/^ *echo '(\{"app"[^']*)' >/gm)].map(([, json = '']) => json);
  return [...blocks.filter((block) => /"app"\s*:/.test(block)), ...given, ...written];
}

/** Comments and commas after the last key are for readers. */
const readJsonc = (text: string): unknown =>
  JSON.parse(text.replaceAll(/^(?<code>(?:[^"\n/]|"[^"\n]*")*)\/\/.*$/gm, '$<code>').replaceAll(/,(?=\s*[}\]])/g, ''));

test.each(['README.md', 'docs/input.md', 'docs/operating.md', 'docs/plan.md'])(
  'every input that %s shows is taken as it stands there',
  (path) => {
    const inputs = inputsOn(textOf(path));
    expect(inputs.length).toBeGreaterThan(0);
    for (const input of inputs) expect(parseInput(readJsonc(input))).toMatchObject({ ok: true });
  },
);

test('the README shows every option there is', () => {
  const shown = inputsOn(textOf('README.md')).flatMap((input) => Object.keys(readJsonc(input) as object));
  expect(OPTIONS.filter((option) => !shown.includes(option))).toEqual([]);
});

const WRONG: readonly unknown[] = [7, 0.5, '', 'x y', true, null, [], [7], {}, { '': '' }, { x: 7 }, { x: null }];

/** The value at an option's path. */
const nested = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

test.each(Object.keys(DESCRIPTIONS))('whatever is wrong with %s is said by its path, and in our own words', (path) => {
  const problems = WRONG.flatMap((value) => {
    const parsed = parseInput({ ...LEAST, ...nested(path, value) });
    return parsed.ok ? [] : parsed.problems;
  });
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems) {
    expect(problem.startsWith(path.split('.')[0] ?? '')).toBe(true);
    expect(problem).not.toMatch(/Invalid|expected|received|Too small/);
  }
});
