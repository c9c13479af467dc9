import { expect, test } from 'vitest';
import { byHand, control } from '../../src/proof/by-hand.js';
import { drive } from '../../src/proof/drive.js';
import { cluster } from '../../src/proof/groups.js';
import type { World } from '../../src/proof/world.js';

/** The way back of a cluster over three regions: a majority of it stays, whatever each region alone could spare. */

const APP = 'storm';
const NEW = `registry.fly.io/${APP}:v2`;
const OLD = `registry.fly.io/${APP}:v1`;

const zk = (world: World) => world.simulator.machines(APP).filter(({ group }) => group === 'zk');

/** When each was away on the way back: from its write to its first passing check. */
function awayOf(world: World): (readonly [from: number, to: number])[] {
  const entries = world.simulator.journal.entries();
  return entries.flatMap((entry) => {
    const isBack = entry.kind === 'call' && entry.marks?.['layover_rollout']?.startsWith('back-') === true;
    if (!isBack || entry.op !== 'update' || entry.status !== 200) return [];
    const passing = entries.find(
      (one) => one.kind === 'checks' && one.machine === entry.machine && one.t > entry.t && one.checks === 'passing',
    );
    return [[entry.t, passing?.t ?? Infinity] as const];
  });
}

/** So many were away at one moment at the most. */
const mostAway = (world: World): number => {
  const all = awayOf(world);
  return Math.max(0, ...all.map(([at]) => all.filter(([from, to]) => from <= at && at < to).length));
};

async function forward(world: World) {
  const input = { app: APP, image: NEW, bake: '1m', groups: [{ group: 'zk', maxUnavailable: 1 }] };
  await drive(world, { type: 'processGroup', start: 'a', input });
  expect(zk(world).every(({ image }) => image.startsWith(NEW))).toBe(true);
}

async function back(world: World, options: object = {}) {
  const input = { app: APP, rollout: 'latest' };
  const { end } = await drive(world, { type: 'rollback', start: 'b', input, ...options });
  return { most: mostAway(world), outcome: 'outcome' in end ? end.outcome : end.kind };
}

test('one after another, each when the last one is there again', async () => {
  const world = cluster(1);
  await forward(world);
  expect(await back(world)).toEqual({ most: 1, outcome: 'completed' });
  expect(zk(world).every(({ image }) => image.startsWith(OLD))).toBe(true);
});

test('with one of them on a host that is lost the others go back all the same, one at a time', async () => {
  const world = cluster(1);
  await forward(world);
  const [lost] = zk(world);
  await control(world, `machines/${lost?.id}/lose-host`);
  expect(await back(world, { said: [{ atMs: 3_600_000, verb: 'abort' }] })).toEqual({ most: 1, outcome: 'partial' });
  expect(zk(world).filter(({ image }) => image.startsWith(OLD))).toHaveLength(2);
});

/** Forward by rules of its own, told to go back in the bake after it; what is done by hand before that. */
async function turnedBack(own: object, byHandBefore: (world: World) => void = () => undefined) {
  const world = cluster(1);
  const input = { app: APP, image: NEW, bake: '2h', groups: [{ group: 'zk', ...own }] };
  const begun = world.clock.now();
  let isDone = false;
  const { end } = await drive(world, {
    type: 'processGroup',
    start: 'a',
    input,
    said: [
      { atMs: 3_600_000, verb: 'rollback' },
      { atMs: 4 * 3_600_000, verb: 'abort' },
    ],
    watch: () => {
      if (isDone || world.clock.now() - begun < 1_800_000) return;
      isDone = true;
      byHandBefore(world);
    },
  });
  return { world, most: mostAway(world), outcome: 'outcome' in end ? end.outcome : end.kind };
}

test('a group that could be away as a whole goes back without losing its majority', async () => {
  const { most, outcome, world } = await turnedBack({ maxUnavailable: '100%' });
  expect({ most, outcome }).toEqual({ most: 1, outcome: 'rolledBack' });
  expect(zk(world).every(({ image }) => image.startsWith(OLD))).toBe(true);
});

test('a whole group of which two are no capacity goes back all the same', async () => {
  const { world, outcome } = await turnedBack({ whole: true }, (its) => {
    for (const { id } of zk(its).slice(0, 2)) void byHand(its, `${APP}/machines/${id}/cordon`, {});
  });
  expect(outcome).toBe('rolledBack');
  expect(zk(world).every(({ image }) => image.startsWith(OLD))).toBe(true);
});
