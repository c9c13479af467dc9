import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ulidTime } from '../../src/domain/ulid.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The first ten letters of a ULID, by another way than the code under test: digits of a number in base 32. */
const encode = (ms: number): string =>
  Array.from({ length: 10 }, (_, place) => ALPHABET[Math.floor(ms / 32 ** (9 - place)) % 32]).join('');

const tail = fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{16}$/);
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('the example of the specification is read as its time', () => {
  expect(ulidTime('01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe(1_469_922_850_259);
  expect(ulidTime(`00000000000000000000000000`)).toBe(0);
});

test('whatever time a version was minted at is read back, in either case, whatever follows', () => {
  fc.assert(
    fc.property(times, tail, (ms, rest) => {
      expect(ulidTime(encode(ms) + rest)).toBe(ms);
      expect(ulidTime((encode(ms) + rest).toLowerCase())).toBe(ms);
    }),
  );
});

test('a later version has a later time', () => {
  fc.assert(
    fc.property(times, times, tail, (a, b, rest) => {
      expect(Math.sign(ulidTime(encode(a) + rest) - ulidTime(encode(b) + rest))).toBe(Math.sign(a - b));
    }),
  );
});

test.each([
  '',
  'v-before',
  '01ARZ3NDEKTSV4RRFFQ69G5FA',
  '01ARZ3NDEKTSV4RRFFQ69G5FAVV',
  '01ARZ3NDEUTSV4RRFFQ69G5FAV'.replace('E', 'U'),
])('%j is no version id, and has no time', (text) => {
  expect(ulidTime(text)).toBeNaN();
});

test('a letter that the alphabet leaves out makes it no version id: I, L, O and U are never minted', () => {
  for (const letter of 'ILOU-!é') expect(ulidTime(`${letter}1ARZ3NDEKTSV4RRFFQ69G5FAV`)).toBeNaN();
});
