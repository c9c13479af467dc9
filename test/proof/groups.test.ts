import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drive, type DriveOptions, type Driven } from '../../src/proof/drive.js';
import { createWorld, START_MS, type World } from '../../src/proof/world.js';
import { APP, CHECKED, expectClean, MINUTE, NEW, OLD, on, post, writes } from './canaries.js';

/** Process groups, one after another, over a cluster on virtual time: what is named, in its order, and nothing else. */

const REGIONS = ['ams', 'dfw', 'ord'];

const of = (group: string, count: number, region: string, more: object = {}) => ({
  count,
  region,
  image: OLD,
  state: 'started',
  running: true,
  group,
  config: CHECKED,
  ...more,
});

/** Three zk, one a region; four supervisors; six conductors. */
function cluster(more: object = {}, image: object = {}): World {
  const machines = [
    ...REGIONS.map((region) => of('zk', 1, region)),
    of('supervisor', 4, 'ams'),
    ...REGIONS.map((region) => of('conductor', 2, region)),
  ];
  return createWorld({ seed: 7, images: { [OLD]: {}, [NEW]: image }, apps: [{ name: APP, machines }], ...more });
}

const run = (world: World, input: object, options: Partial<DriveOptions> = {}): Promise<Driven> =>
  drive(world, { type: 'processGroup', start: 'g', ...options, input: { app: APP, image: NEW, bake: '1m', ...input } });

const outcomeOf = (end: Driven['end']) => ('outcome' in end ? end.outcome : end.kind);

const groupOf = (world: World): Map<string, string> =>
  new Map(world.simulator.machines(APP).map(({ id, metadata }) => [id, metadata['fly_process_group'] ?? 'app']));

/** The groups that were written to, in turns. */
function turnsOf(world: World): string[] {
  const groups = groupOf(world);
  const turns: string[] = [];
  for (const { machine } of writes(world)) {
    const group = groups.get(machine) ?? '';
    if (turns.at(-1) !== group) turns.push(group);
  }
  return turns;
}

const inGroup = (world: World, group: string, image: string) =>
  on(world, image).filter(({ id }) => groupOf(world).get(id) === group).length;

test('groups go in their order, and what is not named is not touched', async () => {
  const world = cluster();
  const { end } = await run(world, { groups: ['supervisor', 'conductor'] });
  expect(outcomeOf(end)).toBe('completed');
  expect(turnsOf(world)).toEqual(['supervisor', 'conductor']);
  expect([inGroup(world, 'zk', OLD), inGroup(world, 'conductor', NEW)]).toEqual([3, 6]);
  expectClean(world);
});

test('whatever order groups are named in, they keep it', async () => {
  const order = fc.shuffledSubarray(['zk', 'supervisor', 'conductor'], { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(order, async (groups) => {
      const world = cluster();
      await run(world, { groups });
      expect(turnsOf(world)).toEqual(groups);
    }),
    { numRuns: 15 },
  );
});

/** When a machine was away: from its write until it had been healthy for so long. */
function awayOf(world: World, forMs: number): (readonly [from: number, to: number])[] {
  const entries = world.simulator.journal.entries();
  return writes(world).map(({ t, machine }) => {
    const passing = entries.find(
      (entry) => entry.kind === 'checks' && entry.machine === machine && entry.t > t && entry.checks === 'passing',
    );
    return [t, (passing?.t ?? Infinity) + forMs] as const;
  });
}

test.each([
  ['a count of its own', { maxUnavailable: 1, healthy: { for: '1m', within: '5m' } }],
  ['"whole"', { whole: true, healthy: { for: '1m', within: '5m' } }],
])(
  'a cluster over three regions with %s is never more than one away, and the next waits for its time',
  async (_, own) => {
    const world = cluster();
    const { end } = await run(world, { groups: [{ group: 'zk', ...own }], ramp: 'off' });
    expect(outcomeOf(end)).toBe('completed');
    const away = awayOf(world, MINUTE);
    expect(away).toHaveLength(3);
    for (const [index, [from]] of away.entries()) expect(from).toBeGreaterThanOrEqual(away[index - 1]?.[1] ?? 0);
  },
);

test('without numbers of its own a group of three over three regions may be away as one, and the plan says so', async () => {
  const world = cluster();
  const { state } = await run(world, { groups: ['zk'] });
  expect(state.plan.notes.join('\n')).toContain('write `{"group": "zk", "maxUnavailable": 1}`');
});

test('a whole group is not touched while one of it is no capacity, and the rollout says that it waits', async () => {
  const world = cluster();
  const [one] = world.simulator.machines(APP).filter(({ id }) => groupOf(world).get(id) === 'zk');
  await post(world, `/${one?.id}/cordon`, {});
  const { end, state } = await run(world, { groups: [{ group: 'zk', whole: true }] }, ABORTED);
  expect([outcomeOf(end), state.pause?.code]).toEqual(['aborted', undefined]);
  // The cordoned one itself may be touched: all others are healthy. It stays cordoned, and no other follows.
  expect(writes(world).length).toBeLessThanOrEqual(1);
});

const ABORTED: Partial<DriveOptions> = { said: [{ atMs: 60 * MINUTE, verb: 'abort' }] };

test('a person is asked between two groups, and not before', async () => {
  const world = cluster();
  const groups = ['supervisor', 'approval', 'conductor'];
  const { end } = await run(
    world,
    { groups },
    { said: [{ atMs: 20 * MINUTE, verb: 'proceed', input: { at: 'supervisor:approval' } }] },
  );
  expect(outcomeOf(end)).toBe('completed');
  const groupsById = groupOf(world);
  const first = writes(world).find(({ machine }) => groupsById.get(machine) === 'conductor');
  expect((first?.t ?? 0) - START_MS).toBeGreaterThanOrEqual(20 * MINUTE);
});

test('two versions side by side for longer than "maxMixed" pause once, and the rest goes on when somebody says so', async () => {
  const world = cluster();
  const groups = ['supervisor', 'approval', 'conductor'];
  const said = [
    { atMs: 90 * MINUTE, verb: 'resume' as const },
    { atMs: 200 * MINUTE, verb: 'proceed' as const, input: { at: 'supervisor:approval' } },
  ];
  const pauses = new Map<string, number>();
  const watch: DriveOptions['watch'] = (loop) => {
    const { pause } = loop.state();
    if (pause !== undefined) pauses.set(pause.code, pause.since);
  };
  const { end } = await run(world, { groups, maxMixed: '1h' }, { said, watch });
  expect(outcomeOf(end)).toBe('completed');
  expect([...pauses.keys()]).toEqual(['mixed_too_long']);
  const first = (writes(world)[0]?.t ?? 0) + 60 * MINUTE;
  expect(Math.abs((pauses.get('mixed_too_long') ?? 0) - first)).toBeLessThan(2 * MINUTE);
});

describe('refused before any write', () => {
  test.each([
    [{ groups: ['zookeeper'] }, 'groups: "zookeeper" has no selected machine; there are some in'],
    [{ groups: ['zk'], only: { processGroups: ['conductor'] } }, 'groups: "zk" has no selected machine'],
    [{ groups: [] }, 'groups: must name at least one process group'],
    [{ groups: ['zk', 'zk'] }, 'groups: names "zk" twice'],
  ])('%j', async (input, says) => {
    const world = cluster();
    await expect(run(world, input)).rejects.toThrow(says);
    expect(writes(world)).toEqual([]);
  });
});
