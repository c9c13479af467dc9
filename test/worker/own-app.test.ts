import { expect, test } from 'vitest';
import { Refused } from '../../activities/plan/refused.js';
import { planRollout } from '../../activities/plan-rollout.js';
import { createWorld } from '../../src/proof/world.js';

const V1 = 'registry.fly.io/encoder:v1';
const world = createWorld({
  images: { [V1]: {} },
  apps: [{ name: 'encoder', machines: [{ count: 1, image: V1, running: false }] }],
});
const calls = () => world.simulator.journal.entries().filter((entry) => 'op' in entry);
const order = { type: 'stoppedSweep', input: { app: 'encoder', image: V1 }, start: 'aaaaaaaa' };

test('the app that the worker runs in is refused before Fly is asked anything, with the way out', async () => {
  const refused: unknown = await planRollout(order, { ...world.deps, ownApp: 'encoder' }).catch((e: unknown) => e);
  expect(refused).toBeInstanceOf(Refused);
  expect((refused as Refused).problems).toEqual([
    'app: "encoder" is the app that this worker runs in, and its update would stop the worker; update it with fly deploy, or set LAYOVER_OWN_APP=allow for the worker',
  ]);
  expect(calls()).toEqual([]);
});

test('another app is planned', async () => {
  expect((await planRollout(order, { ...world.deps, ownApp: 'layover-worker' })).report.app).toBe('encoder');
  expect(calls()).not.toEqual([]);
});
