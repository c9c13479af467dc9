import { expect, test } from 'vitest';
import { byHand, control } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import type { World } from '../../src/proof/world.js';
import {
  ABORT,
  APP,
  aways,
  back,
  crash,
  forward,
  inTurn,
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
  zks,
} from './clusters.js';

/** Ways back that begin a moment after the last writes, while lists show the fleet as it was before them. */

const lists = (lagMs: number, more: object = {}) => ({
  faults: [{ on: 'list', effect: { staleReadMs: lagMs } }],
  ...more,
});

/** Two minutes old when it begins. */
async function lagging(count: number, lagMs: number, more: object = {}, config: object = {}): Promise<World> {
  const world = zks(count, lists(lagMs, more), config);
  await world.clock.sleep(2 * MINUTE);
  return world;
}

const turnAt = (atMs: number): Partial<DriveOptions> => ({ said: [{ atMs, verb: 'rollback' }, ABORT] });

const FORMS = [...OWN.map(([, own]) => own), { maxUnavailable: '40%' }, {}];

test.each([15, 40, 60])(
  'whom lists that are %i s old show as never written is taken back all the same',
  async (lag) => {
    for (const own of FORMS)
      for (const at of [4, 12, 20, 30, 60]) {
        const world = await lagging(5, lag * SECOND);
        const ended = { own, at, outcome: await forward(world, own, turnAt(at * SECOND)), left: on(world, NEW) };
        expect(ended).toEqual({ own, at, outcome: 'rolledBack', left: 0 });
      }
  },
);

test.each([15, 40, 60])('so is a canary under lists that are %i s old', async (lag) => {
  for (const at of [4, 12, 30, 60]) {
    const world = await lagging(5, lag * SECOND);
    const input = { app: APP, image: NEW, bake: '1m' };
    const { end } = await drive(world, { type: 'regionalCanary', start: 'a', input, ...turnAt(at * SECOND) });
    expect({ at, outcome: 'outcome' in end && end.outcome, left: on(world, NEW) }).toEqual({
      at,
      outcome: 'rolledBack',
      left: 0,
    });
  }
});

test.each([0, 20, 40])(
  'one that crashed a moment after its update goes back by itself, with lists %i s old',
  async (lag) => {
    const world = await lagging(3, lag * SECOND, {}, NO_RESTART);
    const crashLater = async (id: string) => {
      await world.clock.sleep(12 * SECOND);
      await crash(world, id);
    };
    let isHit = false;
    const { end } = await drive(world, {
      type: 'regionalCanary',
      start: 'a',
      input: { app: APP, image: NEW, bake: '1m', onFailure: 'rollback' },
      said: [ABORT],
      onLaunch: ({ machine }) => {
        if (!isHit) void crashLater(machine.id);
        isHit = true;
      },
    });
    expect('outcome' in end && end.outcome).toBe('rolledBack');
    expect(machines(world).map(({ state }) => state)).toEqual(['started', 'started', 'started']);
    expect(on(world, OLD)).toBe(3);
  },
);

test('a way back that was started a moment after the last writes takes back what lists show later', async () => {
  let began = 0;
  for (const at of [30, 45, 60, 75]) {
    const world = await lagging(5, 40 * SECOND);
    await forward(world, { maxUnavailable: 1 }, { said: [{ atMs: at * SECOND, verb: 'abort' }] });
    const input = { app: APP, rollout: 'latest' };
    const way = drive(world, { type: 'rollback', start: 'b', input, said: [ABORT] });
    // Refused where no list shows a mark yet: then it says so, and nobody takes it for done.
    const { end } = await way.catch(() => ({ end: undefined }));
    if (end === undefined) continue;
    began += 1;
    expect({ at, outcome: 'outcome' in end && end.outcome, left: on(world, NEW) }).toEqual({
      at,
      outcome: 'completed',
      left: 0,
    });
  }
  expect(began).toBeGreaterThan(1);
});

const CHECKS = [
  ['pass', {}],
  ['never pass', { failsChecks: true }],
] as const;

test.each(OWN.flatMap(([name, own]) => CHECKS.map(([checks, image]) => ({ name, own, checks, image }))))(
  'with $name nobody else goes back while the one that was just written is away, its new checks $checks',
  async ({ own, image }) => {
    const begin = async (lag: number) => {
      const second = inTurn(zks(3))[1];
      const images = { [OLD]: {}, [NEW]: { ...image, hits: { regions: [second?.region] } } };
      return lagging(3, lag * SECOND, { images });
    };
    for (const lag of [0, 5, 10, 20]) {
      const probe = await begin(lag);
      const begun = probe.clock.now();
      await forward(probe, own, { said: [{ ...ABORT, atMs: 2 * MINUTE }] });
      const writtenAt = (aways(probe)[1]?.from ?? 0) - begun;
      expect(writtenAt).toBeGreaterThan(0);
      for (const after of [0.5, 4.5, 8.5]) {
        const world = await begin(lag);
        const outcome = await forward(world, own, turnAt(writtenAt + after * SECOND));
        const ended = { lag, after, outcome, most: mostAway(world), left: on(world, NEW) };
        expect(ended).toEqual({ lag, after, outcome: 'rolledBack', most: 1, left: 0 });
      }
    }
  },
);

test.each(OWN)('with %s a member whose host comes back in the middle of its update ends started', async (_, own) => {
  for (let back = 201; back < 206; back += 0.25) {
    const world = await lagging(3, 0, { timing: { replaceMs: [30_000, 40_000] } });
    const loseFor = async (id: string) => {
      await world.clock.sleep(1.5 * SECOND);
      await lose(world, id);
      await world.clock.sleep(back * SECOND);
      await control(world, `machines/${id}/restore-host`);
    };
    let isHit = false;
    const outcome = await forward(world, own, {
      ...turnAt(MINUTE),
      onLaunch: ({ machine }) => {
        if (!isHit) void loseFor(machine.id);
        isHit = true;
      },
    });
    const states = machines(world).map(({ state }) => state);
    expect({ back, outcome, states }).toEqual({
      back,
      outcome: 'rolledBack',
      states: ['started', 'started', 'started'],
    });
  }
});

test.each(OWN)('with %s one goes back at a time, whoever is looked into and rests meanwhile', async (_, own) => {
  for (let at = 58; at <= 94; at += 4) {
    const world = await lagging(3, 0, { timing: { replaceMs: [10_000, 30_000] } });
    const outcome = await forward(world, own, turnAt(at * SECOND));
    expect({ at, outcome, most: mostAway(world), left: on(world, NEW) }).toEqual({
      at,
      outcome: 'rolledBack',
      most: 1,
      left: 0,
    });
  }
});

const LOST = [
  ['is lost with its host', (world: World, id: string) => lose(world, id)],
  ['is cordoned by somebody', (world: World, id: string) => byHand(world, `${APP}/machines/${id}/cordon`, {})],
] as const;

test.each(LOST)('nobody waits for time to bring back one that %s a moment after its update', async (_, hit) => {
  const world = await lagging(3, 0);
  const begun = world.clock.now();
  const hitLater = async (id: string) => {
    while (aways(world).every(({ machine, to }) => machine !== id || to === Infinity)) await world.clock.sleep(100);
    await hit(world, id);
  };
  const backs: number[] = [];
  const ids: string[] = [];
  await forward(
    world,
    { maxUnavailable: 1 },
    {
      ...turnAt(40 * SECOND),
      onLaunch: ({ machine, context }) => {
        if (context.back !== undefined) backs.push(world.clock.now() - begun);
        else if (ids.push(machine.id) === 2) void hitLater(machine.id);
      },
    },
  );
  expect(ids.length).toBeGreaterThan(1);
  expect(backs[0]).toBeLessThan(55 * SECOND);
  expect(backs.at(-1)).toBeLessThan(80 * SECOND);
});

test.each(['created', 'stopped'])(
  'an idle copy of a member that somebody made (%s) is started by nobody',
  async (made) => {
    const world = zks(3, { switches: { skipLaunchCreateState: made } });
    await forward(world, { maxUnavailable: 1 });
    const [member] = machines(world);
    const before = machines(world).map(({ id }) => id);
    await byHand(world, `${APP}/machines`, { config: member?.machine.config, region: 'ams', skip_launch: true });
    const copy = machines(world).find(({ id }) => !before.includes(id));
    expect(copy?.metadata['layover_from']).toContain('started');
    await world.clock.sleep(90 * SECOND);
    expect(await back(world)).toBe('completed');
    expect(on(world, OLD)).toBe(4);
    const starts = world.simulator.journal
      .entries()
      .filter((entry) => entry.kind === 'call' && entry.op === 'start' && entry.machine === copy?.id);
    expect(starts).toEqual([]);
  },
);
