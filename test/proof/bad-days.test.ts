import { describe, expect, test } from 'vitest';
import { drive, type DriveOptions, type Driven } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Whole rollouts through bad days of Fly's and of other people, on virtual time. */

const APP = 'fleet';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const OTHER = `registry.fly.io/${APP}:hotfix`;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const worldOf = (more: object): World =>
  createWorld({
    seed: 7,
    images: { [OLD]: {}, [NEW]: {}, [OTHER]: {} },
    apps: [{ name: APP, machines: [{ count: 20, region: 'ord', image: OLD, state: 'stopped' }] }],
    ...more,
  });

/** What it paused for, in turn, and the rest of a whole rollout. */
async function sweep(world: World, options: Partial<DriveOptions> = {}): Promise<Driven & { pauses: string[] }> {
  const pauses: string[] = [];
  const watch: DriveOptions['watch'] = (loop) => {
    const code = loop.state().pause?.code ?? 'none';
    if (pauses.at(-1) !== code) pauses.push(code);
  };
  const input = { app: APP, image: NEW, deadline: '4h' };
  return { ...(await drive(world, { input, start: 'first', watch, ...options })), pauses };
}

const callsIn = (world: World, fromMs: number, toMs: number, ...ops: string[]): number => {
  const begun = world.simulator.journal.entries()[0]?.t ?? 0;
  return world.simulator.journal
    .entries()
    .filter(({ t, kind }) => kind === 'call' && t - begun >= fromMs && t - begun < toMs)
    .filter((entry) => 'op' in entry && (ops.length === 0 || ops.includes(entry.op))).length;
};

const answer = (status: number) => ({ answer: { status, error: 'fault injected' } });
const onV2 = (world: World): number =>
  world.simulator.machines(APP).filter(({ image }) => image.startsWith(NEW)).length;

describe('Fly answers 5xx', () => {
  test('for two minutes: nothing fails, and the sweep completes', async () => {
    const world = worldOf({ faults: [{ on: 'any', skip: 20, untilMs: 2 * MINUTE, effect: answer(503) }] });
    const { end, state } = await sweep(world);
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(state.failed).toEqual({});
  });

  test('for two hours: it pauses as fly_unavailable, asks for one list a minute, and goes on by itself', async () => {
    const world = worldOf({ faults: [{ on: 'any', skip: 20, untilMs: 2 * HOUR, effect: answer(503) }] });
    const { end, pauses, state } = await sweep(world);
    expect(pauses).toEqual(['none', 'fly_unavailable', 'none']);
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(state.pausedMs).toBeGreaterThan(HOUR);
    expect(callsIn(world, HOUR, HOUR + 10 * MINUTE)).toBeLessThanOrEqual(11);
    expect(callsIn(world, HOUR, HOUR + 10 * MINUTE, 'list')).toBeGreaterThanOrEqual(9);
  });

  test('to every update, and lists are fine: it tries five machines, rests, and tries again', async () => {
    const world = worldOf({ faults: [{ on: 'update', untilMs: HOUR, effect: answer(503) }] });
    const { end, pauses, state } = await sweep(world);
    expect(pauses).toContain('fly_unavailable');
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(state.failed).toEqual({});
    expect(onV2(world)).toBe(20);
  });
});

test('a token that is taken away pauses as fly_auth, nothing is asked of Fly, and a person’s resume goes on', async () => {
  const world = worldOf({ faults: [{ on: 'any', skip: 20, untilMs: 90 * MINUTE, effect: answer(401) }] });
  const { end, pauses } = await sweep(world, { said: [{ atMs: 2 * HOUR, verb: 'resume' }] });
  expect(pauses).toEqual(['none', 'fly_auth', 'none']);
  expect(callsIn(world, 10 * MINUTE, 110 * MINUTE)).toBe(0);
  expect(end).toMatchObject({ outcome: 'completed' });
});

test('a storm of 429 slows it down, and fails nothing', async () => {
  const limited = { answer: { status: 429, error: 'rate limit exceeded' } };
  const world = worldOf({ faults: [{ on: 'any', skip: 20, share: 0.5, untilMs: 10 * MINUTE, effect: limited }] });
  const { end, state } = await sweep(world);
  expect(end).toMatchObject({ outcome: 'completed' });
  expect(state.failed).toEqual({});
});

describe('somebody deploys another image in the middle of a sweep', () => {
  /** Half of the fleet gets the hotfix as soon as eight machines are on the new version. */
  async function superseded(said: DriveOptions['said'] = []) {
    const world = worldOf({});
    let deployed: string[] | undefined;
    const onLaunch = () => {
      if (deployed !== undefined || onV2(world) < 8) return;
      const others = world.simulator.machines(APP).filter(({ image }) => !image.startsWith(NEW));
      deployed = others.map(({ id }) => id);
      for (const id of deployed) {
        const url = `/_simulator/machines/${id}/deploy`;
        void world.simulator.handle({ method: 'POST', url, headers: {}, body: JSON.stringify({ image: OTHER }) });
      }
    };
    const driven = await sweep(world, { onLaunch, said });
    return { world, driven, deployed: deployed ?? [] };
  }

  test('it pauses as superseded, and abort gives way: no machine of theirs is written over', async () => {
    const { world, driven, deployed } = await superseded([{ atMs: HOUR, verb: 'abort' }]);
    expect(driven.pauses).toEqual(['none', 'superseded', 'none']);
    expect(driven.end).toMatchObject({ outcome: 'aborted' });
    const theirs = world.simulator.machines(APP).filter(({ id }) => deployed.includes(id));
    expect(theirs.length).toBeGreaterThanOrEqual(6);
    expect(theirs.filter(({ image }) => image.startsWith(NEW))).toEqual([]);
  });

  test('resume leaves them alone, and the end is Partial and counts them', async () => {
    const { driven, deployed } = await superseded([{ atMs: HOUR, verb: 'resume' }]);
    expect(driven.end).toMatchObject({ outcome: 'partial', says: `${deployed.length} foreign` });
  });
});

describe('the last machines of a sweep', () => {
  const resting = (count: number) =>
    worldOf({
      apps: [
        {
          name: APP,
          machines: [
            { count: 4, region: 'ord', image: OLD, state: 'stopped' },
            {
              count,
              region: 'ams',
              image: OLD,
              state: 'started',
              job: { lengthMs: [50 * MINUTE, 70 * MINUTE], idleMs: 2_000 },
            },
          ],
        },
      ],
    });

  test('that rest for two seconds between two jobs are all met at their first rest', async () => {
    const world = resting(10);
    const begun = world.clock.now();
    const { end, state } = await sweep(world);
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(state.interrupted).toEqual([]);
    expect(world.clock.now() - begun).toBeLessThan(75 * MINUTE);
    expect(world.simulator.journal.entries().filter(({ kind }) => kind === 'job-cut')).toEqual([]);
  });

  test('are waited for with one list a minute while all is calm', async () => {
    const machines = [{ count: 2, region: 'ams', image: OLD, state: 'started' }];
    const world = worldOf({ apps: [{ name: APP, machines }], at: [{ ms: 2 * HOUR, do: { exit: { region: 'ams' } } }] });
    expect((await sweep(world)).end).toMatchObject({ outcome: 'completed' });
    expect(callsIn(world, 10 * MINUTE, 70 * MINUTE, 'list')).toBeLessThanOrEqual(60);
    expect(callsIn(world, 10 * MINUTE, 70 * MINUTE)).toBeLessThanOrEqual(60 + 2 * 60);
  });

  test('when one of them stops, a list that lags shows nothing for a while, and is not asked for in a storm', async () => {
    const lag = { on: 'list', skip: 1, effect: { staleReadMs: 60_000 } };
    const machines = [{ count: 2, region: 'ams', image: OLD, state: 'started', job: { lengthMs: 30 * MINUTE } }];
    const world = worldOf({ apps: [{ name: APP, machines }], faults: [lag] });
    await world.clock.sleep(2 * MINUTE);
    expect((await sweep(world)).end).toMatchObject({ outcome: 'completed' });
    expect(callsIn(world, 0, 2 * HOUR, 'list')).toBeLessThan(400);
  });
});
