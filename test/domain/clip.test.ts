import { expect, test } from 'vitest';
import { clip, firstOf } from '../../src/domain/clip.js';
import { sayMs } from '../../src/domain/say-ms.js';

test('a name of other people’s is never longer than allowed, and steers no terminal', () => {
  expect(clip('worker', 6)).toBe('worker');
  expect(clip('workers', 6)).toBe('worke…');
  expect(clip('a\u001B[2Jb\nc\u202Ed', 40)).toBe('a?[2Jb?c?d');
});

test('a list says how many it does not name', () => {
  expect(firstOf(['a', 'b'], 2)).toBe('a, b');
  expect(firstOf(['a', 'b', 'c', 'd'], 2)).toBe('a, b and 2 more');
  expect(firstOf([], 2)).toBe('');
});

test.each([
  [0, '0s'],
  [999, '1s'],
  [61_000, '1m1s'],
  [86_400_000, '1d'],
  [90_061_000, '1d1h'],
  [5_400_000, '1h30m'],
])('%i ms are %s', (ms, says) => {
  expect(sayMs(ms)).toBe(says);
});
