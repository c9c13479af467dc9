import { expect, test } from 'vitest';
import { measureCalm } from '../../src/proof/calm.js';
import { isKept, sayMeasure } from '../../src/proof/scale.js';

test('in an hour in which nothing happens a sweep asks for at most a list a minute, few working machines or many', async () => {
  const measures = await measureCalm();
  expect(measures.filter((measure) => !isKept(measure)).map(sayMeasure)).toEqual([]);
});
