import { expect, test } from 'vitest';
import { proveCanary } from '../../src/proof/canary.js';
import { isKept, proveWords, sayWords } from '../../src/proof/words.js';

/** Short forms; `npm run prove -- canary` and `-- words` are the long ones. */

test('what canaries see, and how they go back, is as promised in a dozen rollouts of each kind', async () => {
  const figures = await proveCanary({ seeds: 12, sizes: [50], isShort: true });
  expect(figures.filter((figure) => !figure.isKept).map(({ says }) => says)).toEqual([]);
}, 120_000);

test('eighty random sequences of verbs skip no gate, ask nobody twice, and write nothing when they must not', async () => {
  const figures = await proveWords(80, 100_000);
  expect(sayWords(figures).filter((line) => line.includes('seeds'))).toEqual([]);
  expect(isKept(figures)).toBe(true);
}, 60_000);
