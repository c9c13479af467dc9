import { expect, test } from 'vitest';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Whole rollouts that went wrong once: each found by a review or by random fleets. */

const APP = 'fleet';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;

const worldOf = (more: object, image: object = {}): World =>
  createWorld({
    seed: 7,
    images: { [OLD]: {}, [NEW]: image },
    apps: [{ name: APP, machines: [{ count: 10, region: 'ord', image: OLD, state: 'stopped' }] }],
    ...more,
  });

const sweep = (world: World, deadline = '1h') =>
  drive(world, {
    input: { app: APP, image: NEW, deadline },
    start: 'first',
    said: [
      { atMs: 1_800_000, verb: 'resume' },
      { atMs: 7_200_000, verb: 'abort' },
    ],
  });

const marksWritten = (world: World): string[] =>
  world.simulator.journal.entries().flatMap((entry) => {
    const isWrite =
      entry.kind === 'call' && 'op' in entry && entry.op === 'update' && (entry.actual ?? entry.status) === 200;
    return isWrite ? [`${entry.machine} ${entry.marks?.['layover_rollout']}`] : [];
  });

test('a list that stays short after the plan never ends Completed, whatever it says of the machines it shows', async () => {
  const world = worldOf({ faults: [{ on: 'list', skip: 1, effect: { halfList: true } }] });
  const { end } = await sweep(world);
  expect(end).toMatchObject({ outcome: 'partial' });
});

test.each([true, false])(
  'a 404 while a write settles keeps its doubt: a machine that Fly then took back is not written again (versions kept: %s)',
  async (versionsKeepReverted) => {
    const faults = [{ on: 'get', skip: 1, times: 1, effect: { answer: { status: 404, error: 'machine not found' } } }];
    const world = worldOf({ faults, switches: { versionsKeepReverted } }, { reverts: true });
    await sweep(world);
    const marks = marksWritten(world);
    expect(marks.length).toBeGreaterThan(0);
    expect(new Set(marks).size).toBe(marks.length);
  },
);

test('a machine whose host hid it when planned is left where it turns out to run another repository', async () => {
  const zookeeper = 'registry.fly.io/zookeeper:v3';
  const machines = [
    { count: 2, region: 'ord', image: OLD, state: 'stopped' },
    { count: 1, region: 'ord', image: zookeeper, state: 'stopped', host: { lostAtMs: 0, backAtMs: 60_000 } },
  ];
  const world = worldOf({ images: { [OLD]: {}, [NEW]: {}, [zookeeper]: {} }, apps: [{ name: APP, machines }] });
  await world.clock.sleep(10);
  const { end } = await sweep(world);
  expect(end).toMatchObject({ outcome: 'partial', says: '1 foreign' });
  expect(world.simulator.machines(APP).filter((machine) => machine.image === zookeeper)).toHaveLength(1);
});

test('what a deploy took back is rolled out again by starting the same input again', async () => {
  const world = worldOf({});
  expect((await sweep(world)).end).toMatchObject({ outcome: 'completed' });
  for (const machine of world.simulator.machines(APP)) {
    const request = { method: 'POST', url: `/_simulator/machines/${machine.id}/deploy`, headers: {} };
    await world.simulator.handle({ ...request, body: JSON.stringify({ image: OLD }) });
  }
  await world.clock.sleep(60_000);
  const { end } = await drive(world, { input: { app: APP, image: NEW }, start: 'second' });
  expect(end).toMatchObject({ outcome: 'completed' });
});
