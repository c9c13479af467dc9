import { describe, expect, test } from 'vitest';
import { updateMachine } from '../../activities/update-machine.js';
import type { Transport } from '../../src/fly/transport.js';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { attempt, oneMachine, orderOf, truth, V2 } from '../activities/support.js';

/** Machines that were stopped or held, and answers that are seconds behind them: what a third review broke. */

const APP = 'fleet';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TIMING = { replaceMs: 1_000, pullMs: 500, bootMs: 1_000, stopMs: 300 };
const SLOW_BOOT = { ...TIMING, bootMs: 3 * MINUTE };

/** It works until somebody stops it. */
const working = (more: object = {}) => ({
  count: 1,
  region: 'ord',
  image: OLD,
  state: 'started',
  job: { lengthMs: 1_000 * HOUR },
  ...more,
});

const worldOf = (machines: readonly object[], more: object = {}): World =>
  createWorld({ timing: TIMING, images: { [OLD]: {}, [NEW]: {} }, apps: [{ name: APP, machines }], ...more });

const input = { app: APP, image: NEW, forceAfter: '1h', deadline: '24h' };

/** The most machines of a region that were no capacity at once, looked at every second. */
function watchAway(world: World, fromMs: number, toMs: number): () => number {
  let most = 0;
  const watch = async () => {
    await world.clock.sleep(fromMs);
    for (let at = fromMs; at < toMs; at += 1_000) {
      const here = world.simulator.machines(APP).filter(({ region }) => region === 'ord');
      most = Math.max(most, here.filter(({ state, cordoned }) => state !== 'started' || cordoned).length);
      await world.clock.sleep(1_000);
    }
  };
  void watch();
  return () => most;
}

const NO_ROOM = { answer: { status: 409, error: 'insufficient_capacity: no room' } };

describe('reads that lag three seconds', () => {
  test.each(['abort', 'pause'] as const)(
    'and a %s within seconds of a stop: it ends started, and not held',
    async (verb) => {
      const wrong: number[] = [];
      for (let atMs = HOUR; atMs <= HOUR + 8_000; atMs += 100) {
        const world = worldOf([working()], { faults: [{ on: 'get', share: 0.5, effect: { staleReadMs: 3_000 } }] });
        const resume = verb === 'pause' ? [{ atMs: 2 * HOUR, verb: 'resume' as const }] : [];
        await drive(world, { input, start: 'first', said: [{ atMs, verb }, ...resume] });
        const [machine] = world.simulator.machines(APP);
        const isHeld = machine?.metadata['layover_hold'] !== undefined || machine?.cordoned === true;
        if (machine?.state !== 'started' || isHeld) wrong.push(atMs - HOUR);
      }
      expect(wrong).toEqual([]);
    },
  );

  test('and a call back between cordon and stop: it is in the proxy’s routing again', async () => {
    const job = { lengthMs: 100 * HOUR };
    const machine = { running: true, state: 'started', job };
    const world = oneMachine({ machine, faults: [{ on: 'get', effect: { staleReadMs: 1_000 } }] });
    await world.clock.sleep(2 * HOUR);
    const order = await orderOf(world, {}, { app: 'encoder', image: V2, forceAfter: '1h', deadline: '24h' });
    const calling = new AbortController();
    const transport: Transport = async (request) => {
      const answer = await world.transport(request);
      if (request.url.endsWith('/cordon')) calling.abort();
      return answer;
    };
    const outcome = await updateMachine(order, world.depsOver(transport), attempt(1, calling.signal));
    expect([truth(world).cordoned, outcome.held]).not.toEqual([true, undefined]);
  });
});

test('a machine that somebody else stops before our hold stays stopped', async () => {
  const job = { lengthMs: 100 * HOUR };
  const machine = { running: true, state: 'started', job };
  const world = oneMachine({ switches: { leaseBlocksAutostop: false }, machine });
  await world.clock.sleep(2 * HOUR);
  const order = await orderOf(world, {}, { app: 'encoder', image: V2, forceAfter: '1h', deadline: '24h' });
  let isDone = false;
  const transport: Transport = async (request) => {
    if (request.url.includes('/metadata') && request.method !== 'GET' && !isDone) {
      isDone = true;
      const url = `/_simulator/machines/${order.machine.id}/autostop`;
      await world.simulator.handle({ method: 'POST', url, headers: {}, body: '{}' });
      await world.clock.sleep(3_000);
    }
    return world.transport(request);
  };
  await updateMachine(order, world.depsOver(transport), attempt());
  expect(truth(world).state).toBe('stopped');
});

describe('"maxUnavailable": 1', () => {
  const one = { ...input, maxUnavailable: 1 };

  test.each([40, 65, 80, 100, 130].flatMap((gap) => (['off', 3] as const).map((ramp) => [gap, ramp] as const)))(
    'holds where the second is due %i s after the first, boots take minutes, and ramp is %j',
    async (gap, ramp) => {
      const world = worldOf([working(), working({ region: 'ams', image: NEW })], {
        timing: SLOW_BOOT,
        at: [{ ms: gap * 1_000, do: { createMachines: { app: APP, ...working() } } }],
      });
      const away = watchAway(world, 10 * MINUTE, 3 * HOUR);
      await drive(world, { input: { ...one, ramp }, start: 'first' });
      expect(away()).toBe(1);
    },
  );

  test('holds after a stop in vain, while the machine boots again', async () => {
    const faults = [{ on: 'update', afterMs: HOUR, untilMs: 2 * HOUR, effect: NO_ROOM }];
    const world = worldOf([working({ count: 4 })], { timing: SLOW_BOOT, faults });
    await world.clock.sleep(5 * MINUTE);
    const away = watchAway(world, 0, 3 * HOUR);
    await drive(world, { input: one, start: 'first' });
    expect(away()).toBe(1);
  });

  test('holds after a silent revert, while the machine boots its old version', async () => {
    const faults = [{ on: 'update', times: 1, effect: { revert: true } }];
    const machines = [working({ count: 4 }), working({ count: 2, region: 'ams', image: NEW })];
    const world = worldOf(machines, { timing: SLOW_BOOT, faults });
    await world.clock.sleep(5 * MINUTE);
    const away = watchAway(world, 0, 3 * HOUR);
    await drive(world, { input: one, start: 'first', said: [{ atMs: 3 * HOUR, verb: 'abort' }] });
    expect(away()).toBe(1);
  });
});

test('a machine on trial is waited for while another is at work, and its crash is seen', async () => {
  const other = { app: APP, ...working({ ids: ['00000000000002'], region: 'ams' }) };
  const world = worldOf([working()], {
    images: { [OLD]: {}, [NEW]: { exits: { afterMs: 240_000, code: 1 } } },
    at: [
      { ms: 10 * MINUTE, do: { createMachines: other } },
      { ms: HOUR + 100_000, do: { exit: { app: APP, machine: '00000000000002', code: 0 } } },
    ],
  });
  const healthy = { for: '5m', within: '10m' };
  const said = [{ atMs: 5 * HOUR, verb: 'abort' as const }];
  const { end } = await drive(world, { input: { ...input, healthy }, start: 'first', said });
  expect(end).not.toMatchObject({ outcome: 'completed' });
});

test.each([undefined, 1, 2])(
  'a machine that waits, stopped, for room is cut once (continued as new after %j)',
  async (after) => {
    const world = worldOf([working()], { faults: [{ on: 'update', times: 1, effect: NO_ROOM }] });
    const continued = after === undefined ? {} : { continueEvery: after };
    await drive(world, { input, start: 'first', ...continued });
    const cuts = world.simulator.journal.entries().filter(({ kind }) => kind === 'job-cut');
    expect(cuts).toHaveLength(1);
  },
);

test('no room for twenty hours: it is stopped ever more rarely, also where runs continue as new', async () => {
  for (const continueEvery of [1, 2, 1_000]) {
    const world = worldOf([working()], { faults: [{ on: 'update', untilMs: 20 * HOUR, effect: NO_ROOM }] });
    await drive(world, { input: { ...input, forceAfter: '30m' }, start: 'first', continueEvery });
    const cuts = world.simulator.journal.entries().filter(({ kind }) => kind === 'job-cut');
    expect(cuts.length).toBeLessThanOrEqual(6);
  }
});
