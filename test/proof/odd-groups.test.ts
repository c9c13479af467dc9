import { expect, test } from 'vitest';
import { control, regroup } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { cluster } from '../../src/proof/groups.js';
import { servingOf } from '../../src/proof/serving.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { planRollout } from '../../activities/plan-rollout.js';

/** Groups that are lost, moved, idle or oddly named. */

const APP = 'storm';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const MINUTE = 60_000;
const block = servingOf(OLD);

const withMachines = (machines: readonly object[], at: readonly object[] = []): World =>
  createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps: [{ name: APP, machines }], at });

const groupOf = (world: World, name: string) => world.simulator.machines(APP).filter(({ group }) => group === name);

async function bring(world: World, input: object, options: Partial<DriveOptions> = {}) {
  const all = { app: APP, image: NEW, bake: '1m', ...input };
  const { end, state } = await drive(world, { type: 'processGroup', start: 'a', input: all, ...options });
  return { end: 'outcome' in end ? `${end.outcome}: ${end.says}` : end.kind, state };
}

const notesOf = async (world: World, input: object) => {
  const all = { app: APP, image: NEW, ...input };
  const { plan } = await planRollout({ type: 'processGroup', input: all, start: 'a' }, world.deps);
  return plan.notes;
};

test('a group that nobody names keeps nothing open, also where one of it is on a lost host', async () => {
  const world = withMachines([
    block('zk', 2, 'ams'),
    block('zk', 1, 'ams', { host: { lostAtMs: 0 } }),
    block('web', 2, 'ams'),
  ]);
  await world.clock.sleep(MINUTE);
  const begun = world.clock.now();
  expect(await notesOf(world, { groups: ['web'] })).toEqual([]);
  expect((await bring(world, { groups: ['web'] })).end).toMatch(/^completed: all 2 /);
  expect(world.clock.now() - begun).toBeLessThan(10 * MINUTE);
});

test.each(['late', 'closing', 'web:bake', 'group late'])('a group may be named %s', async (odd) => {
  const world = withMachines([block(odd, 2, 'ams'), block('web', 2, 'ams')]);
  const asked: string[] = [];
  let isMade = false;
  const { end } = await bring(
    world,
    { groups: [{ group: odd }, 'approval', 'web'], bake: '20s' },
    {
      said: [
        { atMs: 20 * MINUTE, verb: 'proceed', input: { at: `group ${odd}:approval` } },
        { atMs: 60 * MINUTE, verb: 'abort' },
      ],
      watch: (loop) => {
        const { plan, step } = loop.state();
        const current = plan.steps[step.index];
        if (current?.kind === 'approval' && asked.at(-1) !== `${current.name} ${step.since}`)
          asked.push(`${current.name} ${step.since}`);
        if (isMade || current?.name !== 'closing') return;
        isMade = true;
        void control(world, 'create-machines', { app: APP, ...block('web', 1, 'ams') });
      },
    },
  );
  expect(end).toMatch(/^completed: all 5 /);
  expect(asked).toHaveLength(1);
});

test('a machine that has left its group since its write is not written on the way back, and the end says so', async () => {
  const world = withMachines([block('web', 3, 'ams'), block('zk', 3, 'ams')]);
  const [moved] = groupOf(world, 'web');
  let isMoved = false;
  const begun = world.clock.now();
  const { end, state } = await bring(
    world,
    { groups: ['web'], bake: '2h' },
    {
      said: [{ atMs: 60 * MINUTE, verb: 'rollback' }],
      watch: () => {
        if (isMoved || world.clock.now() - begun < 30 * MINUTE) return;
        isMoved = true;
        void regroup(world, APP, moved?.id ?? '', 'zk');
      },
    },
  );
  expect(end).toMatch(/^partial: 1 foreign/);
  expect(state.seen?.remarks).toEqual([expect.objectContaining({ id: moved?.id, standing: 'foreign' })]);
  expect(groupOf(world, 'web').every(({ image }) => image.startsWith(OLD))).toBe(true);
});

test('the plan warns of a majority that `only` leaves out, and of one that is gone already', async () => {
  const majority = [expect.stringContaining('leaves no majority')];
  const two = { groups: [{ group: 'zk', maxUnavailable: 2 }] };
  expect(await notesOf(cluster(1), { ...two, only: { regions: ['ams', 'dfw'] } })).toEqual(
    expect.arrayContaining(majority),
  );
  const one = { groups: [{ group: 'zk', maxUnavailable: 1 }] };
  expect(await notesOf(cluster(1), one)).not.toEqual(expect.arrayContaining(majority));
});

const JUDGE = { gates: [{ http: 'up' }] };

test('gates judge a group whose machines work by the time of its bake, whatever they did when it was planned', async () => {
  const asleep = block('web', 2, 'ams', { state: 'stopped', running: false });
  const wakes = { ms: 130_000, do: { autostart: { app: APP, group: 'web' } } };
  for (const [at, gates] of [
    [[], []],
    [[wakes], ['http:up']],
  ] as const) {
    const world = withMachines([asleep], at);
    const asked = new Set<string>();
    const judges = { ...world.deps.judges, http: { up: { url: 'http://judge.test/', secret: undefined } } };
    Object.assign(world.deps, { judges });
    await bring(
      world,
      { groups: ['web'], bake: '5m', ...JUDGE },
      {
        said: [{ atMs: 60 * MINUTE, verb: 'abort' }],
        watch: (_loop, decision) => {
          if (decision.kind === 'act') for (const { gate } of decision.judge ?? []) asked.add(gate.name);
        },
      },
    );
    expect([...asked]).toEqual(gates);
  }
});
