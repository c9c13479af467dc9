import { expect, test } from 'vitest';
import { Machine, MachineList } from '../../src/fly/wire.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

type Faults = NonNullable<ScenarioInput['faults']>;
const broken = (faults: Faults, machine: object = {}) => lab(oneMachine(machine, { faults }));
const GET = `/machines/${M1}`;

test('an answer of one’s own has no effect and carries its headers', async () => {
  const answer = { status: 429, error: 'rate limit exceeded', headers: { 'retry-after': '2' } };
  const { update, get, calls } = broken([{ on: 'update', times: 1, effect: { answer } }]);
  expect(await update({ image: V2 })).toMatchObject({
    status: 429,
    json: { error: 'rate limit exceeded' },
    headers: { 'retry-after': '2' },
  });
  expect((await get()).state).toBe('started');
  expect((await update({ image: V2 })).status).toBe(200);
  expect(calls('update')).toMatchObject([{ status: 429, fault: 'answer', faultIndex: 0 }, { status: 200 }]);
});

test('a lost answer: the update happened, the caller sees a cut connection', async () => {
  const { update, get, calls } = broken([{ on: 'update', effect: { loseAnswer: true } }]);
  expect((await update({ image: V2 })).status).toBe('cut');
  const machine = await get();
  expect(machine.state).toBe('replacing');
  expect(calls('update')).toMatchObject([{ status: 'cut', actual: 200, version: machine.instance_id }]);
});

test('a late 408: it happened, the caller is told that it took too long', async () => {
  const { update, get } = broken([{ on: 'update', effect: { late408: true } }]);
  const reply = await update({ image: V2 });
  expect(reply.status).toBe(408);
  expect(reply.text).toContain('deadline_exceeded:');
  expect((await get()).state).toBe('replacing');
});

test('a cut without effect', async () => {
  const { update, get } = broken([{ on: 'update', effect: { cut: true } }]);
  expect((await update({ image: V2 })).status).toBe('cut');
  expect((await get()).state).toBe('started');
});

test('a malformed answer: it happened, and the 200 holds broken JSON', async () => {
  const { update, get } = broken([{ on: 'update', effect: { malformed: true } }]);
  const reply = await update({ image: V2 });
  expect(reply.status).toBe(200);
  expect(() => void JSON.parse(reply.text)).toThrow('JSON');
  expect((await get()).state).toBe('replacing');
});

test('lists may be empty or half, while the app counts right', async () => {
  const { call } = broken(
    [
      { on: 'list', times: 1, effect: { emptyList: true } },
      { on: 'list', times: 1, effect: { halfList: true } },
    ],
    { ids: undefined, count: 5 },
  );
  const length = async () => MachineList.parse((await call('GET', '/machines')).json).length;
  expect([await length(), await length(), await length()]).toEqual([0, 2, 5]);
  expect((await call('GET', '')).json).toMatchObject({ machine_count: 5 });
});

test('a stale replica shows the version before for as long as it lags', async () => {
  const world = broken([{ on: 'get', effect: { staleReadMs: 5000 } }], { state: 'stopped' });
  const { instance_id: old } = await world.get();
  const { instance_id: fresh } = Machine.parse((await world.update({ image: V2 })).json);
  expect(await world.get()).toMatchObject({ instance_id: old, state: 'stopped' });
  expect((await world.call('GET', '/machines')).json).toMatchObject([{ instance_id: fresh }]);
  await world.after(4900);
  expect((await world.get()).instance_id).toBe(old);
  await world.after(100);
  expect(await world.get()).toMatchObject({ instance_id: fresh, state: 'replacing' });
  await world.after(1000);
  expect(await world.get()).toMatchObject({ instance_id: fresh, state: 'stopped' });
});

test('a stale read may spare clients that keep the affinity cookie', async () => {
  const { update, call, get } = broken([{ on: 'any', withoutCookie: true, effect: { staleReadMs: 5000 } }]);
  await update({ image: V2 });
  const cookie = (await call('GET', '/machines')).headers['set-cookie']?.split(';')[0] ?? '';
  expect((await get()).state).toBe('started');
  expect((await call('GET', GET, undefined, { cookie })).json).toMatchObject({ state: 'replacing' });
});

test('a delay holds the call up before it takes effect, and may go with another effect', async () => {
  const { call, clock, calls } = broken([
    { on: 'get', times: 1, effect: { delayMs: 3000 } },
    { on: 'get', times: 1, effect: { delayMs: 1000, answer: { status: 504 } } },
  ]);
  expect((await call('GET', GET)).status).toBe(200);
  expect(clock.now() - START).toBe(3000);
  expect((await call('GET', GET)).status).toBe(504);
  expect(calls('get')).toMatchObject([
    { began: START, t: START + 3000, fault: 'delayMs' },
    { began: START + 3000, t: START + 4000, fault: 'answer' },
  ]);
});

test('a caller that gives a delayed update up is gone at once, and the update happens all the same', async () => {
  const { sim, get, after } = broken([{ on: 'update', effect: { delayMs: 3000 } }]);
  const gone = new AbortController();
  const url = `/v1/apps/encoder${GET}`;
  const body = JSON.stringify({ config: { image: V2 } });
  const headers = { authorization: 'Bearer t' };
  const calling = sim.handle({ method: 'POST', url, headers, body, signal: gone.signal });
  gone.abort();
  expect(await calling).toBe('cut');
  expect((await get()).state).toBe('started');
  await after(3000);
  expect((await get()).state).toBe('replacing');
});

test('skip lets calls pass, times ends a fault', async () => {
  const { call } = broken([{ on: 'get', skip: 2, times: 2, effect: { answer: { status: 500 } } }]);
  const statuses = [];
  for (let i = 0; i < 6; i += 1) statuses.push((await call('GET', GET)).status);
  expect(statuses).toEqual([200, 200, 500, 500, 200, 200]);
});

test('afterMs and untilMs bound a fault in time', async () => {
  const { call, after } = broken([{ on: 'any', afterMs: 1000, untilMs: 2000, effect: { answer: { status: 503 } } }]);
  const statuses = [];
  for (let i = 0; i < 5; i += 1) {
    statuses.push((await call('GET', GET)).status);
    await after(500);
  }
  expect(statuses).toEqual([200, 200, 503, 503, 200]);
});

test('a share hits about that part of the calls', async () => {
  const { call } = broken([{ on: 'get', share: 0.25, effect: { answer: { status: 500 } } }]);
  let hits = 0;
  for (let i = 0; i < 400; i += 1) if ((await call('GET', GET)).status === 500) hits += 1;
  expect(hits).toBeGreaterThan(70);
  expect(hits).toBeLessThan(130);
});

test('a fault may be about one machine or one app', async () => {
  const faults: Faults = [
    { on: 'any', machine: M1, effect: { answer: { status: 500 } } },
    { on: 'any', app: 'other', effect: { answer: { status: 502 } } },
  ];
  const apps = [
    { name: 'encoder', machines: [{ ids: [M1, 'aaaaaaaaaaaaaa'], image: V1 }] },
    { name: 'other', machines: [] },
  ];
  const { call, raw } = lab(oneMachine({}, { apps, faults }));
  expect((await call('GET', GET)).status).toBe(500);
  expect((await call('GET', '/machines/aaaaaaaaaaaaaa')).status).toBe(200);
  expect((await raw('GET', '/v1/apps/other/machines')).status).toBe(502);
});

test('lease means acquire and refresh, refresh only the latter', async () => {
  const { call, lease } = broken([
    { on: 'refresh', times: 1, effect: { answer: { status: 500 } } },
    { on: 'lease', skip: 1, effect: { answer: { status: 503 } } },
  ]);
  const nonce = await lease();
  const refresh = () => call('POST', `${GET}/lease`, { ttl: 30 }, { 'fly-machine-lease-nonce': nonce });
  expect([(await refresh()).status, (await refresh()).status]).toEqual([500, 503]);
});

test('a wait may lose its answer too', async () => {
  const { call, calls } = broken([{ on: 'wait', effect: { loseAnswer: true } }]);
  expect((await call('GET', `${GET}/wait?state=started`)).status).toBe('cut');
  expect(calls('wait')).toMatchObject([{ status: 'cut', actual: 200 }]);
});

test('faults are added and cleared by control calls', async () => {
  const { call, raw } = broken([]);
  expect((await raw('POST', '/_simulator/faults', { on: 'get', effect: { cut: true } })).status).toBe(201);
  expect((await call('GET', GET)).status).toBe('cut');
  await raw('DELETE', '/_simulator/faults');
  expect((await call('GET', GET)).status).toBe(200);
  expect((await raw('POST', '/_simulator/faults', { on: 'nothing', effect: {} })).status).toBe(400);
});

test('rate limits hold per action and machine, when switched on', async () => {
  const { call, after, get } = lab(oneMachine({}, { switches: { rateLimits: true } }));
  const statuses = [];
  for (let i = 0; i < 4; i += 1) statuses.push((await call('POST', `${GET}/cordon`)).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
  for (let i = 0; i < 10; i += 1) await get();
  expect(await call('GET', GET)).toMatchObject({ status: 429, json: { error: 'rate limit exceeded' } });
  await after(1000);
  expect((await call('POST', `${GET}/cordon`)).status).toBe(200);
});
