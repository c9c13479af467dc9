import { describe, expect, test } from 'vitest';
import type { Mishap } from '../../src/proof/drive.js';
import { canary, judged, MINUTE, NEW, APP, on, post, regionOf, worldOf, writes } from './canaries.js';

/** What nobody has judged, what nobody knows the end of, and what a person says meanwhile. */

/** The n-th attempt of a rollout goes wrong, no other. */
const nth = (n: number, mishap: Mishap) => {
  let count = 0;
  return (): Mishap => ((count += 1) === n ? mishap : { kind: 'none' });
};

describe('the closing pass', () => {
  test('writes nothing that is not baked and judged', async () => {
    const at = [
      ...[5, 6, 7, 8, 9].map((index) => ({ ms: 0, do: { loseHost: { index } } })),
      { ms: 90 * MINUTE, do: { restoreHost: { index: 5 } } },
      ...[6, 7, 8, 9].map((index) => ({ ms: 140 * MINUTE, do: { restoreHost: { index } } })),
    ];
    const { world, asked } = judged(worldOf({ regions: ['ams', 'dfw'], more: { at } }));
    const input = {
      regions: ['dfw', 'ams'],
      bake: '10m',
      gates: [{ http: 'checkout' }],
      batches: [2],
      maxUnavailable: '100%',
    };
    const { end } = await canary(world, input, { said: [{ atMs: 85 * MINUTE, verb: 'resume' }] });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(new Set(asked.flatMap(({ machines }) => machines)).size).toBe(on(world, NEW).length);
  });
});

describe('a start again after a terminate', () => {
  test('judges what came late when it was terminated in late:bake', async () => {
    const away = [5, 6, 7, 8, 9].flatMap((index) => [
      { ms: 0, do: { loseHost: { index } } },
      { ms: 90 * MINUTE, do: { restoreHost: { index } } },
    ]);
    const { world, asked } = judged(worldOf({ regions: ['ams', 'dfw'], more: { at: away } }));
    const input = { regions: ['dfw', 'ams'], bake: '10m', gates: [{ http: 'checkout' }] };
    const said = [{ atMs: 85 * MINUTE, verb: 'resume' as const }];
    const first = await canary(world, input, { start: 'a', said, terminateAtMs: 99 * MINUTE });
    expect(first.phases.at(-1)).toBe('late:bake');
    const before = asked.length;
    await canary(world, input, { start: 'b' });
    const regions = regionOf(world);
    expect(asked.slice(before).flatMap(({ machines }) => machines.map((id) => regions.get(id)))).toContain('dfw');
  });

  test('judges the entry that was baking, though another is now the largest', async () => {
    const { world, asked } = judged(worldOf({ regions: ['ams', 'dfw'], each: 3, idle: 2 }));
    const input = { bake: '10m', gates: [{ http: 'checkout' }] };
    const first = await canary(world, input, { start: 'a', terminateAtMs: 15 * MINUTE });
    expect(first.phases.at(-1)).toBe('dfw:bake');
    const idle = world.simulator.machines(APP).find(({ region, state }) => region === 'ams' && state === 'stopped');
    await post(world, `/${idle?.id}/start`, {});
    await world.clock.sleep(MINUTE);
    const second = await canary(world, input, { start: 'b' });
    expect(second.phases).toContain('last:bake');
    expect(asked.at(-1)?.machines).toHaveLength(7);
  });
});

describe('a write whose end nobody knows', () => {
  test('of an idle machine is fenced off before a way back ends', async () => {
    const world = worldOf({ regions: ['ams'], each: 1, idle: 2 });
    await world.clock.sleep(10 * MINUTE);
    const mishap = nth(2, { kind: 'stalls', call: 3, ms: 45_000 });
    const { end } = await canary(world, {}, { mishap, said: [{ atMs: 15_000, verb: 'rollback' }] });
    expect(end).toMatchObject({ outcome: 'rolledBack' });
    await world.clock.sleep(10 * MINUTE);
    expect(on(world, NEW)).toHaveLength(0);
  });

  test.each(['pause', 'abort'] as const)('of an idle machine is fenced off before a %s is done', async (verb) => {
    const world = worldOf({ regions: ['ams'], each: 1, idle: 2 });
    await world.clock.sleep(10 * MINUTE);
    let at = 0;
    const more = verb === 'pause' ? [{ atMs: 20 * MINUTE, verb: 'abort' as const }] : [];
    await canary(
      world,
      {},
      {
        mishap: nth(2, { kind: 'stalls', call: 3, ms: 45_000 }),
        said: [{ atMs: 15_000, verb }, ...more],
        watch: (loop, { kind }) => {
          const { pause, inFlight } = loop.state();
          if (kind === 'finish' || (pause && kind === 'hold' && Object.keys(inFlight).length === 0))
            at ||= world.clock.now();
        },
      },
    );
    await world.clock.sleep(10 * MINUTE);
    expect(writes(world).filter(({ t }) => t > at)).toEqual([]);
  });

  test('of a working machine is looked into before a way back ends, though lists lag by half a minute', async () => {
    const more = { faults: [{ on: 'list', share: 1, effect: { staleReadMs: 30_000 } }] };
    const world = worldOf({ regions: ['ams'], each: 2, more });
    await world.clock.sleep(10 * MINUTE);
    const mishap = nth(1, { kind: 'dies', call: 3, after: true });
    const { state } = await canary(world, {}, { mishap, said: [{ atMs: 2_000, verb: 'rollback' }] });
    expect(Object.keys(state.unknown)).toEqual([]);
    expect(on(world, NEW)).toHaveLength(0);
  });
});

test('a rollback goes back although what is in flight then fails', async () => {
  const world = worldOf({ regions: ['ams'], image: { reverts: true } });
  await world.clock.sleep(10 * MINUTE);
  const said = [
    { atMs: 1_000, verb: 'rollback' as const },
    { atMs: 24 * 60 * MINUTE, verb: 'abort' as const },
  ];
  const { end } = await canary(world, {}, { said });
  expect(end).toMatchObject({ outcome: 'rolledBack' });
});

test('nothing of the next entry is written before who was updated in this one has passed', async () => {
  const world = worldOf({ regions: ['ams', 'dfw'], each: 1, image: { failsChecks: true, hits: { regions: ['ams'] } } });
  await world.clock.sleep(10 * MINUTE);
  const said = [
    { atMs: 30_000, verb: 'pause' as const },
    { atMs: 2 * MINUTE, verb: 'resume' as const },
    { atMs: 300 * MINUTE, verb: 'abort' as const },
  ];
  await canary(world, { healthy: { within: '1h' }, regions: ['ams', 'dfw'], batches: [1], ramp: 'off' }, { said });
  expect(writes(world).map(({ machine }) => regionOf(world).get(machine))).toEqual(['ams']);
});

test('a machine that is retried in the bake of its entry is updated before the next entry is written', async () => {
  const world = worldOf({ regions: ['ams', 'dfw'], each: 4, image: { reverts: true, hits: { share: 0.25 } } });
  await world.clock.sleep(10 * MINUTE);
  const said = [
    { atMs: 2 * MINUTE, verb: 'resume' as const },
    { atMs: 4 * MINUTE, verb: 'retry' as const },
    { atMs: 300 * MINUTE, verb: 'abort' as const },
  ];
  const { phases } = await canary(world, { regions: ['ams', 'dfw'], batches: [1], bake: '10m' }, { said });
  expect(phases).toContain('ams:bake');
  const order = writes(world).map(({ machine }) => regionOf(world).get(machine));
  expect(order.slice(0, order.lastIndexOf('ams'))).not.toContain('dfw');
  expect(phases.slice(phases.indexOf('ams:bake'))).toContain('ams:rest');
});
