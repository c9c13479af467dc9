import { expect, test } from 'vitest';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import type { World } from '../../src/proof/world.js';
import {
  APP,
  back,
  canary,
  CHECKED,
  diesOnce,
  expectClean,
  judged,
  MINUTE,
  NEW,
  OLD,
  on,
  post,
  regionOf,
  worldOf,
  writes,
} from './canaries.js';

/** What a way back, and a second start, make of what others, crashes and silent registries have left. */

const V3 = `registry.fly.io/${APP}:v3`;
const THREE = { images: { [OLD]: {}, [NEW]: {}, [V3]: {} } };

const inRegion = (world: World, region: string) => world.simulator.machines(APP).filter((one) => one.region === region);

/** v2 everywhere, then v3 in one region. */
async function twoRollouts(): Promise<World> {
  const world = worldOf({ more: THREE });
  await canary(world, {}, { start: 'a' });
  await canary(world, { image: V3, regions: ['ams'] }, { start: 'b' });
  return world;
}

/** The tags that the machines of a region run. */
const tagsIn = (world: World, region: string) =>
  new Set(inRegion(world, region).map(({ image }) => image.split('@')[0]));

test('"latest" is the rollout that was started last, whoever changed a machine of an earlier one by hand since', async () => {
  const world = await twoRollouts();
  const [one] = inRegion(world, 'ord');
  if (one === undefined) throw new Error('no machine');
  const { config, region, name } = one.machine;
  await post(world, `/${one.id}`, { config: { ...config, env: { BY: 'hand' } }, region, name });
  await back(world);
  expect([tagsIn(world, 'ams'), tagsIn(world, 'dfw')]).toEqual([new Set([NEW]), new Set([NEW])]);
});

test('"latest" is the rollout that was started last, whoever cloned a machine of an earlier one since', async () => {
  const world = await twoRollouts();
  const [one] = inRegion(world, 'ord');
  await post(world, '', { config: one?.machine.config, region: 'ord' });
  await back(world);
  expect([tagsIn(world, 'ams'), tagsIn(world, 'dfw')]).toEqual([new Set([NEW]), new Set([NEW])]);
});

test('a rollout that went back is not followed by the one before it', async () => {
  const world = worldOf({ more: THREE });
  await canary(world, {}, { start: 'a' });
  await canary(world, { image: V3 }, { start: 'b', said: [{ atMs: 4 * MINUTE, verb: 'rollback' }] });
  const written = writes(world).length;
  await expect(back(world)).rejects.toThrow('was taken back already');
  expect(writes(world)).toHaveLength(written);
});

test('what somebody deployed between two starts of a change is what the way back leads to', async () => {
  const world = worldOf({ regions: ['ams'], more: THREE });
  await canary(world, {}, { start: 'a' });
  for (const { id, machine } of world.simulator.machines(APP))
    await post(world, `/${id}`, { config: { ...machine.config, image: V3 }, region: 'ams', name: machine.name });
  await world.clock.sleep(MINUTE);
  await canary(world, {}, { start: 'b' });
  expect(on(world, NEW)).toHaveLength(5);
  await back(world);
  expect(on(world, V3)).toHaveLength(5);
});

test('a start that had to go by the tag and one that knew the digest are one change, and go back together', async () => {
  const base = worldOf({ regions: ['ams', 'dfw'] });
  let isThere = false;
  const findDigest: World['deps']['findDigest'] = (repository, tag) =>
    isThere
      ? base.deps.findDigest(repository, tag)
      : Promise.resolve({ kind: 'unreachable', says: 'it cannot be reached' });
  const world = { ...base, deps: { ...base.deps, findDigest } };
  await canary(world, {}, { start: 'a', said: [{ atMs: 4 * MINUTE, verb: 'abort' }] });
  expect(on(world, NEW).length).toBeGreaterThan(0);
  isThere = true;
  const { end } = await canary(world, {}, { start: 'b', said: [{ atMs: 10 * MINUTE, verb: 'rollback' }] });
  expect(end).toMatchObject({ outcome: 'rolledBack' });
  expect(on(world, OLD)).toHaveLength(10);
});

test('a canary that ended in its last bake is judged on it when it is started again, and nothing else is asked', async () => {
  const base = worldOf({ regions: ['ams', 'dfw'] });
  const { world, asked } = judged(base);
  const input = { regions: ['ams', 'dfw'], bake: '10m', gates: [{ http: 'checkout' }, 'approval'] };
  const said = [{ atMs: 12 * MINUTE, verb: 'proceed' as const, input: { at: 'ams:approval' } }];
  await canary(world, input, { start: 'a', said, terminateAtMs: 20 * MINUTE });
  expect(on(world, NEW)).toHaveLength(10);
  asked.length = 0;
  const { end, phases } = await canary(world, input, { start: 'b' });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(phases).toEqual(['last:bake', 'closing']);
  expect(new Set(asked.map(({ step }) => step))).toEqual(new Set(['last:bake']));
});

test.each([
  ['crashes at its start', { exits: { afterMs: 500, code: 3 } }],
  ['crashes later', { exits: { afterMs: 20_000, code: 3 } }],
])('who served before an image that %s serves again after the way back', async (_what, image) => {
  const world = worldOf({ regions: ['ams'], idle: 1, image, config: {} });
  const said = [{ atMs: 100 * MINUTE, verb: 'rollback' as const }];
  const { end } = await canary(world, { onFailure: 'pause' }, { said });
  expect(end).toMatchObject({ outcome: 'rolledBack' });
  expect(on(world, OLD)).toHaveLength(6);
  expect(on(world, OLD).filter(({ state }) => state === 'started')).toHaveLength(5);
});

test('a worker that dies after the way back’s write leaves nobody stopped who served', async () => {
  for (let call = 3; call < 14; call += 1) {
    const image = { exits: { afterMs: 20_000, code: 3 } };
    const world = worldOf({ regions: ['ams'], each: 2, image, config: {} });
    let isBack = false;
    const watch: DriveOptions['watch'] = (loop) => {
      isBack = loop.state().plan.context.back !== undefined;
    };
    const mishap = diesOnce(call, () => isBack);
    await canary(world, {}, { mishap, watch, said: [{ atMs: 100 * MINUTE, verb: 'rollback' }] });
    const states = on(world, OLD).map(({ state }) => state);
    expect([call, ...states]).toEqual([call, 'started', 'started']);
  }
});

test('a machine that sleeps on the version that is taken back is taken back too', async () => {
  const world = worldOf({ regions: ['ams'], each: 3 });
  const [sleeper] = world.simulator.machines(APP);
  const sleeps = async (): Promise<void> => {
    await world.clock.sleep(4 * MINUTE);
    await post(world, `/${sleeper?.id ?? ''}/suspend`, {});
  };
  const slept = sleeps();
  const { end } = await canary(world, { bake: '20m' }, { said: [{ atMs: 8 * MINUTE, verb: 'rollback' }] });
  await slept;
  expect(end).toMatchObject({ outcome: 'rolledBack' });
  expect(on(world, OLD)).toHaveLength(3);
});

test('a drain that ends with a look that lags, and a worker that dies after the write, leave nobody cordoned', async () => {
  for (let call = 6; call < 14; call += 1) {
    const more = { faults: [{ on: 'get', share: 1, effect: { staleReadMs: 4_000 } }] };
    const world = worldOf({ regions: ['ams'], each: 1, config: CHECKED, more });
    const mishap = diesOnce(call);
    const said = [{ atMs: 60 * MINUTE, verb: 'abort' as const }];
    const { end } = await canary(world, { drain: '1s', bake: '1m' }, { mishap, said });
    expect(end).toMatchObject({ outcome: 'completed' });
    expectClean(world);
  }
});

test('a lost host keeps a way back of machines that serve open for half an hour, not for a day', async () => {
  const at = [{ ms: 3 * MINUTE, do: { loseHost: { index: 9 } } }];
  const world = worldOf({ regions: ['ams', 'dfw'], more: { at } });
  const said = [{ atMs: 5 * MINUTE, verb: 'rollback' as const }];
  const { end } = await canary(world, { regions: ['ams', 'dfw'], bake: '20m' }, { said });
  const regions = regionOf(world);
  expect(end).toMatchObject({ outcome: 'partial' });
  expect(new Set(writes(world).map(({ machine }) => regions.get(machine)))).toEqual(new Set(['ams']));
  expect(world.clock.now() - (writes(world).at(-1)?.t ?? 0)).toBeLessThan(60 * MINUTE);
});

test('a region that was away at its turn is judged when it comes back, before the canary ends', async () => {
  const away = [5, 6, 7, 8, 9].flatMap((index) => [
    { ms: 0, do: { loseHost: { index } } },
    { ms: 90 * MINUTE, do: { restoreHost: { index } } },
  ]);
  const base = worldOf({ regions: ['ams', 'dfw'], more: { at: away } });
  const { world, asked } = judged(base);
  const input = { regions: ['dfw', 'ams'], bake: '10m', gates: [{ http: 'checkout' }] };
  const said = [{ atMs: 85 * MINUTE, verb: 'resume' as const }];
  const { end, phases } = await canary(world, input, { said });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(phases.slice(-3)).toEqual(['late', 'late:bake', 'closing']);
  expect(asked.map(({ step, machines }) => `${step} ${machines.length}`)).toContain('late:bake 10');
});

test('an entry whose machines are all idle is not asked about: nobody of it could be judged', async () => {
  const base = worldOf({ regions: ['ams'], each: 2 });
  const { world, asked } = judged(base);
  await post(world, '', {
    config: { image: OLD, metadata: { fly_platform_version: 'v2' } },
    region: 'dfw',
    skip_launch: true,
  });
  await world.clock.sleep(MINUTE);
  const { end } = await canary(world, { regions: ['dfw', 'ams'], bake: '2m', gates: [{ http: 'checkout' }] });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(new Set(asked.map(({ step }) => step))).toEqual(new Set(['ams:bake']));
});

test('machines that could only be given their image back are reported, whenever the worker dies', async () => {
  for (const call of [5, 6, 7, 8]) {
    const base = worldOf({ regions: ['ams'], each: 2 });
    await canary(base, { bake: '1m' });
    // Fly keeps some versions only: the oldest are gone.
    const transport: typeof base.transport = async (request) => {
      const answer = await base.transport(request);
      if (!request.url.includes('/versions')) return answer;
      return { ...answer, body: JSON.stringify((JSON.parse(answer.body) as unknown[]).slice(0, -1)) };
    };
    const world = { ...base, transport, deps: base.depsOver(transport) };
    const mishap = diesOnce(call);
    const { state } = await back(world, {}, { mishap });
    expect([call, state.imageOnly.length]).toEqual([call, 2]);
    expect(on(base, OLD)).toHaveLength(2);
  }
});

test('a sweep is taken back when its machines stop, and with "force" where they work', async () => {
  for (const force of [false, true]) {
    const world = worldOf({
      regions: [],
      more: { apps: [{ name: APP, machines: [{ count: 3, image: OLD, state: 'stopped' }] }] },
    });
    await drive(world, { type: 'stoppedSweep', start: 'a', input: { app: APP, image: NEW } });
    for (const { id } of world.simulator.machines(APP)) await post(world, `/${id}/start`, {});
    await world.clock.sleep(MINUTE);
    const { end } = await back(world, { force }, { said: [{ atMs: 30 * MINUTE, verb: 'abort' }] });
    const states = world.simulator.machines(APP).map(({ image, state }) => `${image.split('@')[0]} ${state}`);
    expect(end).toMatchObject({ outcome: force ? 'completed' : 'aborted' });
    expect(states).toEqual(Array.from({ length: 3 }, () => `${force ? OLD : NEW} started`));
  }
});
