import { expect, test } from 'vitest';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { statusOf } from '../../src/domain/status.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { diesOnce } from './canaries.js';

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

test('slow updates with others behind them blind nobody: a machine that rests for two minutes elsewhere is caught', async () => {
  const MINUTE = 60_000;
  const machines = [
    { count: 10, region: 'ord', image: OLD, state: 'stopped' },
    { count: 1, region: 'ams', image: OLD, state: 'started' },
  ];
  const world = worldOf({ timing: { replaceMs: 20 * MINUTE }, apps: [{ name: APP, machines }] });
  const [there] = world.simulator.machines(APP).filter(({ region }) => region === 'ams');
  const begun = world.clock.now();
  const operate = async (atMinute: number, verb: string) => {
    await world.clock.sleep(begun + atMinute * MINUTE - world.clock.now());
    const url = `/v1/apps/${APP}/machines/${there?.id}/${verb}`;
    await world.simulator.handle({ method: 'POST', url, headers: { authorization: 'Bearer x' }, body: '{}' });
  };
  void operate(25, 'stop').then(() => operate(27, 'start'));
  const { end } = await drive(world, { input: { app: APP, image: NEW, healthy: { within: '30m' } }, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
  const writes = world.simulator.journal
    .entries()
    .filter((entry) => entry.kind === 'call' && 'op' in entry && entry.op === 'update' && entry.machine === there?.id);
  expect(writes.map(({ t }) => Math.floor((t - begun) / MINUTE))).toEqual([25]);
});

const oneMachine = { apps: [{ name: APP, machines: [{ count: 1, region: 'ord', image: OLD, state: 'stopped' }] }] };
const unavailable = { answer: { status: 503, error: 'unavailable' } };
const callsTo = (world: World, op: string): number =>
  world.simulator.journal.entries().filter((entry) => entry.kind === 'call' && 'op' in entry && entry.op === op).length;

test.each([true, false])(
  'an old revert is no trace of a new write: retried after it, a 503 without effect is no second failure (versions kept: %s)',
  async (versionsKeepReverted) => {
    const at = [{ ms: 600_000, do: { fault: { on: 'update', times: 1, effect: unavailable } } }];
    const world = worldOf({ ...oneMachine, switches: { versionsKeepReverted }, at }, { reverts: true });
    const said = [
      { atMs: 700_000, verb: 'retry' as const },
      { atMs: 700_001, verb: 'resume' as const },
      { atMs: 900_000, verb: 'abort' as const },
    ];
    await world.clock.sleep(60_000);
    await drive(world, { input: { app: APP, image: NEW, deadline: '1h' }, start: 'first', said });
    expect(marksWritten(world).map((mark) => mark.slice(-2))).toEqual(['#0', '#1']);
  },
);

test('a revert of a day ago is no trace either: a worker that dies before its write leaves no failure', async () => {
  const v3 = `registry.fly.io/${APP}:v3`;
  const images = { [OLD]: {}, [NEW]: { reverts: true }, [v3]: {} };
  const world = worldOf({ ...oneMachine, images, switches: { versionsKeepReverted: false } });
  const aborted = [{ atMs: 700_000, verb: 'abort' as const }];
  await world.clock.sleep(60_000);
  await drive(world, { input: { app: APP, image: NEW }, start: 'first', said: aborted });
  await world.clock.sleep(86_400_000);
  let attempts = 0;
  const mishap = () => {
    attempts += 1;
    return attempts === 1 ? { kind: 'dies' as const, call: 2, after: false } : { kind: 'none' as const };
  };
  const { end } = await drive(world, { input: { app: APP, image: v3 }, start: 'second', mishap });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(attempts).toBeGreaterThan(1);
});

test('checks that still fail after a retry fail again: forgiven is not passed', async () => {
  const checks = { up: { type: 'http', port: 80, interval: '15s' } };
  const machines = [
    { count: 2, region: 'ord', image: OLD, state: 'stopped', config: { checks } },
    { count: 1, region: 'ams', image: OLD, state: 'started', job: { lengthMs: 2_400_000 } },
  ];
  const world = worldOf(
    { apps: [{ name: APP, machines }], at: [{ ms: 60_000, do: { autostart: { index: 0 } } }] },
    { failsChecks: true },
  );
  const said = [
    { atMs: 1_800_000, verb: 'retry' as const },
    { atMs: 1_800_001, verb: 'resume' as const },
    { atMs: 6_000_000, verb: 'abort' as const },
  ];
  const { state } = await drive(world, { input: { app: APP, image: NEW, deadline: '3h' }, start: 'first', said });
  expect(Object.values(state.failed)).toMatchObject([{ code: 'checks' }]);
});

test('the last machine in doubt is looked after at a poll’s pace, not in a hot loop', async () => {
  const world = worldOf({ ...oneMachine, faults: [{ on: 'wait', untilMs: 1_200_000, effect: unavailable }] });
  let decisions = 0;
  const watch = () => (decisions += 1);
  const { end } = await drive(world, { input: { app: APP, image: NEW }, start: 'first', watch });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(decisions).toBeLessThan(60);
  expect(callsTo(world, 'list')).toBeLessThan(700);
});

test.each([6, 8, 10, 12, 16])(
  'a deadline %i s after the start that finds everything done does not make it Partial',
  async (seconds) => {
    const world = worldOf({});
    const { end } = await drive(world, { input: { app: APP, image: NEW, deadline: `${seconds}s` }, start: 'first' });
    const done = world.simulator.machines(APP).filter(({ image }) => image.startsWith(NEW)).length;
    expect(end).toMatchObject({ outcome: done === 10 ? 'completed' : 'partial' });
  },
);

test('machines that the app counts and no list shows do not keep a rollout from its end', async () => {
  const machines = [
    { count: 6, region: 'ord', image: OLD, state: 'stopped' },
    { count: 1, region: 'ams', image: OLD, state: 'stopped' },
  ];
  const plain = worldOf({ apps: [{ name: APP, machines }], at: [{ ms: 1_000, do: { destroy: { region: 'ams' } } }] });
  const counting: World['transport'] = async (request) => {
    const answer = await plain.transport(request);
    if (!request.url.endsWith(`/apps/${APP}`)) return answer;
    const app = JSON.parse(answer.body) as { machine_count: number };
    return { ...answer, body: JSON.stringify({ ...app, machine_count: app.machine_count + 2 }) };
  };
  const world = { ...plain, transport: counting, deps: plain.depsOver(counting) };
  const { end } = await drive(world, { input: { app: APP, image: NEW, deadline: '2h' }, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
});

/** A worker that dies after its write, which met the one machine at work. */
const cutAndDies = async (how: Partial<DriveOptions>) => {
  const world = worldOf({
    ...oneMachine,
    switches: { leaseBlocksAutostart: false },
    timing: { bootMs: 300, pullMs: 100 },
    faults: [{ on: 'update', times: 1, effect: { delayMs: 5_000 } }],
    at: [{ ms: 2_000, do: { autostart: { index: 0 } } }],
  });
  const mishap = diesOnce(3);
  const first = await drive(world, { input: { app: APP, image: NEW }, start: 'first', mishap, ...how });
  await world.clock.sleep(120_000);
  return { world, first };
};

test.each([
  ['terminated', { terminateAtMs: 8_000, said: [{ atMs: 9_000, verb: 'pause' as const }] }],
  ['aborted', { said: [{ atMs: 9_000, verb: 'abort' as const }] }],
])(
  'a machine that an update met at work is started again by the next start, though the first was %s',
  async (_, how) => {
    const { world } = await cutAndDies(how);
    const { end, state } = await drive(world, { input: { app: APP, image: NEW }, start: 'second' });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(state.interrupted).toHaveLength(1);
    expect(world.simulator.machines(APP)).toMatchObject([{ state: 'started' }]);
  },
);

test('a report names the machines of which nobody knows how their last update ended', async () => {
  const { world, first } = await cutAndDies({ said: [{ atMs: 9_000, verb: 'abort' }] });
  const ids = world.simulator.machines(APP).map(({ id }) => id);
  const report = statusOf(first.state, { now: world.clock.now() });
  expect(report.machines).toMatchObject(ids.map((id) => ({ id, state: 'unknown' })));
});

test('many working machines hide none that is not fine: those that cannot be reached are named first', async () => {
  const machines = [
    { count: 160, region: 'ord', image: OLD, state: 'started' },
    { count: 2, region: 'zrh', image: OLD, state: 'stopped', host: { lostAtMs: 0 } },
  ];
  const world = worldOf({ apps: [{ name: APP, machines }] });
  await world.clock.sleep(10);
  const { state } = await drive(world, { input: { app: APP, image: NEW, deadline: '5m' }, start: 'first' });
  const states = statusOf(state, { now: world.clock.now() }).machines.map((machine) => machine.state);
  expect(states.slice(0, 3)).toEqual(['unreachable', 'unreachable', 'working']);
  expect(states.length).toBeGreaterThanOrEqual(85);
});

const updatesOf = (world: World, ids?: readonly string[]) =>
  world.simulator.journal
    .entries()
    .filter((entry) => entry.kind === 'call' && 'op' in entry && entry.op === 'update')
    .filter(({ machine = '' }) => ids?.includes(machine) ?? true);

const ask = (world: World, path: string, body: object = {}) =>
  world.simulator.handle({
    method: 'POST',
    url: path,
    headers: { authorization: 'Bearer x' },
    body: JSON.stringify(body),
  });

test('a machine that an update met at work and whose new version cannot boot has failed, and is not started on and on', async () => {
  const world = worldOf(
    {
      apps: [{ name: APP, machines: [{ count: 6, region: 'ord', image: OLD, state: 'stopped' }] }],
      switches: { leaseBlocksAutostart: false },
      timing: { bootMs: 300, pullMs: 100 },
      faults: [{ on: 'update', times: 1, effect: { delayMs: 4_000 } }],
      at: [0, 1, 2, 3, 4, 5].map((index) => ({ ms: 2_000, do: { autostart: { index } } })),
    },
    { failsBoot: true },
  );
  const said = [{ atMs: 7_200_000, verb: 'abort' as const }];
  const { state } = await drive(world, { input: { app: APP, image: NEW, deadline: '6h' }, start: 'first', said });
  expect(callsTo(world, 'start')).toBe(1);
  expect(Object.keys(state.failed)).toHaveLength(1);
  expect(new Set(state.interrupted).size).toBe(state.interrupted.length);
});

test('a machine that somebody else’s update left stopped stays stopped, though it carries our mark', async () => {
  const world = worldOf(oneMachine);
  await drive(world, { input: { app: APP, image: NEW }, start: 'first' });
  const [{ id } = { id: '' }] = world.simulator.machines(APP);
  const machine = `/v1/apps/${APP}/machines/${id}`;
  await ask(world, `${machine}/start`);
  await world.clock.sleep(600_000);
  const { config } = await world.deps.fly.getMachine(APP, id);
  await ask(world, machine, { config: { ...config, guest: { memory_mb: 512 } }, skip_launch: true });
  await world.clock.sleep(600_000);
  const starts = callsTo(world, 'start');
  const { end } = await drive(world, { input: { app: APP, image: NEW }, start: 'second' });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(callsTo(world, 'start')).toBe(starts);
});

test('lists that hide machines from the plan on are said, and not believed for ten minutes', async () => {
  const world = worldOf({ faults: [{ on: 'list', untilMs: 300_000, effect: { halfList: true } }] });
  const input = { app: APP, image: NEW, deadline: '1h' };
  const { end, state } = await drive(world, { input, start: 'first' });
  expect(state.plan.notes.join()).toContain('the app counts 5 machines more than Fly lists');
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(world.simulator.machines(APP).filter(({ image }) => image.startsWith(NEW))).toHaveLength(10);
  const lasting = worldOf({ faults: [{ on: 'list', effect: { halfList: true } }] });
  const { end: other } = await drive(lasting, { input, start: 'first' });
  expect(other).toMatchObject({
    says: expect.stringContaining('the app counts 5 machines more than Fly lists') as string,
  });
});

test('the index of an image behind a silent registry is learnt once: a second start writes nothing', async () => {
  const plain = worldOf({
    apps: [{ name: APP, machines: [{ count: 3, region: 'ord', image: OLD, state: 'stopped' }] }],
  });
  const answer = await plain.simulator.handle({ method: 'GET', url: `/v2/${APP}/manifests/v2`, headers: {} });
  const index = answer === 'cut' ? '' : answer.headers['docker-content-digest'];
  const silent: World['transport'] = async (request) =>
    request.url.includes('/v2/') ? { status: 401, headers: {}, body: '' } : plain.transport(request);
  const world = { ...plain, transport: silent, deps: plain.depsOver(silent) };
  for (const start of ['first', 'second']) {
    const { end } = await drive(world, { input: { app: APP, image: `${NEW}@${index}`, deadline: '2h' }, start });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(updatesOf(world)).toHaveLength(3);
  }
});

test('machines that go idle where one waits for a slot make slots, and are updated', async () => {
  const MINUTE = 60_000;
  const machines = [
    { count: 2, region: 'ord', image: OLD, state: 'stopped' },
    { count: 8, region: 'ord', image: OLD, state: 'started' },
    { count: 1, region: 'ams', image: NEW, state: 'stopped' },
  ];
  const world = worldOf({ timing: { replaceMs: 20 * MINUTE }, apps: [{ name: APP, machines }] });
  const begun = world.clock.now();
  const working = world.simulator.machines(APP).filter(({ state }) => state === 'started');
  const all = async (atMinute: number, verb: string) => {
    await world.clock.sleep(begun + atMinute * MINUTE - world.clock.now());
    for (const { id } of working) await ask(world, `/v1/apps/${APP}/machines/${id}/${verb}`);
  };
  void all(6, 'stop').then(() => all(9, 'start'));
  const input = { app: APP, image: NEW, deadline: '1h', healthy: { within: '30m' } };
  await drive(world, { input, start: 'first' });
  const early = updatesOf(
    world,
    working.map(({ id }) => id),
  ).filter(({ t }) => t - begun < 10 * MINUTE);
  expect(early.length).toBeGreaterThanOrEqual(1);
});

test('a standby that waits for its machine hides nobody else in its place', async () => {
  const MINUTE = 60_000;
  const machines = [
    { ids: ['aaaaaaaaaaaaa1'], region: 'ord', image: OLD, state: 'stopped' },
    { ids: ['bbbbbbbbbbbbb1'], region: 'ams', image: OLD, state: 'stopped', config: { standbys: ['aaaaaaaaaaaaa1'] } },
    { ids: ['ccccccccccccc1'], region: 'ams', image: OLD, state: 'started' },
    { ids: ['ddddddddddddd1', 'ddddddddddddd2'], region: 'ams', image: NEW, state: 'stopped' },
  ];
  const world = worldOf({ timing: { replaceMs: 20 * MINUTE }, apps: [{ name: APP, machines }] });
  const begun = world.clock.now();
  const operate = async (atMinute: number, verb: string) => {
    await world.clock.sleep(begun + atMinute * MINUTE - world.clock.now());
    await ask(world, `/v1/apps/${APP}/machines/ccccccccccccc1/${verb}`);
  };
  void operate(6, 'stop').then(() => operate(9, 'start'));
  const input = { app: APP, image: NEW, deadline: '3h', healthy: { within: '30m' } };
  expect((await drive(world, { input, start: 'first' })).end).toMatchObject({ outcome: 'completed' });
  expect(updatesOf(world, ['ccccccccccccc1']).map(({ t }) => Math.floor((t - begun) / MINUTE))).toEqual([6]);
});

test('lists that lag by two minutes cost a slot now and then, no storm of leases', async () => {
  const world = worldOf({ faults: [{ on: 'list', skip: 1, effect: { staleReadMs: 120_000 } }] });
  await world.clock.sleep(200_000);
  const { end } = await drive(world, { input: { app: APP, image: NEW, deadline: '1h' }, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(callsTo(world, 'lease')).toBeLessThan(200);
});

test('a last update that lands well after the deadline, with everything done, does not make it Partial', async () => {
  const world = worldOf({ ...oneMachine, timing: { replaceMs: 180_000 } });
  const { end } = await drive(world, { input: { app: APP, image: NEW, deadline: '1m' }, start: 'first' });
  expect(end).toMatchObject({ outcome: 'completed' });
});
