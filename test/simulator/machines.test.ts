import { expect, test } from 'vitest';
import { Machine, MachineList, MachineVersions } from '../../src/fly/wire.js';
import { lab, M1, oneMachine, START, V1 } from './support.js';

const fleet = () =>
  lab({
    apps: [
      {
        name: 'encoder',
        machines: [
          { ids: [M1], region: 'ord', image: V1, metadata: { tier: 'gold' } },
          { count: 2, region: 'ams', image: V1, state: 'stopped', group: 'worker' },
          { count: 1, region: 'ams', image: V1, managed: false },
        ],
      },
    ],
  });

async function count(query: string): Promise<number> {
  return MachineList.parse((await fleet().call('GET', `/machines${query}`)).json).length;
}

test('the list is a bare array of whole machines', async () => {
  const [first] = MachineList.parse((await fleet().call('GET', '/machines')).json);
  expect(first).toMatchObject({
    id: M1,
    state: 'started',
    region: 'ord',
    host_status: 'ok',
    cordoned: false,
    image_ref: { registry: 'registry.fly.io', repository: 'encoder', tag: 'v1' },
    config: { image: V1, metadata: { fly_platform_version: 'v2', fly_process_group: 'app', tier: 'gold' } },
    created_at: '2026-08-01T10:00:00.000Z',
  });
  expect(first?.image_ref?.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(first?.['version']).toBe(first?.instance_id);
  expect(first?.events?.map((event) => event.type)).toEqual(['start', 'launch']);
});

test('the list filters by region, states and metadata, all together', async () => {
  expect(await count('')).toBe(4);
  expect(await count('?region=ams')).toBe(3);
  expect(await count('?state=started,created')).toBe(2);
  expect(await count('?metadata.tier=gold')).toBe(1);
  expect(await count('?region=ams&state=stopped&metadata.fly_process_group=worker')).toBe(2);
});

test('an unmanaged machine has no platform version', async () => {
  expect(await count('?metadata.fly_platform_version=v2')).toBe(3);
});

test('a summary leaves out what is large', async () => {
  const { json } = await fleet().call('GET', '/machines?summary=true');
  expect(json).not.toMatchObject([{ config: {} }]);
  expect(json).toMatchObject([{ id: M1, state: 'started' }, {}, {}, {}]);
});

test('an unknown machine is 404, as is a machine of another app', async () => {
  const { call, raw } = lab(
    oneMachine({}, { apps: [{ name: 'encoder' }, { name: 'b', machines: [{ ids: [M1], image: V1 }] }] }),
  );
  expect(await call('GET', '/machines/aa')).toMatchObject({ status: 404, json: { error: 'machine not found' } });
  expect((await call('GET', `/machines/${M1}`)).status).toBe(404);
  expect((await raw('GET', `/v1/apps/b/machines/${M1}`)).status).toBe(200);
});

test('paths may be percent-encoded, and a broken encoding is nothing we know', async () => {
  const { raw } = fleet();
  expect((await raw('GET', `/v1/apps/%65ncoder/machines/${M1}`)).status).toBe(200);
  expect((await raw('GET', `/v1/apps/%zz/machines/${M1}`)).status).toBe(404);
});

test('create answers 200 at once and boots in its own time', async () => {
  const { call, after } = lab(oneMachine());
  const made = await call('POST', '/machines', { region: 'ams', config: { image: V1 } });
  const machine = Machine.parse(made.json);
  expect(made.status).toBe(200);
  expect(machine).toMatchObject({ state: 'created', region: 'ams', events: [{ type: 'launch', status: 'created' }] });
  expect(machine.id).toMatch(/^[0-9a-f]{14}$/);
  const state = async () => Machine.parse((await call('GET', `/machines/${machine.id}`)).json).state;
  await after(500);
  expect(await state()).toBe('starting');
  await after(2000);
  expect(await state()).toBe('started');
});

test('create with skip_launch settles at stopped, and start is refused until then', async () => {
  const { call } = lab(oneMachine());
  const { id } = Machine.parse((await call('POST', '/machines', { config: { image: V1 }, skip_launch: true })).json);
  expect(await call('POST', `/machines/${id}/start`)).toMatchObject({
    status: 412,
    json: { error: "failed_precondition: unable to start machine from current state: 'created'" },
  });
  expect((await call('GET', `/machines/${id}/wait?state=settled`)).json).toMatchObject({ state: 'stopped' });
});

test('create with lease_ttl answers the nonce of a lease', async () => {
  const { call } = lab(oneMachine());
  const { id, nonce } = Machine.parse((await call('POST', '/machines', { config: { image: V1 }, lease_ttl: 30 })).json);
  expect((await call('GET', `/machines/${id}/lease`)).json).toMatchObject({ data: { nonce } });
});

test('create without an image, and a body that is no JSON, are 400', async () => {
  const { call, sim } = lab(oneMachine());
  expect((await call('POST', '/machines', { config: {} })).status).toBe(400);
  expect((await call('POST', '/machines', {})).status).toBe(400);
  const headers = { authorization: 'Bearer t' };
  const broken = await sim.handle({ method: 'POST', url: '/v1/apps/encoder/machines', headers, body: '{' });
  expect(broken).toMatchObject({ status: 400 });
});

test('destroy needs force while the machine runs; then it stays readable for a while, and ends as 404', async () => {
  const { call, get, after } = lab(oneMachine());
  expect((await call('DELETE', `/machines/${M1}`)).status).toBe(412);
  expect((await call('DELETE', `/machines/${M1}?kill=true`)).json).toEqual({ ok: true });
  expect((await get()).state).toBe('destroying');
  expect((await call('GET', `/machines/${M1}/wait?state=destroyed`)).status).toBe(200);
  expect((await call('GET', '/machines')).json).toEqual([]);
  expect(MachineList.parse((await call('GET', '/machines?include_deleted=true')).json)).toHaveLength(1);
  expect((await get()).state).toBe('destroyed');
  expect((await call('DELETE', `/machines/${M1}?force=true`)).status).toBe(404);
  await after(60_000);
  expect((await call('GET', `/machines/${M1}`)).status).toBe(404);
});

test('versions and events come newest first, their ids are ULIDs of the simulated time', async () => {
  const { call, get, update, after } = lab(oneMachine());
  await after(5000);
  await update((await get()).config ?? {});
  const versions = MachineVersions.parse((await call('GET', `/machines/${M1}/versions`)).json);
  expect(versions).toHaveLength(2);
  expect(versions[0]?.version).toBe((await get()).instance_id);
  expect(versions.map(({ version }) => timeOf(version) - START)).toEqual([5000, 0]);
  expect((await call('GET', `/machines/${M1}/events?limit=2`)).json).toMatchObject([
    { type: 'update' },
    { type: 'start' },
  ]);
});

test('include_leases shows who holds the machine, without the nonce', async () => {
  const { call, lease } = lab(oneMachine());
  await lease({ ttl: 30, description: 'mine' });
  const { json } = await call('GET', `/machines/${M1}?include_leases=true`);
  expect(json).toMatchObject({ lease: { description: 'mine', expires_at: '2026-08-01T10:00:30.000Z' } });
  expect(JSON.stringify(json)).not.toContain('nonce');
});

function timeOf(ulid: string): number {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  return ulid
    .slice(0, 10)
    .split('')
    .reduce((value, digit) => value * 32 + digits.indexOf(digit), 0);
}
