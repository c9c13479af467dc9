import { describe, expect, test } from 'vitest';
import { updateMachine } from '../../activities/update-machine.js';
import type { UpdateOrder } from '../../src/domain/orders.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import type { World } from '../../src/proof/world.js';
import type { Transport } from '../../src/fly/transport.js';
import {
  attempt,
  callsOf,
  control,
  M1,
  oneMachine,
  orderOf,
  type Scene,
  truth,
  update,
  V1,
  V2,
  written,
} from './support.js';

const HOUR = 3_600_000;
const INPUT = { app: 'encoder', image: V2, forceAfter: '1h', deadline: '24h' };
const LONG_JOB = { lengthMs: 100 * HOUR };
const NEVER = new Promise<never>(() => undefined);

/** A machine that has worked for two hours, and its order. */
async function overdue(machine: object = {}, scene: Scene = {}): Promise<{ world: World; order: UpdateOrder }> {
  const world = oneMachine({ machine: { running: true, state: 'started', job: LONG_JOB, ...machine }, ...scene });
  await world.clock.sleep(2 * HOUR);
  return { world, order: await orderOf(world, {}, INPUT) };
}

const byHand = (world: World, verb: string): Promise<unknown> =>
  world.simulator.handle({
    method: 'POST',
    url: `/v1/apps/encoder/machines/${M1}/${verb}`,
    headers: { authorization: 'Bearer x' },
    body: '{}',
  });

const changes = (world: World): string[] =>
  callsOf(world)
    .map(({ op }) => op)
    .filter((op) => !['get', 'wait', 'lease', 'release', 'look', 'versions', 'refresh', 'find-lease'].includes(op));

/** As it was, but for the change: nothing of ours is left on it. */
function expectRight(world: World, image: string): void {
  expect(truth(world)).toMatchObject({ state: 'started', cordoned: false });
  expect(truth(world).image).toContain(image);
  expect(truth(world).metadata).not.toHaveProperty('layover_hold');
  expect(truth(world).lease).toBeUndefined();
}

/** Whether a job was cut by a stop or an update that came before its time. */
const cutEarly = (world: World): boolean =>
  world.simulator.journal
    .entries()
    .some((entry) => 'kind' in entry && entry.kind === 'job-cut' && entry.t < world.clock.now() - 100 * HOUR);

describe('a machine that has worked past its time', () => {
  test('is held, cordoned, stopped by its own stop_config, updated, started and uncordoned, in this order', async () => {
    const { world, order } = await overdue({ config: { stop_config: { signal: 'SIGTERM', timeout: '30s' } } });
    expect(order.machine.working).toBe('up');
    const outcome = await update(world, order);
    expect(outcome).toMatchObject({ kind: 'updated', wrote: true, interrupted: false, started: true, stopped: true });
    expect(outcome).not.toHaveProperty('held');
    expect(changes(world)).toEqual(['metadata', 'cordon', 'stop', 'update', 'start', 'uncordon', 'metadata']);
    expect(callsOf(world, 'stop')).toMatchObject([{ signal: 'SIGTERM', timeoutMs: 30_000 }]);
    expect(written(world)[0]?.marks?.['layover_from']).toMatch(/ started$/);
    expectRight(world, V2);
  });

  test('is given the whole time of its stop_config to put its work away', async () => {
    const { world, order } = await overdue({
      job: { ...LONG_JOB, onStop: { afterMs: 250_000, exitCode: 0 } },
      config: { stop_config: { timeout: '5m' } },
    });
    await update(world, order);
    const ends = world.simulator.journal.entries().filter((entry) => 'kind' in entry && entry.kind === 'job-cut');
    expect(ends).toEqual([]);
    expectRight(world, V2);
  });

  test('that was cordoned before stays so', async () => {
    const { world, order } = await overdue();
    await byHand(world, 'cordon');
    await update(world, order);
    expect(truth(world)).toMatchObject({ state: 'started', cordoned: true });
    expect(changes(world)).toEqual(['cordon', 'metadata', 'stop', 'update', 'start', 'metadata']);
  });

  test('and was started again meanwhile is left: the new job has its own time', async () => {
    const { world, order } = await overdue();
    for (const verb of ['stop', 'start']) {
      await byHand(world, verb);
      await world.clock.sleep(60_000);
    }
    expect(await update(world, order)).toMatchObject({ kind: 'left', standing: 'straggler' });
    expect(changes(world)).toEqual(['stop', 'start']);
  });

  test('and has stopped by itself is updated as an idle one, and stays stopped', async () => {
    const { world, order } = await overdue();
    await control(world, `machines/${M1}/exit`);
    await world.clock.sleep(60_000);
    expect(await update(world, order)).toMatchObject({ kind: 'updated', wrote: true });
    expect(changes(world)).toEqual(['update']);
    expect(truth(world).state).toBe('stopped');
  });

  test('that ends itself cleanly between the hold and the stop is not started again', async () => {
    const { world, order } = await overdue();
    const early: Transport = async (request) => {
      if (request.url.endsWith('/stop')) {
        await control(world, `machines/${M1}/exit`);
        await world.clock.sleep(3_000);
      }
      return world.transport(request);
    };
    await updateMachine(order, world.depsOver(early), attempt());
    expect(callsOf(world, 'stop')).toHaveLength(1);
    expect(truth(world)).toMatchObject({ state: 'stopped', cordoned: false });
    expect(truth(world).image).toContain(V2);
    expect(truth(world).metadata).not.toHaveProperty('layover_hold');
  });

  test('called back before the stop it is as it was; after the stop it is started again on its old version', async () => {
    for (const at of ['/metadata', '/cordon', '/stop']) {
      const { world, order } = await overdue();
      const cancel = new AbortController();
      const watching: Transport = async (request) => {
        const answer = await world.transport(request);
        if (request.url.endsWith(at)) cancel.abort();
        return answer;
      };
      const outcome = await updateMachine(order, world.depsOver(watching), attempt(1, cancel.signal));
      expect(outcome).toEqual(at === '/stop' ? { kind: 'calledBack', stopped: true } : { kind: 'calledBack' });
      expect(written(world)).toEqual([]);
      expectRight(world, V1);
    }
  });

  test('whose new version cannot come up is started on the version that Fly went back to', async () => {
    const { world, order } = await overdue({}, { images: { [V1]: {}, [V2]: { reverts: 1 } } });
    expect(await update(world, order)).toMatchObject({ kind: 'failed', code: 'reverted', stopped: true });
    expectRight(world, V1);
  });

  test('that Fly refuses to update is put right, and says why it failed', async () => {
    const refuse = { on: 'update', effect: { answer: { status: 422, error: 'invalid config' } } };
    const { world, order } = await overdue({}, { faults: [refuse] });
    expect(await update(world, order)).toMatchObject({ kind: 'failed', code: 'rejected', stopped: true });
    expectRight(world, V1);
  });

  test('that there is no room to start stays held and says so, until there is', async () => {
    const full = {
      on: 'start',
      times: 5,
      effect: { answer: { status: 412, error: 'insufficient_capacity: no room' } },
    };
    const { world, order } = await overdue({}, { faults: [full] });
    const outcome = await update(world, order);
    expect(outcome).toMatchObject({ kind: 'error', code: 'capacity', held: true, inDoubt: true });
    expect(truth(world)).toMatchObject({ state: 'stopped', cordoned: true });
    const again = { ...order, machine: { ...order.machine, tries: 1 }, inDoubtSince: order.machine.bornAt ?? 0 };
    let last: UpdateOutcome = outcome;
    for (let tries = 0; tries < 6 && last.kind === 'error'; tries += 1) last = await update(world, again);
    expect(last).toMatchObject({ kind: 'updated', started: true });
    expect(written(world)).toHaveLength(1);
    expectRight(world, V2);
  });
});

describe('whatever call its worker dies at', () => {
  const CALLS = Array.from({ length: 18 }, (_, n) => n + 1);

  /** Lets an attempt die at its n-th call, before it is sent or after it took effect; false when it ended before. */
  async function dieAt(world: World, order: UpdateOrder, call: number, after: boolean): Promise<boolean> {
    let calls = 0;
    let tell: () => void = () => undefined;
    const dead = new Promise<'dead'>((resolve) => (tell = () => resolve('dead')));
    const dying: Transport = async (request) => {
      calls += 1;
      if (calls > call) return NEVER;
      if (calls < call) return world.transport(request);
      if (after) await world.transport(request);
      tell();
      return NEVER;
    };
    return (await Promise.race([updateMachine(order, world.depsOver(dying), attempt()), dead])) === 'dead';
  }

  test.each(CALLS.flatMap((call) => [false, true].map((after) => [call, after] as const)))(
    'call %i (after it took effect: %s), the next attempt ends it: one write, nothing held, cordoned or stopped',
    async (call, after) => {
      const { world, order } = await overdue();
      const died = await dieAt(world, order, call, after);
      expect(died || call > 10).toBe(true);
      await world.clock.sleep(15_000);
      const outcome = died ? await update(world, order, attempt(2)) : { kind: 'updated' };
      expect(outcome).toMatchObject({ kind: 'updated' });
      expect(written(world)).toHaveLength(1);
      expect(cutEarly(world)).toBe(false);
      expectRight(world, V2);
    },
  );

  test.each(CALLS.flatMap((call) => [false, true].map((after) => [call, after] as const)))(
    'call %i (after it took effect: %s), an order to put right leaves it started, on whichever version it got to',
    async (call, after) => {
      const { world, order } = await overdue();
      await dieAt(world, order, call, after);
      await world.clock.sleep(61_000);
      const restore = { ...order, machine: { ...order.machine, restore: true as const } };
      let outcome: UpdateOutcome = { kind: 'calledBack' };
      for (let tries = 0; tries < 5 && outcome.kind !== 'left'; tries += 1) {
        outcome = await update(world, restore, attempt(1));
        await world.clock.sleep(15_000);
      }
      expect(outcome).toMatchObject({ kind: 'left' });
      expect(outcome).not.toHaveProperty('held');
      expect(written(world).length).toBeLessThanOrEqual(1);
      expectRight(world, written(world).length === 1 ? V2 : V1);
    },
  );

  test('another start finds the hold in the list and puts it right: the new job has its own time', async () => {
    const { world, order } = await overdue();
    await dieAt(world, order, 8, true);
    await world.clock.sleep(61_000);
    expect(truth(world)).toMatchObject({ cordoned: true });
    const later = await orderOf(world, {}, { ...INPUT, forceAfter: '20h' });
    expect(later.machine.restore).toBe(true);
    expect(await update(world, later)).toMatchObject({ kind: 'left', standing: 'held' });
    expectRight(world, V1);
    expect(callsOf(world, 'stop')).toHaveLength(1);
  });
});

describe('an order to boot', () => {
  const order = (world: World) => orderOf(world, { boot: true });

  test('starts the idle machine after its update, once', async () => {
    const world = oneMachine();
    expect(await update(world, await order(world))).toMatchObject({ kind: 'updated', started: true });
    expect(changes(world)).toEqual(['update', 'start']);
    await world.clock.sleep(5_000);
    expect(truth(world).state).toBe('started');
  });

  test('an attempt that comes after one that died starts it no second time', async () => {
    const world = oneMachine();
    const boot = await order(world);
    await update(world, boot);
    expect(await update(world, boot, attempt(2))).toMatchObject({ kind: 'updated', started: true });
    expect(changes(world)).toEqual(['update', 'start']);
  });

  test('that there is no room for leaves it updated and idle', async () => {
    const full = { on: 'start', effect: { answer: { status: 412, error: 'insufficient_capacity: no room' } } };
    const world = oneMachine({ faults: [full] });
    const outcome = await update(world, await order(world));
    expect(outcome).toMatchObject({ kind: 'updated', wrote: true });
    expect(outcome).not.toHaveProperty('started');
    expect(truth(world).state).toBe('stopped');
  });
});
