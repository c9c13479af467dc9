import { describe, expect, test } from 'vitest';
import { type KillReport, proveKill } from '../../src/proof/kill.js';

/** Short enough for every test run; `npm run prove -- kill` is the long form. */
const SHORT = {
  seed: 7,
  apps: 2,
  machines: 30,
  longestJobMs: 10_000,
  kills: 5,
  serverKills: 1,
  terminations: 1,
  freezes: 1,
  troubles: 'faults',
  afterMs: 0,
} as const;

const says = ({ figures, unexpected }: KillReport): string[] => [
  ...figures.filter(({ wrong }) => wrong > 0).map((figure) => `${figure.says}: ${figure.examples.join('; ')}`),
  ...unexpected,
];

describe('while workers are killed and frozen, and the server and rollouts killed', () => {
  test('no machine is written twice, forgotten or started, no job cut, no lease left, and the fleet ends as without kills', async ({
    signal,
  }) => {
    const report = await proveKill({ ...SHORT, signal, say: () => undefined });
    expect(says(report)).toEqual([]);
    const { kills, serverKills, terminations, freezes } = report.toll;
    expect(kills, 'workers really killed').toBeGreaterThanOrEqual(SHORT.kills);
    expect({ serverKills, terminations, freezes }).toEqual({ serverKills: 1, terminations: 1, freezes: 1 });
    expect(report.sweeps, 'sweeps brought to their end').toBeGreaterThanOrEqual(SHORT.apps);
  }, 300_000);
});
