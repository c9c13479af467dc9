import { expect, test } from 'vitest';
import { lab, M1, oneMachine, V1, V2 } from './support.js';

const ME = `/machines/${M1}`;
const CANARY = 'canary-value';
/** One machine of an app that begins with a secret, at version 1. */
const secretive = (machine: object = {}) =>
  lab(
    oneMachine(
      {},
      { apps: [{ name: 'encoder', secrets: { OLD: CANARY }, machines: [{ ids: [M1], image: V1, ...machine }] }] },
    ),
  );
type World = ReturnType<typeof lab>;
const bootedWith = ({ sim }: World) => sim.machines()[0]?.secretsVersion;

test('one call sets and removes secrets in one version; answers show names and digests, no values', async () => {
  const { call } = secretive();
  const set = await call('POST', '/secrets', { values: { NEW: CANARY, OLD: null } });
  expect(set).toMatchObject({ status: 200, json: { version: 2, Version: 2, secrets: [{ name: 'NEW' }] } });
  const listed = await call('GET', '/secrets');
  const digest: unknown = expect.stringMatching(/^[0-9a-f]{16}$/);
  const text: unknown = expect.any(String);
  expect(listed.json).toMatchObject({ secrets: [{ name: 'NEW', digest, created_at: text, updated_at: text }] });
  expect(set.text + listed.text).not.toContain(CANARY);
  expect((await call('GET', '/secrets?show_secrets=true')).json).toMatchObject({ secrets: [{ value: CANARY }] });
});

test('single secrets can be read, set and deleted, each a version of its own', async () => {
  const { call } = secretive();
  expect((await call('POST', '/secrets/A', { value: '1' })).json).toMatchObject({ name: 'A', version: 2 });
  expect((await call('GET', '/secrets/A')).json).toMatchObject({ name: 'A' });
  expect((await call('DELETE', '/secrets/A')).json).toEqual({ version: 3, Version: 3 });
  expect((await call('GET', '/secrets/A')).status).toBe(404);
  expect((await call('DELETE', '/secrets/A')).status).toBe(404);
});

test('secrets are staged until a machine boots: a start from stopped and an update read them, a running one keeps its own', async () => {
  const world = secretive();
  await world.call('POST', '/secrets', { values: { A: '1' } });
  expect(bootedWith(world)).toBe(1);
  await world.update({ image: V2 });
  await world.call('GET', `${ME}/wait`);
  expect(bootedWith(world)).toBe(2);
  await world.call('POST', '/secrets', { values: { A: '2' } });
  await world.call('POST', `${ME}/stop`);
  await world.call('GET', `${ME}/wait?state=stopped`);
  expect(bootedWith(world)).toBe(2);
  await world.call('POST', `${ME}/start`);
  expect(bootedWith(world)).toBe(3);
});

test('a machine that is suspended goes on with the secrets in its memory', async () => {
  const world = secretive();
  await world.call('POST', `${ME}/suspend`);
  await world.call('GET', `${ME}/wait?state=suspended`);
  await world.call('POST', '/secrets', { values: { A: '1' } });
  await world.call('POST', `${ME}/start`);
  await world.call('GET', `${ME}/wait?state=started`);
  expect(bootedWith(world)).toBe(1);
});

test('skip_secrets boots without any', async () => {
  const world = secretive();
  await world.update({ image: V2 }, { skip_secrets: true });
  await world.call('GET', `${ME}/wait`);
  expect(bootedWith(world)).toBeUndefined();
});

test('a version that is not there yet is refused, by reads and writes, and nothing is changed', async () => {
  const world = secretive();
  const { instance_id: before } = await world.get();
  expect((await world.update({ image: V2 }, { min_secrets_version: 2 })).status).toBe(412);
  const create = await world.call('POST', '/machines', { config: { image: V2 }, min_secrets_version: 2 });
  expect(create.status).toBe(412);
  expect((await world.call('GET', '/secrets?min_version=2')).status).toBe(412);
  expect((await world.call('GET', '/secrets?version=1')).status).toBe(200);
  expect((await world.get()).instance_id).toBe(before);
  expect(world.sim.machines()).toHaveLength(1);
  await world.call('POST', '/secrets', { values: { A: '1' } });
  expect((await world.update({ image: V2 }, { min_secrets_version: 2 })).status).toBe(200);
});

test('a script and a control call set secrets as well; no value reaches the journal', async () => {
  const world = lab(oneMachine({}, { at: [{ ms: 1000, do: { secrets: { app: 'encoder', values: { S: CANARY } } } }] }));
  await world.after(1000);
  expect((await world.raw('POST', '/_simulator/secrets', { app: 'encoder', values: { C: CANARY } })).status).toBe(200);
  await world.call('POST', '/secrets', { values: { A: CANARY } });
  expect(world.happened('secrets-set').map(({ secretsVersion }) => secretsVersion)).toEqual([1, 2, 3]);
  expect(JSON.stringify(world.sim.journal.entries())).not.toContain(CANARY);
  expect((await world.raw('POST', '/_simulator/secrets', { app: 'none', values: {} })).status).toBe(404);
});

test('an app has no addresses of its own', async () => {
  const { call, raw } = lab(oneMachine());
  expect((await call('GET', '/ip_assignments')).json).toEqual({ ips: [] });
  expect((await raw('GET', '/v1/apps/none/ip_assignments')).status).toBe(404);
});
