import { expect, test } from 'vitest';
import { byHand } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { servingOf } from '../../src/proof/serving.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Whoever is missed counts as away, by whatever hand: a cluster never has more away at once than its numbers let. */

const APP = 'storm';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const REGIONS = ['ams', 'dfw', 'ord', 'sin', 'syd'];
const block = servingOf(OLD);

/** @param count a region each. @param more of the scenario. @param config of each machine, beside its checks. */
function zks(count: number, more: object = {}, config: object = {}): World {
  const { config: checked } = block('zk', 1, 'ams');
  const zk = (region: string) => block('zk', 1, region, { config: { ...checked, ...config } });
  const apps = [{ name: APP, machines: REGIONS.slice(0, count).map(zk) }];
  return createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps, ...more });
}

const machines = (world: World) => world.simulator.machines(APP);
const on = (world: World, image: string) => machines(world).filter((one) => one.image.startsWith(image)).length;

interface Away {
  readonly machine: string;
  readonly from: number;
  readonly to: number;
}

/** From each write to its machine's first passing check after it, whoever wrote. */
function aways(world: World, since = 0): Away[] {
  const entries = world.simulator.journal.entries();
  return entries.flatMap((entry) => {
    const isWrite = entry.kind === 'call' && entry.op === 'update' && entry.status === 200;
    if (!isWrite || entry.t < since) return [];
    const { machine = '', t } = entry;
    const passing = entries.find(
      (one) => one.kind === 'checks' && one.machine === machine && one.t > t && one.checks === 'passing',
    );
    return [{ machine, from: t, to: passing?.t ?? Infinity }];
  });
}

/** So many were away at one moment at the most. @param always away besides, all the time. */
function mostAway(world: World, always: readonly string[] = [], since = 0): number {
  const all = aways(world, since);
  const at = (t: number) => new Set([...always, ...all.flatMap((a) => (a.from <= t && t < a.to ? [a.machine] : []))]);
  return Math.max(0, ...all.map(({ from }) => at(from).size));
}

const ABORT = { atMs: 2 * 60 * MINUTE, verb: 'abort' as const };

async function forward(world: World, own: object, options: Partial<DriveOptions> = {}, more: object = {}) {
  const input = { app: APP, image: NEW, bake: '1m', ramp: 'off', groups: [{ group: 'zk', ...own }], ...more };
  const { end } = await drive(world, { type: 'processGroup', start: 'a', input, said: [ABORT], ...options });
  return 'outcome' in end ? end.outcome : end.kind;
}

async function back(world: World, options: Partial<DriveOptions> = {}) {
  const input = { app: APP, rollout: 'latest' };
  const { end } = await drive(world, { type: 'rollback', start: 'b', input, said: [ABORT], ...options });
  return 'outcome' in end ? end.outcome : end.kind;
}

const OWN = [
  ['a count of its own', { maxUnavailable: 1 }],
  ['"whole"', { whole: true }],
] as const;

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

const setChecks = (world: World, id: string, status: string) =>
  world.simulator.handle({
    method: 'POST',
    url: `/_simulator/machines/${id}/checks`,
    headers: {},
    body: JSON.stringify({ status }),
  });

const crash = (world: World, id: string) =>
  world.simulator.handle({
    method: 'POST',
    url: `/_simulator/machines/${id}/exit`,
    headers: {},
    body: JSON.stringify({ code: 1 }),
  });

const NO_RESTART = { restart: { policy: 'no' } };

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
