import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.js';
import { shiftedClock } from '../../src/clock.js';
import { lookOrder } from '../../src/domain/look.js';
import { begin } from '../../src/domain/state.js';
import { createWorld, START_MS, type World } from '../../src/proof/world.js';
import { M1, plan, V1, V2 } from './support.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A worker whose clock is ahead of Temporal's (and Fly's clock ahead of the worker's by `flyAheadMs`). */
function workerAhead(world: World, aheadMs: number) {
  const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: world.clock.now() });
  return { environment, activities: createActivities({ ...world.deps, clock: shiftedClock(world.clock, aheadMs) }) };
}

const worldOf = (machine: object, flyAheadMs = 0): World =>
  createWorld(
    {
      images: { [V1]: {}, [V2]: {} },
      apps: [{ name: 'encoder', machines: [{ ids: [M1], image: V1, ...machine }] }],
    },
    flyAheadMs,
  );

async function lookAt(world: World, more: object = {}) {
  const { plan: made } = await plan(world);
  const now = world.clock.now();
  const look = {
    pace: 'calm',
    errors: 'told',
    since: now,
    after: now,
    stale: now + HOUR,
    until: now + 10 * MINUTE,
  } as const;
  return { ...lookOrder(begin(made, now), look), counts: 'as before', ...more };
}

describe('a look of a worker whose clock is an hour off', () => {
  test.each([HOUR, -HOUR])('by %i ms neither waits an hour nor thinks that its end has come', async (aheadMs) => {
    const world = worldOf({ running: true });
    const order = await lookAt(world);
    const { environment, activities } = workerAhead(world, aheadMs);
    await expect(environment.run(activities.observeFleet, order)).rejects.toMatchObject({
      type: 'NothingToDo',
      message: '1 machines left: 1 working, 0 between two states, 0 unreachable, 0 taken',
    });
    expect(world.clock.now() - START_MS).toBeLessThan(2 * MINUTE);
  });

  test.each([HOUR, -HOUR])('by %i ms dates what it saw by the server', async (aheadMs) => {
    const world = worldOf({ running: false });
    const { environment, activities } = workerAhead(world, aheadMs);
    const look = await environment.run(activities.observeFleet, await lookAt(world));
    expect(look).toMatchObject({ kind: 'seen', observation: { at: START_MS, aheadMs: 0 } });
  });
});

describe('where Fly’s clock is an hour off', () => {
  const force = (world: World, afterMs: number) => ({ force: { afterMs, from: world.clock.now() } });
  const stopped = (outcome: unknown) => outcome as { observation: { overdue: number; stragglers: number } };

  test.each([HOUR, -HOUR])(
    'by %i ms a machine has had its time when it has worked for as long, not an hour off',
    async (flyAheadMs) => {
      const world = worldOf({ running: true }, flyAheadMs);
      await world.clock.sleep(30 * MINUTE);
      const counts = { counts: '' };
      const early = await lookAt(world, { ...force(world, 31 * MINUTE), ...counts });
      const late = await lookAt(world, { ...force(world, 29 * MINUTE), ...counts });
      const { environment, activities } = workerAhead(world, 0);
      expect(stopped(await environment.run(activities.observeFleet, early)).observation).toMatchObject({
        overdue: 0,
        stragglers: 1,
      });
      expect(stopped(await environment.run(activities.observeFleet, late)).observation).toMatchObject({
        overdue: 1,
        aheadMs: flyAheadMs,
      });
    },
  );

  test('nobody is stopped before the rollout itself is old enough by Temporal’s clock', async () => {
    const world = worldOf({ running: true }, HOUR);
    await world.clock.sleep(30 * MINUTE);
    const order = await lookAt(world, { force: { afterMs: MINUTE, from: world.clock.now() + 1 }, counts: '' });
    const { environment, activities } = workerAhead(world, 0);
    const look = await environment.run(activities.observeFleet, order);
    expect(stopped(look).observation.overdue).toBe(0);
  });
});
