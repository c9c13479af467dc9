import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

const M2 = 'aaaaaaaaaaaaaa';
const ME = `/machines/${M1}`;
const services = (service: object = {}) => ({
  config: { services: [{ protocol: 'tcp', internal_port: 8080, autostart: true, autostop: true, ...service }] },
});
type Machine = { ids: string[]; image: string };
const app = (machines: object[], extra: object = {}) =>
  lab({
    ...oneMachine(),
    apps: [{ name: 'encoder', machines: machines as Machine[], ...extra }],
  });
const machine = (id: string, more: object = {}) => ({ ids: [id], image: V1, ...services(), ...more });
type World = ReturnType<typeof lab>;
const ask = ({ raw }: World, target: object = { app: 'encoder' }) => raw('POST', '/_simulator/request', target);
const states = ({ sim }: World) => sim.machines().map(({ state }) => state);

test('a request that no running machine takes starts one that is stopped, and only one', async () => {
  const world = app([machine(M1, { state: 'stopped' }), machine(M2, { state: 'stopped' })]);
  await ask(world);
  await ask(world);
  expect(states(world)).toEqual(['starting', 'stopped']);
  await world.after(2000);
  await ask(world);
  expect(states(world)).toEqual(['started', 'stopped']);
});

test('a request leaves cordoned machines, those without autostart and those without services alone', async () => {
  const world = app([
    machine(M1, { state: 'stopped', cordoned: true }),
    machine(M2, { state: 'stopped', ...services({ autostart: false }) }),
    machine('bbbbbbbbbbbbbb', { state: 'stopped', config: {} }),
  ]);
  await ask(world);
  await world.after(10_000);
  expect(states(world)).toEqual(['stopped', 'stopped', 'stopped']);
});

test('a request goes past a leased machine, or waits for its lease when there is no other', async () => {
  const two = app([machine(M1, { state: 'stopped' }), machine(M2, { state: 'stopped' })]);
  await two.lease({ ttl: 600 });
  await ask(two);
  expect(states(two)).toEqual(['stopped', 'starting']);
  const one = app([machine(M1, { state: 'stopped' })]);
  await one.lease({ ttl: 30 });
  await ask(one);
  await one.after(29_000);
  expect(states(one)).toEqual(['stopped']);
  await one.after(1000 + 100 + 2000);
  expect(states(one)).toEqual(['started']);
});

test('a request may come by script', async () => {
  const world = lab({
    ...oneMachine({ state: 'stopped', ...services() }),
    at: [{ ms: 5000, do: { request: { app: 'encoder', region: 'ord' } } }],
  });
  await world.after(5000);
  expect(world.happened('autostart')).toMatchObject([{ t: START + 5000 }]);
});

test('the proxy stops an idle machine, with an exit that was asked for', async () => {
  const world = app([machine(M1)]);
  await world.raw('POST', `/_simulator${ME}/autostop`);
  expect(world.happened('autostop')).toHaveLength(1);
  await world.after(300);
  expect((await world.get()).events).toMatchObject([
    { type: 'exit', request: { exit_event: { requested_stop: true } } },
    { type: 'stop', source: 'proxy' },
    {},
    {},
  ]);
});

test('the proxy suspends where the service says so, and stops what cannot be suspended', async () => {
  const suspending = app([machine(M1, services({ autostop: 'suspend' }))]);
  await suspending.raw('POST', `/_simulator${ME}/autostop`);
  expect(states(suspending)).toEqual(['suspending']);
  const large = { guest: { memory_mb: 4096 }, ...services({ autostop: 'suspend' }).config };
  const stopping = app([machine(M1, { config: large })]);
  await stopping.raw('POST', `/_simulator${ME}/autostop`);
  expect(states(stopping)).toEqual(['stopping']);
});

test('a machine that the proxy stops while it is updated comes back stopped under its new version', async () => {
  const world = app([machine(M1)]);
  await world.update({ image: V2 });
  await world.raw('POST', `/_simulator${ME}/autostop`);
  expect((await world.call('GET', `${ME}/wait?state=stopped`)).status).toBe(200);
  expect(await world.get()).toMatchObject({ state: 'stopped', image_ref: { tag: 'v2' } });
});

test('with autostopMs the proxy stops one idle machine a region and pass, the one that took a request later', async () => {
  const world = app(
    [machine(M1), machine(M2), machine('bbbbbbbbbbbbbb'), machine('cccccccccccccc', { region: 'ams', cordoned: true })],
    { autostopMs: 60_000 },
  );
  await world.after(59_000);
  await ask(world);
  await world.after(1500);
  expect(states(world)).toEqual(['started', 'stopped', 'started', 'started']);
  await world.after(120_000);
  expect(world.happened('autostop').map(({ t }) => t - START)).toEqual([60_000, 120_000, 180_000]);
  expect(states(world)).toEqual(['stopped', 'stopped', 'stopped', 'started']);
});

test('the proxy never goes below min_machines_running in the primary region', async () => {
  const kept = { env: { PRIMARY_REGION: 'ord' }, ...services({ min_machines_running: 1 }) };
  const world = app([machine(M1, kept), machine(M2, kept), machine('bbbbbbbbbbbbbb', { ...kept, region: 'ams' })], {
    autostopMs: 60_000,
  });
  await world.after(600_000);
  expect(states(world)).toEqual(['stopped', 'started', 'stopped']);
});

test('a machine whose service does not stop by itself is left running', async () => {
  const world = app([machine(M1, services({ autostop: false })), machine(M2, services({ autostop: 'off' }))], {
    autostopMs: 60_000,
  });
  await world.after(600_000);
  expect(states(world)).toEqual(['started', 'started']);
});
