import { expect, test } from 'vitest';
import { proveCanaryKill } from '../../src/proof/canary-kill.js';

/** Short enough for every test run; `npm run prove -- canary-kill` is the long form. */
const SHORT = { seed: 3, apps: 1, machines: 6, kills: 3, serverKills: 1, terminations: 1, freezes: 0, afterMs: 0 };

test('while workers, the server and rollouts are killed a canary and its rollback write nothing twice, skip no gate, ask once', async ({
  signal,
}) => {
  const { figures, unexpected, canaries, rollbacks } = await proveCanaryKill({
    ...SHORT,
    signal,
    say: () => undefined,
  });
  expect(figures.filter(({ wrong }) => wrong > 0)).toEqual([]);
  expect(unexpected).toEqual([]);
  expect(Math.min(canaries, rollbacks)).toBeGreaterThanOrEqual(1);
}, 400_000);
