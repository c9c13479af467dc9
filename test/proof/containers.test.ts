import { expect, test } from 'vitest';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Whole rollouts of machines with containers, each with an image of its own, on virtual time. */

const APP = 'fleet';
const MAIN = `registry.fly.io/${APP}:v1`;
const API = ['registry.fly.io/api:v1', 'registry.fly.io/api:v2'] as const;
const LOG = ['registry.fly.io/log:v1', 'registry.fly.io/log:v2'] as const;
const INPUT = { app: APP, image: { api: API[1], log: LOG[1] }, deadline: '4h' };

const containers = (names: readonly string[]) =>
  names.map((name) => ({ name, image: name === 'side' ? 'redis:7' : name === 'api' ? API[0] : LOG[0] }));
const block = (count: number, names: readonly string[], more: object = {}) => ({
  count,
  region: 'ord',
  image: MAIN,
  state: 'stopped',
  ...(names.length === 0 ? {} : { config: { containers: containers(names) } }),
  ...more,
});

const worldOf = (...machines: readonly object[]): World =>
  createWorld({
    images: Object.fromEntries([MAIN, ...API, ...LOG].map((ref) => [ref, {}])),
    apps: [{ name: APP, machines }],
  });

const writes = (world: World) =>
  world.simulator.journal
    .entries()
    .filter((entry) => 'op' in entry && entry.kind === 'call' && entry.op === 'update')
    .map(({ machine }) => machine);

const imagesOf = (world: World): string[][] =>
  world.simulator.machines(APP).map(({ machine }) => {
    const own = machine.config?.containers ?? [];
    return own.map(({ image }) => image ?? '');
  });

test('the named containers get their images by digest, each machine once; others and the machine’s own image stay', async () => {
  const world = worldOf(block(4, ['api', 'log', 'side']));
  const { end } = await drive(world, { input: INPUT, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(new Set(writes(world)).size).toBe(4);
  expect(writes(world)).toHaveLength(4);
  for (const images of imagesOf(world)) {
    expect(images[0]).toMatch(/^registry\.fly\.io\/api:v2@sha256:[0-9a-f]{64}$/);
    expect(images[1]).toMatch(/^registry\.fly\.io\/log:v2@sha256:[0-9a-f]{64}$/);
    expect(images[2]).toBe('redis:7');
  }
  expect(world.simulator.machines(APP).every(({ machine }) => machine.config?.image === MAIN)).toBe(true);
});

test('a second start of the same input writes nothing, and one of another image writes each again', async () => {
  const world = worldOf(block(3, ['api', 'log']));
  await drive(world, { input: INPUT, start: 'first' });
  await drive(world, { input: INPUT, start: 'second' });
  expect(writes(world)).toHaveLength(3);
  await drive(world, { input: { ...INPUT, image: { api: API[0] } }, start: 'third' });
  expect(writes(world)).toHaveLength(6);
});

test('machines without containers, or without one that is named, are left', async () => {
  const world = worldOf(block(2, ['api', 'log']), block(2, []), block(1, ['api']));
  const { end, state } = await drive(world, { input: INPUT, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed', says: expect.stringContaining('all 2 machines') as string });
  expect(state.seen?.outside).toEqual({ containers: 3 });
  expect(writes(world)).toHaveLength(2);
});

test('a machine that works for ever with its containers is stopped past "forceAfter" like any other', async () => {
  const world = worldOf(block(2, ['api', 'log'], { state: 'started', job: { lengthMs: 1e10 } }));
  const { end, state } = await drive(world, { input: { ...INPUT, forceAfter: '1h' }, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(state.stopped).toHaveLength(2);
});

test('images of another repository in a container refuse the rollout, unless that is allowed', async () => {
  const input = { ...INPUT, image: { api: LOG[1] } };
  await expect(drive(worldOf(block(2, ['api'])), { input, start: 'first' })).rejects.toThrow(
    /selected machines run another repository .*api=registry\.fly\.io\/api.* than api=registry\.fly\.io\/log/,
  );
  const allowed = { ...input, allowOtherRepository: true };
  const { end } = await drive(worldOf(block(2, ['api'])), { input: allowed, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
});
