import { expect, test } from 'vitest';
import { parseInput } from '../../src/input/parse.js';
import { inputReference, PAGES } from '../../src/input/reference.js';
import { GROUPS } from '../../src/input/reference-groups.js';
import { DESCRIPTIONS, inputSchema } from '../../src/input/schema.js';
import { INPUT_TYPES, type InputType } from '../../src/input/types.js';
import { textOf } from '../house/files.js';

test.each(INPUT_TYPES)('the page of %s is what its command prints', (type) => {
  expect(textOf(PAGES[type]).split('\n')).toEqual(inputReference(type).split('\n'));
});

const optionsOf = (type: InputType): string[] => Object.keys((inputSchema(type) as { properties: object }).properties);

test.each(INPUT_TYPES)(
  'every option of %s stands in one group of the reference, and in one of its examples',
  (type) => {
    const { groups } = GROUPS[type];
    expect(groups.flatMap(({ options }) => options).toSorted()).toEqual(optionsOf(type).toSorted());
    for (const { options, examples } of groups) {
      const shown = examples.flatMap(({ input }) => Object.keys(input));
      expect(options.filter((option) => !shown.includes(option))).toEqual([]);
    }
  },
);

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
    for (const input of inputs) {
      const taken = INPUT_TYPES.some((type) => parseInput(type, readJsonc(input)).ok);
      expect([input, taken]).toEqual([input, true]);
    }
  },
);

test('the README shows every option of a sweep', () => {
  const shown = inputsOn(textOf('README.md')).flatMap((input) => Object.keys(readJsonc(input) as object));
  expect(optionsOf('stoppedSweep').filter((option) => !shown.includes(option))).toEqual([]);
});

const WRONG: readonly unknown[] = [7, 0.5, '', 'x y', true, null, [], [7], {}, { '': '' }, { x: 7 }, { x: null }];

/** The value at an option's path. */
const nested = (path: string, value: unknown): object =>
  path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;

/** The types that have an option, by its path. */
const typesWith = (path: string): InputType[] =>
  INPUT_TYPES.filter((type) => optionsOf(type).includes(path.split('.')[0] ?? ''));

const ALL = Object.keys(DESCRIPTIONS).flatMap((path) => typesWith(path).map((type) => [path, type] as const));

test.each(ALL)('whatever is wrong with %s of %s is said by its path, and in our own words', (path, type) => {
  const problems = WRONG.flatMap((value) => {
    const parsed = parseInput(type, { ...GROUPS[type].least, ...nested(path, value) });
    return parsed.ok ? [] : parsed.problems;
  });
  expect(problems.length).toBeGreaterThan(0);
  for (const problem of problems) {
    expect(problem.startsWith(path.split('.')[0] ?? '')).toBe(true);
    expect(problem).not.toMatch(/Invalid|expected|received|Too small/);
  }
});
