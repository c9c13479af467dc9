import { expect, test } from 'vitest';
import { regroup } from '../../src/proof/by-hand.js';
import { drive } from '../../src/proof/drive.js';
import { cluster } from '../../src/proof/groups.js';
import type { World } from '../../src/proof/world.js';

/** A machine that is given another process group in the middle of a rollout, at whatever moment. */

const APP = 'storm';
const NEW = `registry.fly.io/${APP}:v2`;
const SECOND = 1_000;

/** Somebody writes its group, as `fly machine update --metadata` does; when that was, undefined before. */
function mover(world: World, machine: string, to: string, atMs: number) {
  const begun = world.clock.now();
  let movedAt: number | undefined;
  return {
    movedAt: () => movedAt,
    watch: () => {
      if (movedAt !== undefined || world.clock.now() - begun < atMs) return;
      movedAt = world.clock.now();
      void regroup(world, APP, machine, to);
    },
  };
}

const writesTo = (world: World, machine: string): number[] =>
  world.simulator.journal
    .entries()
    .flatMap((entry) =>
      entry.kind === 'call' && entry.op === 'update' && entry.status === 200 && entry.machine === machine
        ? [entry.t]
        : [],
    );

/** Nobody looks any more right before the end. */
const LAST_LOOK_MS = 6 * SECOND;

async function moved(from: string, to: string, atMs: number) {
  const world = cluster(3);
  const machine = world.simulator.machines(APP).find(({ group }) => group === from)?.id ?? '';
  const { movedAt, watch } = mover(world, machine, to, atMs);
  const input = { app: APP, image: NEW, bake: '20s', drain: '10s', ramp: 'off', groups: ['supervisor', 'conductor'] };
  const { end } = await drive(world, { type: 'processGroup', start: 'g', input, watch });
  const endedAt = world.clock.now();
  await world.clock.sleep(61 * SECOND);
  const truths = world.simulator.machines(APP);
  const left = truths.filter(
    ({ cordoned, metadata, lease }) => cordoned || 'layover_hold' in metadata || lease !== undefined,
  );
  expect({ atMs, left: left.map(({ id }) => id) }).toEqual({ atMs, left: [] });
  expect({ atMs, says: 'outcome' in end ? end.outcome : end.kind }).toEqual({ atMs, says: 'completed' });
  return {
    writes: writesTo(world, machine),
    movedAt: movedAt(),
    isSeen: endedAt - (movedAt() ?? endedAt) > LAST_LOOK_MS,
  };
}

/** Every four seconds of a rollout that takes three minutes. */
const MOMENTS = Array.from({ length: 45 }, (_, n) => n * 4 * SECOND);

/** The group is read under the lease; a write that follows it may cross with whoever moves the machine. */
const CROSSED_MS = 2 * SECOND;

test('into a group that nobody named: it is left from then on, and nothing of ours stays on it', async () => {
  for (const atMs of MOMENTS) {
    const { writes, movedAt = Infinity } = await moved('conductor', 'zk', atMs);
    expect({ atMs, late: writes.filter((at) => at > movedAt + CROSSED_MS) }).toEqual({ atMs, late: [] });
  }
});

test('out of a group that nobody named: it is found, whichever group it comes to, and written once', async () => {
  for (const atMs of MOMENTS) {
    const { writes, isSeen } = await moved('zk', 'supervisor', atMs);
    expect({ atMs, writes: writes.length }).toEqual({ atMs, writes: isSeen ? 1 : 0 });
  }
});

test('from one named group to another, in either direction: it is written once', async () => {
  for (const [from, to] of [
    ['supervisor', 'conductor'],
    ['conductor', 'supervisor'],
  ] as const) {
    for (const atMs of MOMENTS) {
      const { writes } = await moved(from, to, atMs);
      expect({ from, atMs, writes: writes.length }).toEqual({ from, atMs, writes: 1 });
    }
  }
});
