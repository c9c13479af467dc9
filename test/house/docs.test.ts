import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TABLE } from '../../src/domain/table.js';
import { HOLD_KEY } from '../../src/domain/hold.js';
import { FROM_IMAGE_KEY, FROM_KEY, MARK_KEY } from '../../src/domain/change.js';
import { VERBS } from '../../src/domain/verbs.js';
import { filesIn, textOf } from './files.js';

const PAGES = filesIn(['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs'], ['.md']);

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsIn = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** First cells of a section's rows, as code. */
function cellsUnder(page: string, heading: string): string[] {
  const [, section = ''] = textOf(page).split(`# ${heading}\n`);
  const [own = ''] = section.split(/^#+ /m);
  return [...own.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell);
}

/** The texts that a type of the product allows: a closed list has no value at run time. */
function allowedBy(path: string, type: string): string[] {
  const [, union = ''] = new RegExp(`export type ${type} =([^;]*);`).exec(textOf(path)) ?? [];
  return [...union.matchAll(/'(\w+)'/g)].map(([, name = '']) => name);
}

test.each(PAGES)('every link of $path leads to a file, and to a heading, that is there', ({ path, text }) => {
  const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  const broken = links.flatMap(([link, file = '', anchor]) => {
    const target = file === '' ? path : join(dirname(path), file);
    const [found] = filesIn([target], ['']);
    const isThere = found !== undefined && (anchor === undefined || anchorsIn(found.text).includes(anchor));
    return isThere ? [] : [link];
  });
  expect(broken).toEqual([]);
});

test('every page of docs/ is linked from the README', () => {
  const pages = filesIn(['docs'], ['.md']).map(({ path }) => path);
  expect(pages.length).toBeGreaterThan(5);
  expect(pages.filter((path) => !textOf('README.md').includes(`](${path}`))).toEqual([]);
});

describe('docs/architecture.md', () => {
  test('gives the rows of the table in their order', () => {
    expect(cellsUnder('docs/architecture.md', 'The table')).toEqual(TABLE.map(({ standing }) => standing));
  });

  test('names every file of workflows and activities in the house', () => {
    const [, house = ''] = /## The house\n\n```\n([^]*?)```/.exec(textOf('docs/architecture.md')) ?? [];
    const names = filesIn(['workflows', 'activities']).map(({ path }) => basename(path, '.ts'));
    expect(names.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(house))).toEqual([]);
  });
});

describe('docs/concepts.md', () => {
  test('says of every reason for a pause what ends it', () => {
    const codes = allowedBy('src/domain/state.ts', 'PauseCode');
    expect(codes.length).toBeGreaterThan(3);
    expect(cellsUnder('docs/concepts.md', 'Pauses, and who ends them').toSorted()).toEqual(codes.toSorted());
  });

  test('says of every failure what it means', () => {
    const codes = allowedBy('src/domain/verdict.ts', 'FailureCode');
    const named = [...textOf('docs/concepts.md').matchAll(/\| failed: `(\w+)`/g)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(3);
    expect(named.toSorted()).toEqual(codes.toSorted());
  });

  test('names every key that is written on a machine', () => {
    expect(cellsUnder('docs/concepts.md', 'What is written on a machine')).toEqual([
      MARK_KEY,
      FROM_KEY,
      FROM_IMAGE_KEY,
      HOLD_KEY,
    ]);
  });
});

test('the README names every verb, and no other', () => {
  const named = [...textOf('README.md').matchAll(/^ +\| `(\w+)` +\| (?!to )/gm)].map(([, verb]) => verb);
  expect(named).toEqual(VERBS);
});
