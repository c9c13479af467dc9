import { expect, test } from 'vitest';
import { isKept, proveScale, sayMeasure } from '../../src/proof/scale.js';

/** Too few to continue as new; `npm run prove -- scale` shows that. */
test('a sweep of 150 machines keeps within its events, calls and payloads', async ({ signal }) => {
  const measures = await proveScale({ machines: 150, signal });
  expect(measures.filter((measure) => !isKept(measure)).map(sayMeasure)).toEqual([]);
}, 120_000);
