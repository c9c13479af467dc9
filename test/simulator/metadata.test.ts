import { expect, test } from 'vitest';
import { lab, M1, oneMachine } from './support.js';

const METADATA = `/machines/${M1}/metadata`;
const world = () => lab(oneMachine({ metadata: { a: '1', b: '2' } }));

test('metadata is read whole and by key', async () => {
  const { call } = world();
  expect((await call('GET', METADATA)).json).toMatchObject({ a: '1', b: '2', fly_platform_version: 'v2' });
  expect((await call('GET', `${METADATA}/a`)).json).toEqual({ value: '1' });
  expect((await call('GET', `${METADATA}/none`)).status).toBe(404);
});

test('a key is set and removed with 204, and no version comes of it', async () => {
  const { call, get } = world();
  const before = await get();
  expect(await call('POST', `${METADATA}/a`, { value: 'x' })).toMatchObject({ status: 204, text: '' });
  expect(await call('DELETE', `${METADATA}/b`)).toMatchObject({ status: 204 });
  const after = await get();
  expect(after.config?.metadata).toEqual({ a: 'x', fly_platform_version: 'v2', fly_process_group: 'app' });
  expect(after).toMatchObject({ instance_id: before.instance_id, state: 'started' });
});

test('patch merges and put replaces; null and empty remove', async () => {
  const { call, get } = world();
  expect((await call('PATCH', METADATA, { metadata: { a: null, b: '', c: '3' } })).status).toBe(204);
  expect((await get()).config?.metadata).toEqual({ c: '3', fly_platform_version: 'v2', fly_process_group: 'app' });
  expect((await call('PUT', METADATA, { metadata: { only: 'this' } })).status).toBe(204);
  expect((await get()).config?.metadata).toEqual({ only: 'this' });
});

test('a patch for another version of the machine is 412', async () => {
  const { call, get } = world();
  const wrong = { metadata: { a: 'x' }, machine_version: '01K0AB3J6Q7R8S9T0V1W2X3Y4Z' };
  expect((await call('PATCH', METADATA, wrong)).status).toBe(412);
  const right = { ...wrong, machine_version: (await get()).instance_id };
  expect((await call('PATCH', METADATA, right)).status).toBe(204);
});

test('the journal shows marks that were set and removed', async () => {
  const { call, calls } = world();
  await call('POST', `${METADATA}/layover_hold`, { value: 'x' });
  await call('DELETE', `${METADATA}/layover_hold`);
  expect(calls('metadata').map(({ marks }) => marks)).toEqual([{ layover_hold: 'x' }, { layover_hold: null }]);
});
