import { describe, expect, test } from 'vitest';
import type { Judges } from '../../activities/judge-gate.js';
import { MARK_KEY } from '../../src/domain/change.js';
import { type DriveOptions, type Said } from '../../src/proof/drive.js';
import { START_MS, type World } from '../../src/proof/world.js';
import {
  APP,
  back,
  canary,
  CHECKED,
  deployByHand,
  expectClean,
  MINUTE,
  NEW,
  OLD,
  on,
  REGIONS,
  regionOf,
  worldOf,
  writes,
} from './canaries.js';

/** Whole canaries, on virtual time. What they did is read from the simulator's journal and from the machines. */

describe('a good image', () => {
  test('goes region by region: nothing of the next is written before the last is done and baked', async () => {
    const world = worldOf({ idle: 2 });
    const { end, phases } = await canary(world, { regions: ['dfw', ['ams', 'ord']] });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(phases).toEqual(
      ['dfw', 'ams+ord'].flatMap((name) => [`${name}:batch-1`, `${name}:rest`, `${name}:bake`]).concat('closing'),
    );
    const regions = regionOf(world);
    const at = writes(world).map(({ t, machine }) => ({ t, region: regions.get(machine) }));
    const first = at.filter(({ region }) => region === 'dfw').map(({ t }) => t);
    const second = at.filter(({ region }) => region !== 'dfw').map(({ t }) => t);
    expect(Math.min(...second) - Math.max(...first)).toBeGreaterThan(5 * MINUTE);
    expect(new Set(writes(world).map(({ machine }) => machine)).size).toBe(21);
    expect(writes(world)).toHaveLength(21);
    expectClean(world);
  });

  test('leaves idle machines stopped, and takes them last in their region', async () => {
    const world = worldOf({ idle: 2, regions: ['ams'] });
    const idle = on(world, OLD)
      .filter(({ state }) => state === 'stopped')
      .map(({ id }) => id);
    await canary(world);
    const order = writes(world).map(({ machine }) => machine);
    expect(order.slice(-2).toSorted()).toEqual(idle.toSorted());
    expect(
      world.simulator
        .machines(APP)
        .filter(({ state }) => state === 'stopped')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(idle.toSorted());
    expect(world.simulator.machines(APP).filter(({ state }) => state === 'started')).toHaveLength(5);
  });

  test('updates a batch of two before any other of its region, and both have passed by then', async () => {
    const world = worldOf({ regions: ['ams'], each: 12 });
    const passedAt: number[] = [];
    await canary(
      world,
      { ramp: 'off', maxUnavailable: '100%' },
      {
        onLaunch: (_order, state) => {
          const good = state.seen?.pools.reduce((sum, pool) => sum + pool.good, 0) ?? 0;
          passedAt.push(good);
        },
      },
    );
    expect(passedAt.slice(0, 2).every((good) => good < 2)).toBe(true);
    expect(passedAt.slice(2).every((good) => good >= 2)).toBe(true);
  });

  test('without checks it is watched by its exits, and a batch waits for "healthy.for"', async () => {
    const world = worldOf({ regions: ['ams'], each: 6, config: {} });
    const { end } = await canary(world, { healthy: { for: '30s' } });
    expect(end).toMatchObject({ outcome: 'completed' });
    const [, second, third] = writes(world);
    expect((third?.t ?? 0) - (second?.t ?? 0)).toBeGreaterThan(30_000);
  });

  test('drains: each is cordoned so long before its write, and uncordoned after', async () => {
    const world = worldOf({ regions: ['ams'], each: 3 });
    const { end } = await canary(world, { drain: '30s' });
    expect(end).toMatchObject({ outcome: 'completed' });
    for (const { machine, t } of writes(world)) {
      const own = world.simulator.journal
        .entries()
        .filter((entry) => entry.kind === 'call' && entry.machine === machine);
      const at = (op: string) => own.find((entry) => 'op' in entry && entry.op === op)?.t ?? 0;
      expect(t - at('cordon')).toBeGreaterThanOrEqual(30_000);
      expect(at('uncordon')).toBeGreaterThan(t);
    }
    expectClean(world);
  });

  test('a machine that fly scale adds in a finished region is found by the closing pass', async () => {
    const world = worldOf({
      more: {
        at: [
          {
            ms: 8 * MINUTE,
            do: {
              createMachines: {
                app: APP,
                region: 'ams',
                image: OLD,
                count: 1,
                state: 'started',
                running: true,
                config: CHECKED,
              },
            },
          },
        ],
      },
    });
    const { end } = await canary(world, { regions: ['ams', 'dfw', 'ord'] });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(on(world, NEW)).toHaveLength(16);
  });

  test('one that is started again when all is at target has only its last bake to do', async () => {
    const world = worldOf();
    await canary(world);
    const before = writes(world).length;
    const { end, phases } = await canary(world, {}, { start: 'second' });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(phases).toEqual(['last:bake', 'closing']);
    expect(writes(world)).toHaveLength(before);
  });

  test('an app that somebody else brought to the target is looked at, and nothing bakes', async () => {
    const world = worldOf();
    const { end, phases } = await canary(world, { image: OLD });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(phases).toEqual(['late', 'closing']);
    expect(writes(world)).toEqual([]);
  });
});

describe('a fault', () => {
  test('only in region 5 of 8: it halts there, what is after gets no write, and all of it goes back', async () => {
    const world = worldOf({ regions: REGIONS, each: 25, image: { failsChecks: true, hits: { regions: ['hkg'] } } });
    const { end, phases, state } = await canary(world, { regions: REGIONS, onFailure: 'rollback' });
    expect(end).toMatchObject({ outcome: 'rolledBack' });
    expect(phases.slice(-2)).toEqual(['hkg:batch-1', 'back']);
    expect(state.turned?.says).toContain('(hkg) failed: checks do not pass');
    const regions = regionOf(world);
    const touched = new Set(writes(world).map(({ machine }) => regions.get(machine)));
    expect(touched).toEqual(new Set(['ams', 'dfw', 'fra', 'gru', 'hkg']));
    expect(on(world, OLD)).toHaveLength(200);
    expect(writes(world).filter(({ machine }) => regions.get(machine) === 'hkg').length).toBeLessThanOrEqual(4);
    expectClean(world);
  });

  test('in the first machine pauses; resume accepts it and goes on, and it ends Partial', async () => {
    const [machine] = on(worldOf(), OLD)
      .filter(({ region }) => region === 'ams')
      .map(({ id }) => id)
      .toSorted();
    const world = worldOf({ more: { faults: [{ on: 'update', machine, effect: { revert: true } }] } });
    const said: Said[] = Array.from({ length: 60 }, (_, n) => ({
      atMs: n * 6 * MINUTE,
      verb: n === 59 ? 'abort' : 'resume',
    }));
    const { end, phases } = await canary(world, { maxFailed: '100%' }, { said });
    expect(phases.some((phase) => phase.endsWith('paused failures'))).toBe(true);
    expect(end).toMatchObject({ outcome: 'partial' });
  });

  test.each([
    ['checks that stay critical', { failsChecks: true }, 'checks'],
    ['a crash loop', { exits: { afterMs: 500, code: 3 } }, 'crash_loop'],
    ['a boot that fails', { failsBoot: true }, 'exit_code'],
    ['a silent revert', { reverts: true }, 'reverted'],
  ])('of every machine, %s: at most two of a hundred are written', async (_what, image, code) => {
    const world = worldOf({ regions: ['ams', 'dfw'], each: 50, image });
    const { phases, state } = await canary(world, {}, { said: [{ atMs: 60 * MINUTE, verb: 'abort' }] });
    expect(phases).toContain('ams:batch-1 paused failures');
    expect(writes(world).length).toBeLessThanOrEqual(2);
    expect(Object.values(state.failed).map((failure) => failure.code)).toContain(code);
  });

  test('that appears 50 minutes into the last bake of 60 is seen', async () => {
    const world = worldOf({
      regions: ['ams'],
      more: { at: [{ ms: 52 * MINUTE, do: { checks: { app: APP, status: 'critical' } } }] },
    });
    const { end } = await canary(world, { bake: '60m', onFailure: 'rollback', maxFailed: '10%' });
    expect(end).toMatchObject({ outcome: 'rolledBack' });
    expect(on(world, OLD)).toHaveLength(5);
  });

  test('of the only machine of a region halts it there', async () => {
    const world = worldOf({ each: 1, image: { failsChecks: true, hits: { regions: ['dfw'] } } });
    const { phases } = await canary(
      world,
      { regions: ['ams', 'dfw', 'ord'] },
      { said: [{ atMs: 60 * MINUTE, verb: 'abort' }] },
    );
    expect(phases.slice(-2)).toEqual(['dfw:batch-1 paused failures', 'dfw:batch-1']);
  });

  test('of Fly, a host that is not ok, is no evidence: the others are done, and it ends Partial', async () => {
    const world = worldOf({ more: { at: [{ ms: 0, do: { loseHost: { index: 6 } } }] } });
    const { end, state } = await canary(world);
    expect(end).toMatchObject({ outcome: 'partial' });
    expect(state.failed).toEqual({});
    expect(on(world, NEW)).toHaveLength(14);
  });
});

describe('verbs', () => {
  test('an approval is waited for, given once, and lets it on', async () => {
    const world = worldOf();
    const said: Said[] = [{ atMs: 60 * MINUTE, verb: 'proceed', input: { at: 'ams:approval' } }];
    const { end, phases } = await canary(world, { regions: ['ams', '*'], gates: ['approval'] }, { said });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(phases).toContain('ams:approval');
    expect(phases.filter((phase) => phase.includes('approval'))).toEqual(['ams:approval']);
    const second = writes(world).find(({ machine }) => regionOf(world).get(machine) !== 'ams');
    expect((second?.t ?? 0) - (writes(world)[0]?.t ?? 0)).toBeGreaterThan(59 * MINUTE);
  });

  test('an approval that nobody gives pauses when its time is up; resume asks again', async () => {
    const world = worldOf();
    const said: Said[] = [
      { atMs: 3 * 60 * MINUTE, verb: 'proceed', input: { at: 'ams:approval' } },
      { atMs: 4 * 60 * MINUTE, verb: 'resume' },
      { atMs: 4.5 * 60 * MINUTE, verb: 'proceed', input: { at: 'ams:approval' } },
    ];
    const gates = [{ approval: { within: '1h' } }];
    const { end, phases } = await canary(world, { regions: ['ams', '*'], gates }, { said });
    expect(phases.filter((phase) => phase.includes('approval'))).toEqual([
      'ams:approval',
      'ams:approval paused approval_expired',
      'ams:approval',
    ]);
    expect(end).toMatchObject({ outcome: 'completed' });
  });

  test('a pause stands the clock of a bake still', async () => {
    const plain = worldOf({ regions: ['ams'] });
    await canary(plain, { bake: '30m' });
    const took = plain.clock.now();
    const world = worldOf({ regions: ['ams'] });
    const said: Said[] = [
      { atMs: 10 * MINUTE, verb: 'pause' },
      { atMs: 70 * MINUTE, verb: 'resume' },
    ];
    await canary(world, { bake: '30m' }, { said });
    expect(world.clock.now() - took).toBeGreaterThan(59 * MINUTE);
    expect(world.clock.now() - took).toBeLessThan(62 * MINUTE);
  });

  test('rollback in the middle takes back what was written, and writes nothing else', async () => {
    const world = worldOf({ idle: 2 });
    const before = new Map(world.simulator.machines(APP).map(({ id, machine }) => [id, machine.config]));
    const said: Said[] = [{ atMs: 7 * MINUTE, verb: 'rollback', input: { reason: 'checkout is slow' } }];
    const { end } = await canary(world, { regions: ['ams', 'dfw', 'ord'] }, { said });
    expect(end).toMatchObject({ outcome: 'rolledBack' });
    const regions = regionOf(world);
    expect(writes(world).map(({ machine }) => regions.get(machine))).not.toContain('ord');
    for (const { id, machine } of world.simulator.machines(APP)) {
      const { metadata, image, ...config } = machine.config ?? {};
      const { metadata: _was, image: from, ...former } = before.get(id) ?? {};
      expect(config).toEqual(former);
      expect(image?.startsWith(from ?? '-')).toBe(true);
      void metadata;
    }
    expectClean(world);
  });

  test('abort in a bake ends it there', async () => {
    const world = worldOf();
    const said: Said[] = [{ atMs: 3 * MINUTE, verb: 'abort' }];
    const { end } = await canary(world, { regions: ['ams', '*'] }, { said });
    expect(end).toMatchObject({ outcome: 'aborted' });
    expect(on(world, NEW).every(({ region }) => region === 'ams')).toBe(true);
  });
});

describe('the type rollback', () => {
  test('takes a finished canary back from the machines’ own records alone', async () => {
    const world = worldOf({ idle: 2 });
    await canary(world);
    const forward = writes(world).length;
    const { end } = await back(world);
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(on(world, OLD)).toHaveLength(21);
    expect(writes(world)).toHaveLength(forward + 21);
    expect(world.simulator.machines(APP).filter(({ state }) => state === 'stopped')).toHaveLength(6);
    expectClean(world);
  });

  test('of what was taken back is refused, with the way out', async () => {
    const world = worldOf();
    await canary(world);
    await back(world);
    await expect(back(world, {}, { start: 'again' })).rejects.toThrow('start the input that it took back');
    await expect(canary(worldOf()).then(() => back(worldOf()))).rejects.toThrow('carries the mark of a rollout');
  });

  test('leaves a machine that somebody changed by hand since, though it carries the mark', async () => {
    const world = worldOf({ regions: ['ams'] });
    await canary(world);
    await deployByHand(world);
    const { end, state } = await back(world);
    expect(end).toMatchObject({ outcome: 'partial' });
    expect(on(world, OLD)).toHaveLength(4);
    expect(state.plan.context.back?.changed).toHaveLength(1);
  });

  test('marks what it brings back, so that going forward again is a new start', async () => {
    const world = worldOf({ regions: ['ams'] });
    await canary(world);
    await back(world);
    expect(world.simulator.machines(APP).every(({ metadata }) => metadata[MARK_KEY]?.startsWith('back-'))).toBe(true);
    const { end } = await canary(world, {}, { start: 'second' });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(on(world, NEW)).toHaveLength(5);
  });
});

describe('gates', () => {
  /** A judge at an address: what it answers, by the minute since the start. */
  function judged(answer: (minute: number) => number): { world: World; asked: () => number } {
    const world = worldOf();
    const begun = world.clock.now();
    let asked = 0;
    const transport: Judges['transport'] = () => {
      asked += 1;
      const status = answer((world.clock.now() - begun) / MINUTE);
      return status === 0 ? Promise.reject(new Error('timeout')) : Promise.resolve({ status, headers: {}, body: '' });
    };
    const judges = { transport, http: { checkout: { url: 'http://judge.test' } } };
    return { world: { ...world, deps: { ...world.deps, judges } }, asked: () => asked };
  }
  const gated = { regions: ['ams', '*'], gates: [{ http: 'checkout' }] };

  test('that pass let it on, and each bake asks them', async () => {
    const { world, asked } = judged(() => 200);
    const { end } = await canary(world, gated);
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(asked()).toBeGreaterThanOrEqual(4);
  });

  test('that fail in the middle of a bake halt it there, before its end', async () => {
    const { world } = judged((minute) => (minute > 3 ? 409 : 200));
    const { phases, end } = await canary(world, { ...gated, onFailure: 'rollback' });
    expect(phases.slice(-2)).toEqual(['ams:bake', 'back']);
    expect(end).toMatchObject({ outcome: 'rolledBack' });
    expect(on(world, OLD)).toHaveLength(15);
    expect(world.clock.now() - (writes(world)[0]?.t ?? 0)).toBeLessThan(6 * MINUTE);
  });

  test('that fail pause where the input says so; resume takes it as it is', async () => {
    const { world } = judged((minute) => (minute > 3 && minute < 15 ? 409 : 200));
    const said: Said[] = [{ atMs: 20 * MINUTE, verb: 'resume' }];
    const { phases, end } = await canary(world, gated, { said });
    expect(phases).toContain('ams:bake paused gate_failed');
    expect(phases.filter((phase) => phase.includes('gate_failed'))).toHaveLength(1);
    expect(end).toMatchObject({ outcome: 'completed' });
  });

  test.each([0, 302, 404, 500, 503])(
    'whose judge is broken (%i) at the end pause; resume asks it again',
    async (status) => {
      const { world } = judged((minute) => (minute < 60 ? status : 200));
      const said: Said[] = [
        { atMs: 30 * MINUTE, verb: 'resume' },
        { atMs: 70 * MINUTE, verb: 'resume' },
      ];
      const { phases, end } = await canary(world, gated, { said });
      expect(phases.filter((phase) => phase.includes('judge_unavailable'))).toHaveLength(2);
      expect(end).toMatchObject({ outcome: 'completed' });
      expect(on(world, NEW)).toHaveLength(15);
    },
  );

  test('whose judge is away for a while in a bake ask no person', async () => {
    const { world } = judged((minute) => (minute > 1 && minute < 4 ? 503 : 200));
    const { phases, end } = await canary(world, gated);
    expect(phases.every((phase) => !phase.includes('paused'))).toBe(true);
    expect(end).toMatchObject({ outcome: 'completed' });
  });

  test('a proceed ends a bake early, and its gates are asked all the same', async () => {
    const { world } = judged(() => 409);
    const quiet = judged(() => 200);
    const said: Said[] = [{ atMs: 2 * MINUTE, verb: 'proceed', input: { at: 'ams:bake' } }];
    const passed = await canary(quiet.world, { ...gated, bake: '60m' }, { said });
    expect(passed.end).toMatchObject({ outcome: 'completed' });
    expect(quiet.world.clock.now() - START_MS).toBeLessThan(70 * MINUTE);
    const abort: Said = { atMs: 90 * MINUTE, verb: 'abort' };
    const failed = await canary(world, { ...gated, bake: '60m' }, { said: [...said, abort] });
    expect(failed.phases).toContain('ams:bake paused gate_failed');
  });

  test('with nothing to say make the bake three times as long, and pause then', async () => {
    const world = worldOf();
    const begun = world.clock.now();
    const empty = '{"status":"success","data":{"resultType":"vector","result":[]}}';
    const transport: Judges['transport'] = () => Promise.resolve({ status: 200, headers: {}, body: empty });
    const judges = { transport, http: {}, prometheus: { url: 'http://prometheus.test', lagMs: 1_000 } };
    const silent = { ...world, deps: { ...world.deps, judges } };
    const gates = [{ prometheus: { query: 'up', max: 1 } }];
    let pausedAt = 0;
    const watch: DriveOptions['watch'] = (loop) => {
      if (loop.state().pause?.code === 'gate_silent') pausedAt ||= world.clock.now();
    };
    const said: Said[] = [{ atMs: 60 * MINUTE, verb: 'abort' }];
    await canary(silent, { regions: ['ams', '*'], gates, bake: '10m' }, { said, watch });
    expect(pausedAt - begun).toBeGreaterThan(30 * MINUTE);
    expect(pausedAt - begun).toBeLessThan(33 * MINUTE);
  });
});
