import { expect, test } from 'vitest';
import { byHand, control } from '../../src/proof/by-hand.js';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';
import {
  ABORT,
  APP,
  aways,
  back,
  block,
  crash,
  forward,
  lose,
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
} from './clusters.js';

/** Troubles in the middle of it: members that cannot be started, crash between list and write, or are lost meanwhile. */

const states = (world: World): string[] => machines(world).map(({ state }) => state);

const START_FAILS = [
  ['answers 500', { answer: { status: 500, error: 'internal' } }],
  ['has no room', { noCapacity: 'host' }],
] as const;

/** Three, one of them crashed; Fly does not start it for so long. */
async function withCrashed(effect: object, forMs: number): Promise<{ world: World; crashed: string }> {
  const faults = [{ on: 'start', afterMs: MINUTE, untilMs: MINUTE + forMs, effect }];
  const world = zks(3, { faults }, NO_RESTART);
  const crashed = machines(world)[1]?.id ?? '';
  await crash(world, crashed);
  await world.clock.sleep(MINUTE);
  return { world, crashed };
}

test.each(START_FAILS)(
  'a crashed member that Fly does not start yet (it %s) is missed until it is up',
  async (_, effect) => {
    const { world, crashed } = await withCrashed(effect, 20 * MINUTE);
    const said = [40, 80, 120].map((minutes) => ({ atMs: minutes * MINUTE, verb: 'resume' as const }));
    const outcome = await forward(world, { maxUnavailable: 1 }, { said: [...said, { ...ABORT, atMs: 200 * MINUTE }] });
    const [first, ...others] = aways(world);
    expect(outcome).toBe('completed');
    expect(first?.machine).toBe(crashed);
    expect(others.every(({ from }) => from >= (first?.to ?? Infinity))).toBe(true);
    expect(states(world)).toEqual(['started', 'started', 'started']);
  },
);

test.each(START_FAILS)(
  'nor does a way back take another before Fly (it %s) was tried for a while',
  async (_, effect) => {
    const world = zks(5, {}, NO_RESTART);
    await forward(world, { maxUnavailable: 1 });
    const crashed = machines(world)
      .slice(1, 3)
      .map(({ id }) => id);
    for (const id of crashed) await crash(world, id);
    await world.clock.sleep(MINUTE);
    const fault = { on: 'start', times: 2, effect };
    await control(world, 'faults', fault);
    const begun = world.clock.now();
    expect(await back(world)).toBe('completed');
    const backAt = Math.max(...aways(world, begun).flatMap((a) => (crashed.includes(a.machine) ? [a.to] : [])));
    const others = aways(world, begun).filter(({ machine }) => !crashed.includes(machine));
    expect(others.filter(({ from }) => from < backAt)).toEqual([]);
    expect(states(world)).toEqual(Array(5).fill('started'));
  },
);

test.each(OWN)(
  'with %s a member that crashes between its listing and its write is started all the same',
  async (_, own) => {
    const world = zks(3, {}, NO_RESTART);
    let hit = '';
    const outcome = await forward(world, own, {
      onLaunch: ({ machine }) => {
        if (hit !== '' || aways(world).length !== 1) return;
        hit = machine.id;
        void crash(world, machine.id);
      },
    });
    expect(hit).not.toBe('');
    expect({ outcome, states: states(world) }).toEqual({ outcome: 'completed', states: Array(3).fill('started') });
    expect(mostAway(world)).toBe(1);
  },
);

test('two crashed members of a whole group are brought back one after the other', async () => {
  const world = zks(5, {}, NO_RESTART);
  const crashed = machines(world)
    .slice(1, 3)
    .map(({ id }) => id);
  for (const id of crashed) await crash(world, id);
  await world.clock.sleep(MINUTE);
  expect(await forward(world, { whole: true })).toBe('completed');
  expect(
    new Set(
      aways(world)
        .slice(0, 2)
        .map(({ machine }) => machine),
    ),
  ).toEqual(new Set(crashed));
  expect({ states: states(world), most: mostAway(world) }).toEqual({ states: Array(5).fill('started'), most: 1 });
});

test('a restart starts a crashed member without a write, and takes its old crash for no failure', async () => {
  const world = zks(3, {}, NO_RESTART);
  const crashed = machines(world)[1]?.id ?? '';
  await crash(world, crashed);
  await world.clock.sleep(MINUTE);
  const outcome = await forward(world, { maxUnavailable: 1 }, {}, { image: undefined, restart: 'now' });
  expect({ outcome, states: states(world) }).toEqual({ outcome: 'completed', states: Array(3).fill('started') });
  expect(aways(world).map(({ machine }) => machine)).not.toContain(crashed);
  expect(aways(world)).toHaveLength(2);
});

test('a machine that crashed keeps its place when a person accepts that, and a pause says what it wants', async () => {
  const world = zks(3, {}, NO_RESTART);
  let isHit = false;
  const says = new Set<string>();
  await forward(
    world,
    { maxUnavailable: 1 },
    {
      said: [{ atMs: 10 * MINUTE, verb: 'resume' }, ABORT],
      watch: (loop) => {
        says.add(loop.state().pause?.says ?? '');
        const [first] = aways(world);
        if (isHit || first === undefined || first.to === Infinity) return;
        isHit = true;
        void crash(world, first.machine);
      },
    },
  );
  expect(aways(world)).toHaveLength(1);
  expect([...says].at(-1)).toMatch(
    /no more may be away while 1 machine is no capacity: machine \w+ \(\w+\), it has crashed \(start it, or destroy it\); mend that, or start again with more "maxUnavailable" and with "ifRunning": "replace"; resume tries on/,
  );
});

test.each(['terminate', 'abort'])('a start after a %s starts who was written and not started yet', async (how) => {
  const { world, crashed } = await withCrashed({ noCapacity: 'host' }, 6 * MINUTE);
  const ends =
    how === 'terminate' ? { terminateAtMs: 30 * SECOND } : { said: [{ atMs: 30 * SECOND, verb: 'abort' as const }] };
  await forward(world, { maxUnavailable: 1 }, ends);
  await world.clock.sleep(10 * MINUTE);
  const first = aways(world).map(({ machine }) => machine);
  expect(first).toEqual([crashed]);
  const input = { app: APP, image: NEW, bake: '1m', ramp: 'off', groups: [{ group: 'zk', maxUnavailable: 1 }] };
  const { end } = await drive(world, { type: 'processGroup', start: 'b', input, said: [ABORT] });
  expect('outcome' in end && end.outcome).toBe('completed');
  expect(states(world)).toEqual(['started', 'started', 'started']);
  expect(mostAway(world)).toBe(1);
});

test.each([3, 30, 200])('a rollback at second %i starts who was written and not started yet', async (second) => {
  const { world } = await withCrashed({ noCapacity: 'host' }, 6 * MINUTE);
  const outcome = await forward(
    world,
    { maxUnavailable: 1 },
    {
      said: [{ atMs: second * SECOND, verb: 'rollback' }, ABORT],
    },
  );
  expect({ outcome, states: states(world) }).toEqual({ outcome: 'rolledBack', states: Array(3).fill('started') });
});

test.each([{}, { maxUnavailable: 1 }, { maxUnavailable: 2 }])(
  'a member that somebody else is updating is written when that is over, and ends started: %j',
  async (own) => {
    for (let at = 2_000; at < 22_000; at += 500) {
      const world = zks(3);
      const begun = world.clock.now();
      let isDone = false;
      const outcome = await forward(world, own, {
        watch: () => {
          if (isDone || world.clock.now() - begun < at) return;
          isDone = true;
          const one = machines(world)[1];
          const config = { ...one?.machine.config, env: { BY: 'hand' } };
          void byHand(world, `${APP}/machines/${one?.id}`, { config });
        },
      });
      await world.clock.sleep(MINUTE);
      expect({ at, outcome, states: states(world) }).toEqual({ at, outcome, states: Array(3).fill('started') });
    }
  },
);

const LOST_MEANWHILE = [
  ['hosts are lost', (world: World, id: string) => lose(world, id)],
  ['checks fail', (world: World, id: string) => setChecks(world, id, 'critical')],
] as const;

test.each(LOST_MEANWHILE)('what is given up meanwhile counts before the next is taken: %s', async (_, hurt) => {
  const world = zks(5, { timing: { replaceMs: [30_000, 30_000] } });
  let hurtAt = Infinity;
  const gone: string[] = [];
  await forward(
    world,
    { maxUnavailable: 2 },
    {
      onLaunch: ({ machine }) => {
        if (hurtAt < Infinity) return;
        hurtAt = world.clock.now() + 6 * SECOND;
        const others = machines(world).filter(({ id }) => id !== machine.id);
        gone.push(...others.slice(0, 2).map(({ id }) => id));
        void world.clock.sleep(6 * SECOND).then(() => gone.map((id) => hurt(world, id)));
      },
      said: [{ ...ABORT, atMs: 5 * MINUTE }],
    },
  );
  expect(gone).toHaveLength(2);
  // They are two of five: no other is taken before both are back, and with a lost host none is.
  const backAt = Math.max(...gone.map((id) => aways(world).find(({ machine }) => machine === id)?.to ?? Infinity));
  const others = aways(world).filter(({ machine, from }) => from > hurtAt && from < backAt && !gone.includes(machine));
  expect(others).toEqual([]);
});

test('whose update is in doubt, and serves, takes its turn like any other', async () => {
  const world = zks(3);
  let hitAt = 0;
  const options = {
    onLaunch: ({ machine }: { machine: { id: string } }) => {
      if (hitAt > 0 || aways(world).length !== 1) return;
      hitAt = world.clock.now();
      const effect = { answer: { status: 500, error: 'internal' } };
      const fault = { on: 'update', machine: machine.id, times: 8, effect };
      void control(world, 'faults', fault);
      const [first] = aways(world);
      void world.clock.sleep(25 * SECOND).then(() => lose(world, first?.machine));
    },
    said: [{ ...ABORT, atMs: 20 * MINUTE }],
  };
  await forward(world, { maxUnavailable: 1 }, options);
  expect(hitAt).toBeGreaterThan(0);
  // One is lost, and the two others serve: no more may be away.
  expect(aways(world).filter(({ from }) => from > hitAt + 25 * SECOND)).toEqual([]);
});

test('a rollback after one that was terminated starts who was brought back and not started yet', async () => {
  const world = zks(5, {}, NO_RESTART);
  await forward(world, { maxUnavailable: 1 });
  const crashed = machines(world)[2]?.id ?? '';
  await crash(world, crashed);
  await world.clock.sleep(MINUTE);
  const fault = { on: 'start', times: 4, effect: { noCapacity: 'host' } };
  await control(world, 'faults', fault);
  const begun = world.clock.now();
  await back(world, { terminateAtMs: 10 * SECOND });
  expect(aways(world, begun)[0]).toMatchObject({ machine: crashed, to: Infinity });
  await world.clock.sleep(10 * MINUTE);
  expect(machines(world)[2]?.state).toBe('stopped');
  const input = { app: APP, rollout: 'latest' };
  const { end } = await drive(world, { type: 'rollback', start: 'c', input, said: [ABORT] });
  expect('outcome' in end && end.outcome).toBe('completed');
  expect(states(world)).toEqual(Array(5).fill('started'));
});

test.each([
  ['regionalCanary', undefined],
  ['processGroup', [{ group: 'zk', maxUnavailable: 1 }]],
  ['processGroup', [{ group: 'zk', whole: true }]],
])('a write that Fly never takes is tried ever more rarely, and pauses as stuck: %s %j', async (type, groups) => {
  const world = zks(5);
  const machine = machines(world)[2]?.id ?? '';
  const fault = { on: 'update', machine, effect: { answer: { status: 500, error: 'internal' } } };
  await control(world, 'faults', fault);
  const codes = new Set<string>();
  let orders = 0;
  await drive(world, {
    type,
    start: 'a',
    input: { app: APP, image: NEW, bake: '1m', ramp: 'off', ...(groups === undefined ? {} : { groups }) },
    said: [ABORT],
    onLaunch: (order) => void (orders += order.machine.id === machine ? 1 : 0),
    watch: (loop) => codes.add(loop.state().pause?.code ?? 'none'),
  });
  expect([...codes]).toContain('stuck');
  expect(orders).toBeLessThan(60);
});

test('a crashed member of a whole group that Fly does not start is tried again and again', async () => {
  const { world, crashed } = await withCrashed({ noCapacity: 'host' }, 40 * MINUTE);
  const said = [45, 80].map((minutes) => ({ atMs: minutes * MINUTE, verb: 'resume' as const }));
  expect(await forward(world, { whole: true }, { said: [...said, { ...ABORT, atMs: 200 * MINUTE }] })).toBe(
    'completed',
  );
  expect(aways(world)[0]?.machine).toBe(crashed);
  expect({ states: states(world), most: mostAway(world) }).toEqual({ states: Array(3).fill('started'), most: 1 });
});

test.each([
  ['processGroup', ['zk']],
  ['processGroup', [{ group: 'zk', maxUnavailable: 1 }]],
  ['processGroup', [{ group: 'zk', whole: true }]],
])(
  'a Fly that takes no write for half an hour is told as such, and it goes on by itself: %s %j',
  async (type, groups) => {
    const effect = { answer: { status: 500, error: 'internal' } };
    const world = zks(5, { faults: [{ on: 'update', untilMs: 30 * MINUTE, effect }] });
    const codes = new Set<string>();
    const { end } = await drive(world, {
      type,
      start: 'a',
      input: { app: APP, image: NEW, bake: '1m', ramp: 'off', ...(groups === undefined ? {} : { groups }) },
      said: [{ ...ABORT, atMs: 300 * MINUTE }],
      watch: (loop) => codes.add(loop.state().pause?.code ?? 'none'),
    });
    expect({ codes: [...codes], outcome: 'outcome' in end && end.outcome }).toEqual({
      codes: ['none', 'fly_unavailable'],
      outcome: 'completed',
    });
  },
);

test('a canary whose first machine is refused for a while goes on with it when that is over', async () => {
  const { config } = block('web', 1, 'ams');
  const web = (region: string) => ({ ...block('web', 6, region), config });
  const apps = [{ name: APP, machines: [web('ams'), web('dfw')] }];
  const world = createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps });
  const first = machines(world)
    .filter(({ region }) => region === 'ams')
    .map(({ id }) => id)
    .toSorted()[0];
  const fault = { on: 'update', machine: first, times: 4, effect: { answer: { status: 500 } } };
  await control(world, 'faults', fault);
  const input = { app: APP, image: NEW, bake: '1m', regions: ['ams', 'dfw'], batches: [1] };
  const { end } = await drive(world, { type: 'regionalCanary', start: 'a', input, said: [ABORT] });
  expect('outcome' in end && end.outcome).toBe('completed');
});

test.each([
  ['a lease that another holds', { on: 'lease', effect: { answer: { status: 409, error: 'held' } } }],
  ['no room', { on: 'update', effect: { noCapacity: 'machine' } }],
])('one that is missed as it is, and whose order meets %s, stays missed: no other is taken', async (_, trouble) => {
  for (const own of [{ maxUnavailable: 1 }, { whole: true }]) {
    const world = zks(3);
    const [one] = machines(world);
    const fault = { ...trouble, machine: one?.id };
    await control(world, 'faults', fault);
    await world.clock.sleep(10 * MINUTE);
    await setChecks(world, one?.id ?? '', 'critical');
    await forward(world, own, { said: [{ ...ABORT, atMs: 20 * MINUTE }] });
    expect(aways(world)).toEqual([]);
  }
});

test.each(OWN)('with %s a member in doubt is looked into within two minutes, and the others go on', async (_, own) => {
  const world = zks(3);
  const fault = { on: 'update', times: 4, effect: { answer: { status: 500, error: 'internal' } } };
  await control(world, 'faults', fault);
  const begun = world.clock.now();
  expect(await forward(world, own)).toBe('completed');
  expect(aways(world)[0]?.from).toBeLessThan(begun + 3 * MINUTE);
  expect(world.clock.now() - begun).toBeLessThan(6 * MINUTE);
});

test.each([{}, { maxUnavailable: 1 }, { maxUnavailable: 2 }, { whole: true }])(
  'a rollback after a write in doubt looks into it and ends, though nobody else of its place goes back: %j',
  async (own) => {
    for (const index of [0, 1, 2]) {
      const world = zks(3);
      const machine = machines(world)[index]?.id;
      const fault = { on: 'update', machine, times: 4, effect: { answer: { status: 500, error: 'internal' } } };
      await control(world, 'faults', fault);
      const said = [{ atMs: 45 * SECOND, verb: 'rollback' as const }, ABORT];
      expect({ index, outcome: await forward(world, own, { said }) }).toEqual({ index, outcome: 'rolledBack' });
      expect(on(world, NEW)).toBe(0);
    }
  },
);
