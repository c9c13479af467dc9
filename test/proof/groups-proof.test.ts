import { expect, test } from 'vitest';
import { proveGroups } from '../../src/proof/groups.js';
import { proveToldClean } from '../../src/proof/told-clean.js';

/** A short form of `npm run prove -- groups`. */
test('groups keep their order, a cluster is never more than one away, secrets restart who works once, Slack is told little', async () => {
  const figures = [...(await proveGroups(12)), await proveToldClean()];
  expect(figures.filter(({ wrong }) => wrong > 0)).toEqual([]);
  expect(figures).toHaveLength(9);
});
