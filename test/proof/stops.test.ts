import { describe, expect, test } from 'vitest';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Whole rollouts that stop machines, where something comes between. On virtual time. */

const APP = 'fleet';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const BAD = `registry.fly.io/${APP}:v3`;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const input = { app: APP, image: NEW, forceAfter: '1h', deadline: '24h' };

const working = (more: object = {}) => ({
  count: 1,
  region: 'ord',
  image: OLD,
  state: 'started',
  job: { lengthMs: 1_000 * HOUR },
  ...more,
});
const worldOf = (machines: readonly object[], more: object = {}): World =>
  createWorld({
    timing: { replaceMs: 1_000, pullMs: 500, bootMs: 1_000, stopMs: 300 },
    images: { [OLD]: {}, [NEW]: {}, [BAD]: { exits: { afterMs: 5_000, code: 1 } } },
    apps: [{ name: APP, machines }],
    ...more,
  });

const refused = { answer: { status: 409, error: 'aborted: machine is replacing: concurrent update in progress' } };
const away503 = { answer: { status: 503, error: 'unavailable' } };

/** The most machines that were not up at once, of those that began so, looked at every second. */
function watchAway(world: World, forMs: number): () => number {
  let most = 0;
  void (async () => {
    for (let at = 0; at < forMs; at += 1_000) {
      const machines = world.simulator.machines(APP);
      most = Math.max(most, machines.filter(({ state, cordoned }) => state !== 'started' || cordoned).length);
      await world.clock.sleep(1_000);
    }
  })();
  return () => most;
}

const cutsAt = (world: World): number[] => {
  const begun = world.simulator.journal.entries()[0]?.t ?? 0;
  return world.simulator.journal
    .entries()
    .filter(({ kind }) => kind === 'job-cut')
    .map(({ t }) => t - begun);
};

const expectRight = (world: World): void => {
  for (const { state, cordoned, metadata } of world.simulator.machines(APP)) {
    expect({ state, cordoned }).toEqual({ state: 'started', cordoned: false });
    expect(metadata).not.toHaveProperty('layover_hold');
  }
};

test('an abort while a stopped machine waits for Fly, and its next order is refused a lease, leaves it as it was', async () => {
  const world = worldOf([working()], {
    faults: [
      { on: 'update', times: 1, effect: refused },
      { on: 'lease', afterMs: HOUR + 1_000, untilMs: HOUR + 30_000, effect: refused },
    ],
  });
  const { end } = await drive(world, { input, start: 'first', said: [{ atMs: HOUR + 8_000, verb: 'abort' }] });
  expect(end).toMatchObject({ outcome: 'aborted', says: 'asked for' });
  expectRight(world);
});

test('a pause says pausing for as long as Fly does not let a machine be put right, and tries on', async () => {
  const world = worldOf([working()], {
    faults: [{ on: 'start', afterMs: HOUR, untilMs: HOUR + 40 * MINUTE, effect: refused }],
  });
  const phases: string[] = [];
  const { end } = await drive(world, {
    input,
    start: 'first',
    said: [
      { atMs: HOUR + 10_000, verb: 'pause' },
      { atMs: 6 * HOUR, verb: 'abort' },
    ],
    watch: (loop) => void phases.push(`${loop.state().pause?.code} ${Object.keys(loop.state().holds).length}`),
  });
  expect(end).toMatchObject({ outcome: 'aborted', says: 'asked for' });
  expect(phases).toContain('asked 0');
  expectRight(world);
});

test('a start that finds holds puts them right and gives each machine its own time: no job is cut at once', async () => {
  const world = worldOf([working({ count: 8 })]);
  const held = { rollout: 'ee13bf20daff.other', started: true, cordoned: false };
  for (const { id } of world.simulator.machines(APP)) {
    const headers = { authorization: 'Bearer x' };
    const url = `/v1/apps/${APP}/machines/${id}`;
    const body = JSON.stringify({ value: JSON.stringify({ ...held, machine: id }) });
    await world.simulator.handle({ method: 'POST', url: `${url}/metadata/layover_hold`, headers, body });
    await world.simulator.handle({ method: 'POST', url: `${url}/cordon`, headers });
  }
  const { state } = await drive(world, {
    input: { ...input, image: BAD, forceAfter: '6h', bootFirst: 1, maxUnavailable: 1 },
    start: 'second',
    said: [{ atMs: 5 * HOUR, verb: 'abort' }],
  });
  expect(cutsAt(world)).toEqual([]);
  expect(state.written).toBe(0);
  expectRight(world);
});

test('the time of a pause for a Fly that was away is given to every machine', async () => {
  const world = worldOf([working({ count: 2 })], {
    faults: [{ on: 'list', afterMs: 2 * HOUR, untilMs: 6.5 * HOUR, effect: away503 }],
  });
  const { state } = await drive(world, { input: { ...input, forceAfter: '6h' }, start: 'first' });
  expect(state.pausedMs).toBeGreaterThan(4 * HOUR);
  expect(cutsAt(world)).toHaveLength(2);
  for (const at of cutsAt(world)) expect(at).toBeGreaterThanOrEqual(6 * HOUR + state.pausedMs);
});

describe('with "maxUnavailable": 1 never more than one is away', () => {
  const limited = { ...input, maxUnavailable: 1, ramp: 'off' };

  test.each<[string, object, object]>([
    [
      'while Fly has no room for updates',
      {},
      {
        faults: [
          {
            on: 'update',
            afterMs: HOUR,
            untilMs: HOUR + 10 * MINUTE,
            effect: { answer: { status: 409, error: 'insufficient_capacity: no room' } },
          },
        ],
      },
    ],
    [
      'while Fly serves neither updates nor starts',
      {},
      {
        faults: ['update', 'start'].map((on) => ({ on, afterMs: HOUR, untilMs: HOUR + 30 * MINUTE, effect: away503 })),
      },
    ],
    [
      'while machines take three minutes to start',
      {},
      { timing: { replaceMs: 1_000, pullMs: 500, bootMs: 3 * MINUTE, stopMs: 300 } },
    ],
    [
      'while checks take a minute to report',
      { config: { checks: { up: { type: 'tcp', port: 80 } } } },
      { timing: { replaceMs: 1_000, pullMs: 500, bootMs: 1_000, stopMs: 300, checksFirstMs: MINUTE } },
    ],
    [
      'when a check of all of them blips',
      { config: { checks: { up: { type: 'tcp', port: 80 } } } },
      {
        at: [
          { ms: HOUR + 5_000, do: { checks: { app: APP, status: 'critical' } } },
          { ms: HOUR + 9_000, do: { checks: { app: APP, status: 'passing' } } },
        ],
      },
    ],
  ])('%s', async (_what, machine, more) => {
    const world = worldOf([working({ count: 6, ...machine })], more);
    await world.clock.sleep(5 * MINUTE);
    const most = watchAway(world, 20 * HOUR);
    const { end } = await drive(world, { input: limited, start: 'first' });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(most()).toBe(1);
  });

  test('on an image that crashes: the first that does pauses, and its place is not given away', async () => {
    const world = worldOf([working({ count: 6 })]);
    const most = watchAway(world, 6 * HOUR);
    await drive(world, {
      input: { ...limited, ramp: 3, image: BAD, maxFailed: '100%' },
      start: 'first',
      said: [2, 3, 4].map((h) => ({ atMs: h * HOUR, verb: 'resume' as const })),
    });
    expect(most()).toBe(1);
  });
});

/** The most decisions in one virtual minute: a loop that turns fast shows. */
function countDecisions(world: World): { watch: () => void; most: () => number } {
  const perMinute = new Map<number, number>();
  const watch = () => {
    const minute = Math.floor(world.clock.now() / MINUTE);
    perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
  };
  return { watch, most: () => Math.max(...perMinute.values()) };
}

const full = { answer: { status: 412, error: 'insufficient resources available to fulfill request' } };
const ID = '00000000000001';

test('a machine whose update does not settle in time is put right before the rollout ends', async () => {
  const world = worldOf([working(), working({ count: 2, region: 'ams', image: NEW })], {
    timing: { replaceMs: 10 * MINUTE, pullMs: 500, bootMs: 1_000, stopMs: 300 },
  });
  const { end } = await drive(world, {
    input: { ...input, healthy: { within: '2m' } },
    start: 'first',
    said: [{ atMs: 3 * HOUR, verb: 'resume' }],
  });
  expect(end).toMatchObject({ outcome: 'partial' });
  await world.clock.sleep(HOUR);
  expectRight(world);
});

test('a machine that was stopped in vain is spared for twice the time, and no look turns in circles meanwhile', async () => {
  const world = worldOf([working()], {
    faults: [{ on: 'update', afterMs: HOUR, untilMs: 1.5 * HOUR, effect: refused }],
  });
  const { watch, most } = countDecisions(world);
  const { end } = await drive(world, { input, start: 'first', watch });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(most()).toBeLessThan(30);
  expect(cutsAt(world)).toHaveLength(2);
  expect((cutsAt(world)[1] ?? 0) - (cutsAt(world)[0] ?? 0)).toBeGreaterThan(2 * HOUR);
});

test('one whose start Fly refuses takes its place’s capacity, paused and resumed and continued as new or not', async () => {
  for (const continueEvery of [undefined, 3]) {
    const world = worldOf([working({ count: 5 }), { count: 2, region: 'ams', image: OLD, state: 'stopped' }], {
      faults: [{ on: 'start', afterMs: HOUR, untilMs: 8 * HOUR, effect: full }],
    });
    const most = watchAway(world, 20 * HOUR);
    await drive(world, {
      input: { ...input, maxUnavailable: 1, ramp: 'off' },
      start: 'first',
      said: [
        { atMs: HOUR + 5 * MINUTE, verb: 'pause' },
        { atMs: HOUR + 10 * MINUTE, verb: 'resume' },
      ],
      ...(continueEvery === undefined ? {} : { continueEvery }),
    });
    // The two idle ones of the other region are not up, and never were.
    expect(most()).toBeLessThanOrEqual(3);
  }
});

test('a hold that cannot be put right keeps no rollout paused after Fly is back', async () => {
  const world = worldOf([working({ ids: [ID] })], {
    faults: [
      { on: 'update', machine: ID, effect: refused },
      { on: 'start', machine: ID, afterMs: HOUR, effect: full },
      { on: 'list', afterMs: 1.5 * HOUR, untilMs: 1.75 * HOUR, effect: away503 },
    ],
  });
  const { end } = await drive(world, { input: { ...input, deadline: '6h' }, start: 'first', terminateAtMs: 48 * HOUR });
  expect(end).toMatchObject({ outcome: 'partial', says: expect.stringContaining('may still be cordoned') as string });
});

test('nobody waits for a stopped machine that Fly has no room for, also before any update has settled', async () => {
  const late = { createMachines: { app: APP, count: 4, region: 'ams', image: OLD, state: 'stopped' } };
  const world = worldOf([working({ ids: [ID] })], {
    faults: [{ on: 'start', machine: ID, afterMs: HOUR, effect: full }],
    at: [{ ms: 61 * MINUTE, do: late }],
  });
  await drive(world, { input: { ...input, deadline: '6h' }, start: 'first' });
  const updated = world.simulator.machines(APP).filter(({ image }) => image.startsWith(NEW));
  expect(updated).toHaveLength(5);
});

test('what a person accepted, and what somebody stops later, gives its capacity back', async () => {
  const reverted = worldOf([working({ count: 3 })], { faults: [{ on: 'update', times: 1, effect: { revert: true } }] });
  const { end } = await drive(reverted, { input, start: 'first', said: [{ atMs: 2 * HOUR, verb: 'resume' }] });
  expect(end).toMatchObject({ outcome: 'partial', says: '1 failed' });
  const stopped = worldOf([working({ count: 4 })]);
  let isDone = false;
  const watch = () => {
    const first = stopped.simulator.machines(APP).find(({ image }) => image.startsWith(NEW));
    if (first === undefined || first.state !== 'started' || isDone) return;
    isDone = true;
    const url = `/v1/apps/${APP}/machines/${first.id}/stop`;
    const headers = { authorization: 'Bearer x' };
    void stopped.clock.sleep(30_000).then(() => stopped.simulator.handle({ method: 'POST', url, headers, body: '{}' }));
  };
  const all = await drive(stopped, { input: { ...input, maxUnavailable: 1 }, start: 'first', watch });
  expect(isDone).toBe(true);
  expect(all.end).toMatchObject({ outcome: 'completed' });
});

test('one bad machine after a Fly that was away does not stretch the deadline', async () => {
  const world = worldOf([working({ ids: [ID] }), { count: 3, region: 'ams', image: OLD, state: 'stopped' }], {
    faults: [
      { on: 'list', afterMs: 1_000, untilMs: 10 * MINUTE, effect: away503 },
      { on: 'lease', machine: ID, effect: away503 },
    ],
  });
  const begun = world.clock.now();
  await drive(world, { input: { ...input, forceAfter: '30m', deadline: '2h' }, start: 'first' });
  expect(world.clock.now() - begun).toBeLessThan(3 * HOUR);
});

describe('with "bootFirst" the others wait', () => {
  const idle = (more: object = {}) => ({ count: 1, region: 'ord', image: OLD, state: 'stopped', ...more });
  const bootFirst = { app: APP, image: BAD, bootFirst: 1, deadline: '12h' };
  const writes = (world: World) =>
    world.simulator.journal.entries().filter((entry) => 'op' in entry && entry.op === 'update' && entry.status === 200);

  test('also while the machine to boot rests because Fly refused it', async () => {
    const world = worldOf([idle({ count: 5 })], { faults: [{ on: 'lease', times: 1, effect: refused }] });
    await drive(world, { input: bootFirst, start: 'first', said: [{ atMs: HOUR, verb: 'abort' }] });
    expect(writes(world)).toHaveLength(1);
  });

  test('but machines that nothing can boot do not wait for ever', async () => {
    const scheduled = idle({ count: 6, config: { schedule: 'daily' } });
    const world = worldOf([scheduled, working()]);
    await drive(world, { input: { ...bootFirst, image: NEW }, start: 'first', said: [{ atMs: HOUR, verb: 'abort' }] });
    expect(writes(world)).toHaveLength(6);
  });
});

test('a rollout is not Completed over a machine that it has just started and that crashes fifteen seconds later', async () => {
  const world = worldOf([working()], { images: { [OLD]: {}, [NEW]: { exits: { afterMs: 15_000, code: 1 } } } });
  const { end } = await drive(world, {
    input: { ...input, healthy: { for: '1m' } },
    start: 'first',
    said: [{ atMs: 3 * HOUR, verb: 'abort' }],
  });
  expect(end).toMatchObject({ outcome: 'aborted' });
});
