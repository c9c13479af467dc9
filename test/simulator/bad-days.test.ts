import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

const ME = `/machines/${M1}`;

test.each(['start', 'update', 'create'] as const)(
  'a host without room refuses a %s in Fly’s words, and nothing happens',
  async (on) => {
    const faults = [{ on, effect: { noCapacity: 'machine' as const } }];
    const world = lab(oneMachine({ state: 'stopped' }, { faults }));
    const { version } = world.sim.machines()[0] ?? {};
    const path = { start: `${ME}/start`, update: ME, create: '/machines' }[on];
    const refused = await world.call('POST', path, { config: { image: V2 } });
    expect(refused).toMatchObject({ status: 412, json: { status: 'insufficient_capacity' } });
    expect(refused.text).toContain('could not reserve resource for machine');
    expect(world.sim.machines()).toMatchObject([{ state: 'stopped', version }]);
  },
);

test('a host may take no deploys at all, and a call that needs no room is answered', async () => {
  const { update, get } = lab(oneMachine({}, { faults: [{ on: 'any', effect: { noCapacity: 'host' } }] }));
  expect((await update({ image: V2 })).text).toContain('deploys to this host are temporarily disabled');
  expect((await get()).state).toBe('started');
});

test('a stale list brings destroyed machines back, and does not know those that are new', async () => {
  const faults = [{ on: 'list', skip: 1, effect: { staleReadMs: 120_000 } }];
  const world = lab(oneMachine({ state: 'stopped' }, { faults }));
  const list = async () =>
    ((await world.call('GET', '/machines')).json as { id: string; state: string }[]).map(({ id, state }) => [
      id,
      state,
    ]);
  await world.after(1000);
  await world.call('DELETE', ME);
  await world.after(1000);
  expect(await list()).toEqual([]);
  await world.call('POST', '/machines', { config: { image: V1 } });
  expect(await list()).toEqual([[M1, 'stopped']]);
  await world.after(70_000);
  expect((await world.call('GET', ME)).status).toBe(404);
  expect(await list()).toEqual([[M1, 'stopped']]);
  await world.after(60_000);
  expect((await list()).map(([, state]) => state)).toEqual(['started']);
});

test('a stale list is filtered by what it shows', async () => {
  const world = lab(oneMachine({}, { faults: [{ on: 'list', effect: { staleReadMs: 60_000 } }] }));
  await world.call('POST', `${ME}/stop`);
  await world.after(1000);
  expect((await world.call('GET', '/machines?state=started')).json).toMatchObject([{ id: M1, state: 'started' }]);
  expect((await world.call('GET', '/machines?state=stopped')).json).toEqual([]);
});

test('a machine that was just created may not be found for a moment, by get, wait and list', async () => {
  const world = lab(oneMachine({}, { timing: { visibleMs: 2000 } }));
  const made = (await world.call('POST', '/machines', { config: { image: V2 } })).json as { id: string };
  const path = `/machines/${made.id}`;
  for (const url of [path, `${path}/wait`]) expect((await world.call('GET', url)).text).toContain('machine not found');
  expect((await world.call('GET', '/machines')).json).toHaveLength(1);
  expect((await world.call('POST', `${path}/lease`, { ttl: 5 })).status).toBe(201);
  await world.after(2000);
  expect((await world.call('GET', path)).status).toBe(200);
  expect((await world.call('GET', '/machines')).json).toHaveLength(2);
});

test('buckets are filled again at their rate, each action and machine by itself', async () => {
  const world = lab(oneMachine({}, { switches: { rateLimits: true } }));
  const get = async () => (await world.call('GET', ME)).status;
  const statuses = async (ask: () => Promise<unknown>, times: number) => {
    const all: unknown[] = [];
    for (let i = 0; i < times; i += 1) all.push(await ask());
    return all.filter((status) => status === 429).length;
  };
  expect(await statuses(get, 12)).toBe(2);
  await world.after(1000);
  expect(await statuses(get, 6)).toBe(1);
  const start = async () => (await world.call('POST', `${ME}/start`)).status;
  expect(await statuses(start, 4)).toBe(1);
  await world.after(999);
  expect(await start()).toBe(429);
  await world.after(2);
  expect(await start()).toBe(200);
  await world.after(60_000);
  expect(await statuses(start, 5)).toBe(2);
});

test('a list may show who holds a lease, and never the nonce', async () => {
  const { call, lease } = lab(oneMachine());
  const nonce = await lease({ ttl: 30, description: 'mine' });
  const listed = await call('GET', '/machines?include_leases=true');
  const until: unknown = expect.stringContaining('T10:00:30');
  expect(listed.json).toMatchObject([{ lease: { description: 'mine', expires_at: until } }]);
  expect(listed.text).not.toContain(nonce);
  expect((await call('GET', '/machines')).text).not.toContain('"lease"');
});

test('the lease of a machine that is destroyed is not found, which flyctl is silent about', async () => {
  const { call, lease, after } = lab(oneMachine());
  const headers = { 'fly-machine-lease-nonce': await lease({ ttl: 600 }) };
  await call('DELETE', `${ME}?kill=true`, undefined, headers);
  await after(1000);
  const released = await call('DELETE', `${ME}/lease`, undefined, headers);
  expect([released.status, released.text]).toEqual([404, '{"error":"lease not found"}']);
  expect((await call('GET', ME)).json).toMatchObject({ state: 'destroyed' });
});

test('a host that is lost in the middle of a stop goes on with it when it is back', async () => {
  const at = [
    { ms: 1000, do: { loseHost: { machine: M1 } } },
    { ms: 60_000, do: { restoreHost: { machine: M1 } } },
  ];
  const job = { lengthMs: 1e9, onStop: { afterMs: 5000 } };
  const world = lab(oneMachine({ job }, { at }));
  await world.call('POST', `${ME}/stop`, { timeout: '30s' });
  await world.after(59_000);
  expect(world.sim.machines()).toMatchObject([{ state: 'stopping', host: 'unreachable' }]);
  await world.after(1301);
  expect(world.sim.machines()).toMatchObject([{ state: 'stopped', host: 'ok' }]);
  expect(world.happened('job-cut')[0]?.t ?? START).toBe(START + 60_000);
});
