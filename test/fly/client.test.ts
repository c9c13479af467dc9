import { describe, expect, test } from 'vitest';
import { virtualClock } from '../../src/clock.js';
import { authorization, createFlyClient } from '../../src/fly/client.js';
import { createLimiter } from '../../src/fly/limiter.js';
import type { HttpAnswer, HttpRequest } from '../../src/fly/transport.js';

const START = Date.UTC(2026, 0, 1);

type Answering = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;

const json = (value: unknown, headers: Record<string, string> = {}, status = 200): HttpAnswer => ({
  status,
  headers,
  body: JSON.stringify(value),
});

/** A client over a transport that is written down here. */
function clientOver(answering: Answering, token = 'tok') {
  const clock = virtualClock(START);
  const sent: HttpRequest[] = [];
  const fly = createFlyClient({
    baseUrl: 'http://fly.test',
    token,
    clock,
    limiter: createLimiter(clock),
    transport: async (request) => {
      sent.push(request);
      return answering(request);
    },
  });
  return { fly, sent, clock };
}

const machine = { id: 'm', state: 'stopped', region: 'ord', instance_id: 'v' };

describe('the header for a token', () => {
  test.each([
    ['abc', 'Bearer abc'],
    ['Bearer abc', 'Bearer abc'],
    ['  abc\n', 'Bearer abc'],
    ['fo1_abc', 'Bearer fo1_abc'],
    ['fm2_aaa', 'FlyV1 fm2_aaa'],
    ['FlyV1 fm2_aaa', 'FlyV1 fm2_aaa'],
    ['FlyV1 fm2_aaa,fm2_bbb', 'FlyV1 fm2_aaa,fm2_bbb'],
    ['flyv1 fm2_aaa, fm1a_bbb,fo1_old', 'FlyV1 fm2_aaa,fm1a_bbb'],
    ['fm1r_aaa', 'FlyV1 fm1r_aaa'],
  ])('%j becomes %j', (token, header) => {
    expect(authorization(token)).toBe(header);
  });
});

describe('a call', () => {
  test('goes to the base address with token, body and nonce, and names escaped', async () => {
    const { fly, sent } = clientOver(() => json(machine), 'fm2_x');
    await fly.updateMachine('odd app', 'm/1', { config: { image: 'a:b' } }, 'nonce-1');
    expect(sent[0]).toMatchObject({ method: 'POST', url: 'http://fly.test/v1/apps/odd%20app/machines/m%2F1' });
    expect(sent[0]?.headers).toMatchObject({ authorization: 'FlyV1 fm2_x', 'fly-machine-lease-nonce': 'nonce-1' });
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ config: { image: 'a:b' } });
  });

  test('keeps the affinity cookie of each app, and sends it back to that app only', async () => {
    const { fly, sent } = clientOver(({ url }) =>
      json([], {
        'set-cookie': `other=1; Path=/, fly_flaps_affinity=${url.includes('/a/') ? 'host-a' : 'host-b'}; Path=/`,
      }),
    );
    await fly.listMachines('a');
    await fly.listMachines('b');
    await fly.listMachines('a');
    await fly.getApp('c').catch(() => undefined);
    expect(sent.map(({ headers }) => headers['cookie'])).toEqual([
      undefined,
      undefined,
      'fly_flaps_affinity=host-a',
      undefined,
    ]);
  });

  test('carries fields it does not know through untouched', async () => {
    const config = { image: 'a:b', mystery: { deep: [1, null] }, services: [{ ports: [{ port: 1, odd: true }] }] };
    const { fly } = clientOver(() => json({ ...machine, config, newer: 'field' }));
    expect(await fly.getMachine('a', 'm')).toStrictEqual({ ...machine, config, newer: 'field' });
  });

  test('that is answered with broken or unexpected JSON is in doubt', async () => {
    for (const body of ['{"id":', '[]', 'null', '<html>']) {
      const { fly } = clientOver(() => ({ status: 200, headers: {}, body }));
      await expect(fly.getMachine('a', 'm')).rejects.toMatchObject({ failure: { code: 'malformed', inDoubt: true } });
    }
  });

  test('whose connection breaks is in doubt, and the error keeps its cause', async () => {
    const cause = new Error('ECONNRESET');
    const { fly } = clientOver(() => Promise.reject(cause));
    await expect(fly.getMachine('a', 'm')).rejects.toMatchObject({ failure: { code: 'connection' }, cause });
  });

  test('that its caller gives up rejects with the caller’s reason', async () => {
    const controller = new AbortController();
    const { fly } = clientOver(() => {
      controller.abort(new Error('given up'));
      return Promise.reject(new Error('aborted'));
    });
    await expect(fly.getMachine('a', 'm', controller.signal)).rejects.toThrow('aborted');
  });

  test('is never tried again here', async () => {
    const { fly, sent } = clientOver(() => json({ error: 'unavailable' }, {}, 503));
    await expect(fly.getMachine('a', 'm')).rejects.toMatchObject({ code: 'unavailable' });
    expect(sent).toHaveLength(1);
  });

  test('that waits at Fly has more patience than the wait itself', async () => {
    const { fly, sent } = clientOver(() => json({ ok: true }));
    await fly.waitForMachine('a', 'm', { state: 'settled', version: 'v 1', timeoutS: 25 });
    expect(sent[0]?.url).toContain('/wait?state=settled&version=v%201&timeout=25');
    expect(sent[0]?.timeoutMs).toBe(40_000);
  });

  test('for a lease that nobody holds finds none', async () => {
    const { fly } = clientOver(() => json({ error: 'lease not found' }, {}, 404));
    expect(await fly.findLease('a', 'm')).toBeUndefined();
  });
});

describe('the limiter', () => {
  test('lets a burst of three through, then one a second; of each action and machine', async () => {
    const clock = virtualClock(START);
    const limiter = createLimiter(clock);
    const at: number[] = [];
    for (let call = 0; call < 6; call += 1) {
      await limiter.take('update', 'a/m');
      at.push(clock.now() - START);
    }
    expect(at).toEqual([0, 0, 0, 1_000, 2_000, 3_000]);
    await limiter.take('update', 'a/other');
    await limiter.take('lease', 'a/m');
    expect(clock.now() - START).toBe(3_000);
  });

  test('reads of one machine have a bucket of ten, five a second', async () => {
    const clock = virtualClock(START);
    const limiter = createLimiter(clock);
    for (let call = 0; call < 10; call += 1) await limiter.take('get', 'a/m');
    expect(clock.now() - START).toBe(0);
    for (let call = 0; call < 5; call += 1) await limiter.take('get', 'a/m');
    expect(clock.now() - START).toBe(1_000);
  });

  test('callers at the same time queue up behind each other', async () => {
    const clock = virtualClock(START);
    const limiter = createLimiter(clock);
    const at = await Promise.all(
      Array.from({ length: 6 }, async () => {
        await limiter.take('list', 'a');
        return clock.now() - START;
      }),
    );
    expect(at).toEqual([0, 0, 0, 1_000, 2_000, 3_000]);
  });

  test('an abandoned wait rejects with its reason', async () => {
    const limiter = createLimiter(virtualClock(START));
    for (let call = 0; call < 3; call += 1) await limiter.take('list', 'a');
    await expect(limiter.take('list', 'a', AbortSignal.abort(new Error('paused')))).rejects.toThrow('paused');
  });
});

test('one answer whose clock is off makes no machine older; a clock that stays off is believed after five minutes', async () => {
  let aheadMs = 0;
  const { fly, clock } = clientOver(() => json(machine, { date: new Date(clock.now() + aheadMs).toUTCString() }));
  const ask = async (ms: number): Promise<number> => {
    await clock.sleep(ms);
    await fly.getMachine('app', 'm');
    return fly.now() - clock.now();
  };
  expect(await ask(0)).toBe(0);
  aheadMs = 7_200_000;
  expect(await ask(1_000)).toBe(0);
  expect(await ask(60_000)).toBe(0);
  expect(await ask(300_000)).toBeGreaterThan(7_190_000);
  aheadMs = 0;
  expect(await ask(1_000)).toBe(0);
});
