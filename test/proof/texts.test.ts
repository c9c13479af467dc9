import { expect, test } from 'vitest';
import { searcherFor } from '../../src/proof/texts.js';

const SECRET = 'c4narythatnobodymaysee';

function hitsIn(value: unknown): number {
  const searcher = searcherFor(SECRET);
  searcher.look('here', value);
  return searcher.found[0]?.hits.length ?? 0;
}

const base64 = (before: string): string => Buffer.from(`${before}${SECRET} and more`).toString('base64');

test.each([
  ['a text', `a ${SECRET} b`],
  ['bytes', Buffer.from(`{"a":"${SECRET}"}`)],
  ['a field deep inside', { events: [{ attributes: { failure: { message: SECRET } } }] }],
  ["a field's name", { [SECRET]: 1 }],
  ['a map', new Map([['a', SECRET]])],
  ['base64, however it is aligned: 0', base64('')],
  ['base64, however it is aligned: 1', base64('x')],
  ['base64, however it is aligned: 2', base64('xy')],
  ['hex', Buffer.from(SECRET).toString('hex')],
])('it finds a secret in %s', (_place, value) => {
  expect(hitsIn(value)).toBe(1);
});

test('it finds nothing where nothing is, and counts what it searched', () => {
  const searcher = searcherFor(SECRET);
  searcher.look('here', { a: ['nothing', Buffer.from('to see')], b: 1, c: null });
  expect(searcher.found).toEqual([{ says: 'here', texts: 7, bytes: 18, hits: [] }]);
});
