import { describe, expect, test } from 'vitest';
import { updateMachine } from '../../activities/update-machine.js';
import type { Transport } from '../../src/fly/transport.js';
import {
  attempt,
  beforeWrite,
  callsOf,
  control,
  isWrite,
  M1,
  oneMachine,
  orderOf,
  truth,
  update,
  V1,
  V2,
  written,
} from './support.js';

const NEVER = new Promise<never>(() => undefined);

describe('one update', () => {
  test('an idle machine costs five calls, stays stopped, and gives its lease back', async () => {
    const world = oneMachine();
    const outcome = await update(world, await orderOf(world));
    expect(outcome).toMatchObject({ kind: 'updated', wrote: true, interrupted: false, version: truth(world).version });
    expect(callsOf(world).map((call) => call.op)).toEqual(['lease', 'get', 'update', 'wait', 'release']);
    expect(truth(world)).toMatchObject({ state: 'stopped' });
    expect(truth(world).lease).toBeUndefined();
    expect(callsOf(world, 'lease')[0]?.leaseDescription).toMatch(/^layover [0-9a-f]{12}\.aaaaaaaa$/);
  });

  test('the write carries the record, the digest and the version it was read at', async () => {
    const world = oneMachine();
    const before = truth(world);
    const order = await orderOf(world);
    await update(world, order);
    const [write] = written(world);
    const { hash, start } = order.context.rollout;
    expect(write?.marks).toEqual({
      layover_rollout: `${hash}.${start}#0`,
      layover_from: `${before.version} stopped`,
      layover_from_image: `${V1}@${before.digest}`,
    });
    expect(write).toMatchObject({ currentVersion: before.version, skipLaunch: true });
    expect(write?.image).toBe(`${V2}@${truth(world).digest}`);
  });

  test('another change writes a record of its own, from what it found', async () => {
    const world = oneMachine({ images: { 'registry.fly.io/encoder:v3': {} } });
    await update(world, await orderOf(world));
    const second = truth(world);
    await update(world, await orderOf(world, {}, { app: 'encoder', image: 'registry.fly.io/encoder:v3' }));
    expect(written(world)[1]?.marks).toMatchObject({
      layover_from: `${second.version} stopped`,
      layover_from_image: `${V2}@${second.digest}`,
    });
  });

  test('every config field that the change is not about is carried through as it was', async () => {
    const config = {
      guest: { cpu_kind: 'performance', cpus: 4, memory_mb: 8192, gpu_kind: 'a10' },
      mounts: [{ volume: 'vol_1', path: '/data', extend_threshold_percent: 80 }],
      services: [
        { protocol: 'tcp', internal_port: 80, ports: [{ port: 443, handlers: ['tls'] }], checks: [{ type: 'tcp' }] },
      ],
      stop_config: { signal: 'SIGINT', timeout: '10m' },
      restart: { policy: 'on-failure', max_retries: 3, gpu_bid_price: 0.5 },
      checks: { up: { type: 'http', port: 80, interval: '15s', headers: [{ name: 'a', values: ['b'] }] } },
      mystery: { nested: [1, null, { deep: '…' }], big: 9_007_199_254_740_991 },
      metadata: { tier: 'gold', layover_note: 'mine' },
    };
    const world = oneMachine({ machine: { config, env: { A: '1', SECRETISH: 'x y="z"' }, metadata: config.metadata } });
    const before = truth(world).machine.config ?? {};
    await update(world, await orderOf(world));
    const after = truth(world).machine.config ?? {};
    expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
    for (const key of Object.keys(before).filter((key) => key !== 'image' && key !== 'metadata')) {
      expect(after[key]).toStrictEqual(before[key]);
    }
    expect(after.metadata).toMatchObject(before.metadata ?? {});
  });

  test('an env change sets and removes what it names, and keeps the image by its own digest', async () => {
    const world = oneMachine({ machine: { env: { KEEP: '1', OLD: 'x', LOG: 'info' } } });
    const { digest } = truth(world);
    await update(world, await orderOf(world, {}, { app: 'encoder', env: { LOG: 'debug', OLD: null } }));
    expect(truth(world).machine.config?.env).toEqual({ KEEP: '1', LOG: 'debug' });
    expect(written(world)[0]?.image).toBe(`${V1}@${digest}`);
  });

  test.each(['created', 'failed', 'stopped'])('a %s machine is idle: it is written and not started', async (state) => {
    const world = oneMachine({ machine: { state } });
    await world.clock.sleep(61_000);
    expect(await update(world, await orderOf(world))).toMatchObject({ kind: 'updated', wrote: true });
    expect(truth(world).state).toBe('stopped');
  });

  test('a machine that was created a moment ago may be about to start: it is left for now', async () => {
    const world = oneMachine({ machine: { state: 'created' } });
    expect(await update(world, await orderOf(world))).toMatchObject({ kind: 'left', standing: 'busy' });
    expect(written(world)).toEqual([]);
  });

  test('a suspended machine is written only if told', async () => {
    const world = oneMachine({ machine: { state: 'suspended' } });
    const input = { app: 'encoder', image: V2, suspended: 'update' };
    const told = await orderOf(world, {}, input);
    const left = { ...told, context: { ...told.context, suspended: 'leave' as const } };
    expect(await update(world, left)).toEqual({ kind: 'left', standing: 'suspended', inDoubt: false });
    expect(written(world)).toEqual([]);
    expect(await update(world, told)).toMatchObject({ kind: 'updated', wrote: true });
  });

  test('a machine that started since the list was made is left to its work', async () => {
    const world = oneMachine({ machine: { job: { lengthMs: 600_000 } } });
    const order = await orderOf(world);
    await control(world, `machines/${M1}/autostart`);
    await world.clock.sleep(5_000);
    expect(await update(world, order)).toEqual({ kind: 'left', standing: 'straggler', inDoubt: false });
    expect(written(world)).toEqual([]);
    expect(truth(world).lease).toBeUndefined();
  });

  test('a machine at target is not written again, and a destroyed one is left', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    await update(world, order);
    expect(await update(world, { ...order, n: 1 })).toMatchObject({ kind: 'updated', wrote: false });
    await control(world, `machines/${M1}/destroy`);
    await world.clock.sleep(120_000);
    expect(await update(world, order)).toEqual({ kind: 'left', standing: 'gone', inDoubt: false });
    expect(written(world)).toHaveLength(1);
  });

  test('while nobody knows the digest, the updated machine tells it', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    const { pin, ...context } = order.context;
    expect(await update(world, { ...order, context })).toMatchObject({ kind: 'updated', digest: pin });
    expect(written(world)[0]?.image).toBe(V2);
  });
});

describe('started between our read and our write', () => {
  test.each([true, false])(
    'it is met at work, started again, and reported (the answer shows events: %s)',
    async (updateAnswersEvents) => {
      const world = oneMachine({
        machine: { job: { lengthMs: 600_000 } },
        switches: { leaseBlocksAutostart: false, updateAnswersEvents },
      });
      const order = await orderOf(world);
      const transport = beforeWrite(world, async () => {
        await control(world, `machines/${M1}/autostart`);
        await world.clock.sleep(3_000);
      });
      const outcome = await updateMachine(order, world.depsOver(transport), attempt());
      expect(outcome).toMatchObject({ kind: 'updated', wrote: true, interrupted: true });
      expect(written(world)[0]).toMatchObject({ stateBefore: 'started' });
      await world.clock.sleep(10_000);
      expect(truth(world)).toMatchObject({ state: 'started' });
      expect(truth(world).image).toContain(':v2@');
    },
  );

  test('where a lease blocks the proxy, nothing can start in between', async () => {
    const world = oneMachine({ machine: { job: { lengthMs: 600_000 } } });
    const order = await orderOf(world);
    const transport = beforeWrite(world, () => control(world, `machines/${M1}/autostart`));
    const outcome = await updateMachine(order, world.depsOver(transport), attempt());
    expect(outcome).toMatchObject({ kind: 'updated', interrupted: false });
    expect(written(world)[0]).toMatchObject({ stateBefore: 'stopped', working: false });
  });
});

describe('called back', () => {
  /** Aborts at a call, before it is sent. */
  async function abortAt(isIt: (request: { method: string; url: string }) => boolean) {
    const world = oneMachine();
    const order = await orderOf(world);
    const controller = new AbortController();
    const transport: Transport = (request) => {
      if (isIt(request)) controller.abort();
      return world.transport(request);
    };
    const outcome = await updateMachine(order, world.depsOver(transport), attempt(1, controller.signal));
    return { world, outcome };
  }

  test('before it begins: nothing is called', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    expect(await update(world, order, attempt(1, AbortSignal.abort()))).toEqual({ kind: 'calledBack' });
    expect(callsOf(world)).toEqual([]);
  });

  test('before its write: the machine is untouched and its lease released', async () => {
    const { world, outcome } = await abortAt(({ method, url }) => method === 'GET' && url.endsWith(M1));
    expect(outcome).toEqual({ kind: 'calledBack' });
    expect(callsOf(world).map((call) => call.op)).toEqual(['lease', 'get', 'release']);
    expect(truth(world)).toMatchObject({ state: 'stopped', image: V1 });
    expect(truth(world).lease).toBeUndefined();
  });

  test('at its write: it finishes', async () => {
    const { world, outcome } = await abortAt(isWrite);
    expect(outcome).toMatchObject({ kind: 'updated', wrote: true });
    expect(truth(world).lease).toBeUndefined();
  });
});

describe('an attempt after one that died', () => {
  const CALLS = ['lease', 'get', 'update', 'wait', 'release'];
  const deaths = CALLS.flatMap((at, index) => [
    { at, index, sent: false },
    { at, index, sent: true },
  ]);

  test.each(deaths)('at its $at (sent: $sent) writes nothing twice and ends at target', async ({ index, sent }) => {
    const world = oneMachine();
    const order = await orderOf(world);
    let calls = -1;
    const dying: Transport = async (request) => {
      calls += 1;
      if (calls === index && sent) await world.transport(request);
      return calls >= index ? NEVER : world.transport(request);
    };
    void updateMachine(order, world.depsOver(dying), attempt());
    await world.clock.sleep(20_000);
    expect(await update(world, order, attempt(2))).toMatchObject({ kind: 'updated', wrote: true });
    expect(written(world)).toHaveLength(1);
    expect(truth(world).image).toContain(':v2@');
    expect(truth(world).lease).toBeUndefined();
  });

  test.each([true, false])('finds a revert where Fly keeps the version: %s', async (versionsKeepReverted) => {
    const world = oneMachine({ images: { [V2]: { reverts: true } }, switches: { versionsKeepReverted } });
    const order = await orderOf(world);
    await world.clock.sleep(60_000);
    const dying: Transport = async (request) => {
      const answer = await world.transport(request);
      return isWrite(request) ? NEVER : answer;
    };
    void updateMachine(order, world.depsOver(dying), attempt());
    await world.clock.sleep(20_000);
    expect(await update(world, order, attempt(2))).toMatchObject({ kind: 'failed', code: 'reverted' });
    expect(written(world)).toHaveLength(1);
  });

  test('told by its order that the end before is unknown, looks for traces at attempt 1', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    await update(world, order);
    const outcome = await update(world, { ...order, inDoubtSince: order.machine.bornAt ?? 0 });
    expect(outcome).toMatchObject({ kind: 'updated', wrote: true });
    expect(written(world)).toHaveLength(1);
    expect(callsOf(world, 'versions')).toHaveLength(1);
  });

  test('fences the older one off: its late write is refused', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const late = beforeWrite(world, () => gate);
    const older = updateMachine(order, world.depsOver(late), attempt(1));
    await world.clock.sleep(15_000);
    expect(await update(world, order, attempt(2))).toMatchObject({ kind: 'updated', wrote: true });
    go();
    await older.catch(() => undefined);
    expect(callsOf(world, 'update').map((call) => call.status)).toEqual([200, 400]);
    expect(written(world)).toHaveLength(1);
  });

  test('and is refused while the newer one still holds its lease', async () => {
    const world = oneMachine({ timing: { replaceMs: 10_000 } });
    const order = await orderOf(world);
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (go = resolve));
    const older = updateMachine(order, world.depsOver(beforeWrite(world, () => gate)), attempt(1));
    await world.clock.sleep(15_000);
    const newer = update(world, order, attempt(2));
    await world.clock.sleep(3_000);
    go();
    await older.catch(() => undefined);
    expect(await newer).toMatchObject({ kind: 'updated', wrote: true });
    expect(callsOf(world, 'update').map((call) => call.status)).toEqual([200, 409]);
    expect(written(world)).toHaveLength(1);
  });

  test('a lease of another rollout of ours is not fenced off', async () => {
    const world = oneMachine();
    const first = await orderOf(world);
    const { context } = first;
    const other = { ...first, context: { ...context, rollout: { ...context.rollout, start: 'bbbbbbbb' } } };
    const stuck: Transport = (request) => (isWrite(request) ? NEVER : world.transport(request));
    void updateMachine(other, world.depsOver(stuck), attempt());
    await world.clock.sleep(1_000);
    expect(await update(world, first)).toMatchObject({ kind: 'error', code: 'lease_held', inDoubt: false });
    expect(written(world)).toEqual([]);
  });
});

describe('trouble at Fly', () => {
  test('a host lost after the write is Fly’s trouble, never evidence against the image', async () => {
    const world = oneMachine();
    const order = await orderOf(world, {}, { app: 'encoder', image: V2, healthy: { within: '30s' } });
    const transport: Transport = async (request) => {
      const answer = await world.transport(request);
      if (isWrite(request)) await control(world, `machines/${M1}/lose-host`);
      return answer;
    };
    const outcome = await updateMachine(order, world.depsOver(transport), attempt());
    expect(outcome).toMatchObject({ kind: 'error', code: 'unreachable', inDoubt: true });
    await control(world, `machines/${M1}/restore-host`);
    await world.clock.sleep(60_000);
    const again = await update(world, { ...order, inDoubtSince: order.machine.bornAt ?? 0 });
    expect(again).toMatchObject({ kind: 'updated', wrote: true });
    expect(written(world)).toHaveLength(1);
  });

  test('a version that settles never is a failure with its evidence', async () => {
    const world = oneMachine({ timing: { replaceMs: 600_000 } });
    const order = await orderOf(world, {}, { app: 'encoder', image: V2, healthy: { within: '1m' } });
    expect(await update(world, order)).toMatchObject({ kind: 'failed', code: 'not_settled' });
    expect(callsOf(world, 'refresh').length).toBeGreaterThan(0);
  });

  test('a write that Fly calls invalid has failed, and is not tried again', async () => {
    const answer = { status: 422, error: 'invalid config: secret-value' };
    const world = oneMachine({ faults: [{ on: 'update', effect: { answer } }] });
    const outcome = await update(world, await orderOf(world));
    expect(outcome).toMatchObject({ kind: 'failed', code: 'rejected' });
    expect(JSON.stringify(outcome)).not.toContain('secret-value');
    expect(truth(world).lease).toBeUndefined();
  });

  test('what can pass is thrown for Temporal at first, and rests the machine at the fourth attempt', async () => {
    const answer = { status: 503, error: 'unavailable' };
    const world = oneMachine({ faults: [{ on: 'get', effect: { answer } }] });
    const order = await orderOf(world);
    for (const number of [1, 2, 3]) {
      await expect(update(world, order, attempt(number))).rejects.toMatchObject({ code: 'unavailable' });
    }
    expect(await update(world, order, attempt(4))).toMatchObject({ kind: 'error', code: 'unavailable' });
    expect(written(world)).toEqual([]);
  });

  test('a lost answer is not repeated on what was read before: a machine that went to work meanwhile keeps its job', async () => {
    const world = oneMachine({
      machine: { job: { lengthMs: 600_000 } },
      switches: { leaseBlocksAutostart: false },
      faults: [{ on: 'update', times: 1, effect: { answer: { status: 503, error: 'unavailable' } } }],
    });
    const order = await orderOf(world);
    const transport: Transport = async (request) => {
      const answer = await world.transport(request);
      if (isWrite(request)) await control(world, `machines/${M1}/autostart`);
      return answer;
    };
    await expect(updateMachine(order, world.depsOver(transport), attempt())).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(await update(world, order, attempt(2))).toMatchObject({ kind: 'left', standing: 'straggler' });
    expect(world.simulator.journal.entries().filter(({ kind }) => kind === 'job-cut')).toEqual([]);
    expect(truth(world).lease).toBeUndefined();
  });

  test.each([true, false])(
    'a list that was older than the write before does not make it again where Fly went back (versions kept: %s)',
    async (versionsKeepReverted) => {
      const world = oneMachine({ images: { [V2]: { reverts: true } }, switches: { versionsKeepReverted } });
      const order = await orderOf(world);
      const stale = { ...order, machine: { ...order.machine, bornAt: (order.machine.bornAt ?? 0) - 86_400_000 } };
      expect(await update(world, stale, attempt(1))).toMatchObject({ kind: 'failed', code: 'reverted' });
      expect(await update(world, stale, attempt(2))).toMatchObject({ kind: 'failed', code: 'reverted' });
      expect(written(world)).toHaveLength(1);
    },
  );

  test('an attempt that the server has given up does nothing at all', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    const before = callsOf(world).length;
    const late = { ...attempt(), confirm: () => Promise.resolve(() => false) };
    expect(await update(world, order, late)).toMatchObject({ kind: 'error', code: 'not_for_sure', inDoubt: false });
    expect(callsOf(world)).toHaveLength(before);
  });

  test('an attempt that read the machine a while ago does not write: it may be at work by now', async () => {
    const world = oneMachine();
    const order = await orderOf(world);
    let asked = 0;
    const confirm = async () => {
      asked += 1;
      if (asked === 2) await world.clock.sleep(5_001);
      return () => true;
    };
    const outcome = await update(world, order, { ...attempt(), confirm });
    expect(outcome).toMatchObject({ kind: 'error', code: 'not_for_sure', inDoubt: false });
    expect(written(world)).toEqual([]);
  });

  test('an attempt that stood still after it was confirmed does not write, and gives the lease back', async () => {
    const world = oneMachine();
    let asked = 0;
    const confirm = () => {
      asked += 1;
      const isTheWrite = asked === 2;
      return Promise.resolve(() => !isTheWrite);
    };
    const outcome = await update(world, await orderOf(world), { ...attempt(), confirm });
    expect(outcome).toMatchObject({ kind: 'error', code: 'not_for_sure', inDoubt: false });
    expect(written(world)).toEqual([]);
    expect(truth(world).lease).toBeUndefined();
  });
});
