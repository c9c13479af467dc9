import { expect, test } from 'vitest';
import { byHand } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { createWorld } from '../../src/proof/world.js';
import {
  APP,
  aways,
  back,
  block,
  crash,
  forward,
  machines,
  MINUTE,
  mostAway,
  NEW,
  NO_RESTART,
  OLD,
  on,
  OWN,
  SECOND,
  setChecks,
  zks,
  ABORT,
} from './clusters.js';

/** Whoever is missed counts as away, by whatever hand: a cluster never has more away at once than its numbers let. */

test.each(OWN)('with %s nobody is taken while somebody else updates a member', async (_, own) => {
  const world = zks(3, { timing: { replaceMs: [40_000, 40_000] } });
  const [first] = machines(world);
  const { config } = first?.machine ?? {};
  void byHand(world, `${APP}/machines/${first?.id}`, { config: { ...config, env: { BY: 'hand' } } });
  await world.clock.sleep(2 * SECOND);
  expect(machines(world)[0]?.state).toBe('replacing');
  expect(await forward(world, own)).toBe('completed');
  expect({ most: mostAway(world), on: on(world, NEW) }).toEqual({ most: 1, on: 3 });
});

test.each(OWN)('with %s a member whose update is in doubt counts as away until it is looked into', async (_, own) => {
  for (const resumeMs of [28, 32, 45].map((s) => s * SECOND)) {
    const world = zks(3, { timing: { replaceMs: [40_000, 40_000] } });
    let attempts = 0;
    const outcome = await forward(world, own, {
      mishap: () => ((attempts += 1) === 1 ? { kind: 'dies', call: 3, after: true } : { kind: 'none' }),
      said: [{ atMs: 14 * SECOND, verb: 'pause' }, { atMs: resumeMs, verb: 'resume' }, ABORT],
    });
    expect({ resumeMs, outcome, most: mostAway(world) }).toEqual({ resumeMs, outcome: 'completed', most: 1 });
  }
});

test('on a way back checks that fail for a moment take no more than leaves a majority', async () => {
  const world = zks(5);
  await forward(world, { maxUnavailable: 1 });
  expect(on(world, NEW)).toBe(5);
  const begun = world.clock.now();
  let hit = false;
  const outcome = await back(world, {
    // What a quorum's checks do as soon as members go away.
    watch: () => {
      const gone = new Set(aways(world, begun).map(({ machine }) => machine));
      if (hit || gone.size === 0) return;
      hit = true;
      for (const { id } of machines(world).filter((one) => !gone.has(one.id)))
        void setChecks(world, id, 'critical').then(() =>
          world.clock.sleep(8 * SECOND).then(() => setChecks(world, id, 'passing')),
        );
    },
  });
  expect({ outcome, hit, most: mostAway(world, [], begun), on: on(world, OLD) }).toEqual({
    outcome: 'completed',
    hit: true,
    most: 2,
    on: 5,
  });
});

test('on a way back those that crashed on the new version come first, and count as away', async () => {
  const world = zks(5, {}, NO_RESTART);
  await forward(world, { maxUnavailable: 1 });
  const crashed = machines(world)
    .slice(1, 3)
    .map(({ id }) => id);
  for (const id of crashed) await crash(world, id);
  await world.clock.sleep(MINUTE);
  const begun = world.clock.now();
  expect(await back(world)).toBe('completed');
  const written = aways(world, begun).map(({ machine }) => machine);
  expect(new Set(written.slice(0, 2))).toEqual(new Set(crashed));
  expect(machines(world).map(({ state }) => state)).toEqual(Array(5).fill('started'));
  const others = aways(world, begun).filter(({ machine }) => !crashed.includes(machine));
  const backAt = Math.max(...aways(world, begun).flatMap((a) => (crashed.includes(a.machine) ? [a.to] : [])));
  expect(others.every(({ from }) => from >= backAt)).toBe(true);
  expect(mostAway(world, [], begun)).toBe(2);
});

test.each(OWN)('with %s a member that crashed before its turn is missed, and comes first', async (_, own) => {
  const world = zks(3, {}, NO_RESTART);
  const crashed = machines(world)[1]?.id ?? '';
  await crash(world, crashed);
  await world.clock.sleep(MINUTE);
  const begun = world.clock.now();
  expect(await forward(world, own)).toBe('completed');
  const [first, second] = aways(world, begun);
  expect(first?.machine).toBe(crashed);
  expect(second?.from).toBeGreaterThan(first?.to ?? Infinity);
  expect(machines(world).map(({ state }) => state)).toEqual(['started', 'started', 'started']);
});

test('a group that keeps its number takes no more for being cordoned', async () => {
  const world = zks(5);
  for (const { id } of machines(world).slice(2)) await byHand(world, `${APP}/machines/${id}/cordon`, {});
  await forward(world, { maxUnavailable: 1 });
  expect({ most: mostAway(world), on: on(world, NEW) }).toEqual({ most: 1, on: 3 });
});

test.each(['warning', 'critical'])('a check that is %s for long lifts no number', async (status) => {
  const world = zks(5);
  for (const { id } of machines(world)) await setChecks(world, id, status);
  await world.clock.sleep(20 * MINUTE);
  await forward(world, { maxUnavailable: 1 });
  expect({ most: mostAway(world), on: on(world, NEW) }).toEqual({ most: 1, on: 5 });
});

test.each(OWN)('with %s lists that lag do not bring the next one forward', async (_, own) => {
  for (const staleReadMs of [0, 10 * SECOND, 20 * SECOND]) {
    const faults = staleReadMs === 0 ? [] : [{ on: 'list', effect: { staleReadMs } }];
    const world = zks(5, { faults });
    const outcome = await forward(world, { healthy: { for: '30s' }, ...own });
    const all = aways(world);
    const early = all.filter(({ from }, index) => index > 0 && from < (all[index - 1]?.to ?? 0) + 30 * SECOND);
    expect({ staleReadMs, outcome, early, written: all.length }).toEqual({
      staleReadMs,
      outcome: 'completed',
      early: [],
      written: 5,
    });
  }
});

test('idle machines of a whole group go one after another, without a wait in between', async () => {
  const apps = [{ name: APP, machines: [block('zk', 6, 'ams', { state: 'stopped', running: false })] }];
  const world = createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps });
  const begun = world.clock.now();
  await forward(world, { whole: true });
  const times = aways(world).map(({ from }) => from - begun);
  expect(times).toHaveLength(6);
  expect(Math.max(...times)).toBeLessThan(2 * MINUTE);
});

test.each([
  [1, 100, 190],
  [3, 210, 360],
])('on the way back of a process group %i that are never cut are waited for', async (count, backAt, endsAt) => {
  const apps = [
    {
      name: APP,
      machines: [
        block('w', count, 'ams', { job: { lengthMs: 180 * MINUTE, idleMs: MINUTE }, config: NO_RESTART }),
        block('web', 2, 'ams'),
      ],
    },
  ];
  const world = createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps });
  const begun = world.clock.now();
  const input = { app: APP, image: NEW, bake: '1h', groups: [{ group: 'w', idleOnly: true }, 'web'] };
  const { end } = await drive(world, {
    type: 'processGroup',
    start: 'a',
    input,
    said: [
      { atMs: backAt * MINUTE, verb: 'rollback' },
      { atMs: 24 * 60 * MINUTE, verb: 'abort' },
    ],
  });
  expect('outcome' in end && end.outcome).toBe('rolledBack');
  expect(on(world, OLD)).toBe(count + 2);
  // Their jobs on the new version end then, and not before.
  expect(world.clock.now() - begun).toBeGreaterThan(endsAt * MINUTE);
});

test.each(OWN)('with %s the one whose check flaps is taken first, since it is missed as it is', async (_, own) => {
  const world = zks(3, {
    images: { [OLD]: { checks: { flapEveryMs: 9_000 }, hits: { regions: ['ord'] } }, [NEW]: {} },
  });
  await world.clock.sleep(10 * MINUTE);
  const flapping = machines(world).find(({ region }) => region === 'ord')?.id;
  expect(await forward(world, own)).toBe('completed');
  expect(aways(world)[0]?.machine).toBe(flapping);
  expect({ most: mostAway(world), on: on(world, NEW) }).toEqual({ most: 1, on: 3 });
});

const MORE_ROOM = [
  ['a count of its own', { maxUnavailable: 1 }, { maxUnavailable: 2 }, 'with more "maxUnavailable"'],
  ['"whole"', { whole: true }, { maxUnavailable: 2 }, 'without "whole"'],
] as const;

test.each(MORE_ROOM)(
  'with %s nobody is taken while more flap than may be away, and the pause names the way out',
  async (_, own, wider, how) => {
    const world = zks(3, {
      images: { [OLD]: { checks: { flapEveryMs: 9_000 }, hits: { regions: ['ams', 'ord'] } }, [NEW]: {} },
    });
    await world.clock.sleep(10 * MINUTE);
    const says = new Set<string>();
    const said = [{ ...ABORT, atMs: 60 * MINUTE }];
    const watch: DriveOptions['watch'] = (loop) => void says.add(loop.state().pause?.says ?? '');
    expect(await forward(world, own, { said, watch })).toBe('aborted');
    expect(aways(world)).toEqual([]);
    expect([...says].at(-1)).toContain(`mend that, or start again ${how} and with "ifRunning": "replace"`);
    expect(await forward(world, wider)).toBe('completed');
    expect(on(world, NEW)).toBe(3);
  },
);
