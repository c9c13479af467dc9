import { expect, test } from 'vitest';
import { LeaseEnvelope } from '../../src/fly/wire.js';
import { lab, M1, oneMachine, START, V2 } from './support.js';

const LEASE = `/machines/${M1}/lease`;
const with_ = (nonce: string) => ({ 'fly-machine-lease-nonce': nonce });

test('a lease comes with 201 in an envelope that tells version, owner, description and expiry', async () => {
  const { call, get } = lab(oneMachine());
  const reply = await call('POST', LEASE, { ttl: 30, description: 'rollout 42' });
  expect(reply.status).toBe(201);
  const { data } = LeaseEnvelope.parse(reply.json);
  expect(data).toMatchObject({ description: 'rollout 42', expires_at: START / 1000 + 30 });
  expect(data.version).toBe((await get()).instance_id);
  expect(data.owner).toMatch(/^[0-9a-f-]{36}@tokens\.fly\.io$/);
});

test('the ttl may come in the query with no body, as fly-go sends it', async () => {
  const { call } = lab(oneMachine());
  const { data } = LeaseEnvelope.parse((await call('POST', `${LEASE}?ttl=13`)).json);
  expect(data.expires_at).toBe(START / 1000 + 13);
  expect((await call('POST', `${LEASE}?ttl=x`)).status).toBe(400);
});

test('whoever looks sees the nonce; without a lease the answer holds the text flyctl needs', async () => {
  const { call, lease } = lab(oneMachine());
  expect(await call('GET', LEASE)).toMatchObject({ status: 404, json: { error: 'lease not found' } });
  const nonce = await lease();
  expect((await call('GET', LEASE)).json).toMatchObject({ status: 'success', data: { nonce } });
});

test('a held lease refuses a second one, also of the same token, naming owner and expiry', async () => {
  const { call, lease } = lab(oneMachine());
  await lease({ ttl: 30 });
  const { status, text } = await call('POST', LEASE, { ttl: 30 });
  expect(status).toBe(409);
  expect(text).toMatch(
    /"aborted: machine ID 3d8d413b29d089 lease currently held by [0-9a-f-]{36}@tokens\.fly\.io, expires at 2026-08-01T10:00:30Z"/,
  );
});

test('a refresh keeps the nonce and the description, and ends later', async () => {
  const { call, lease, after } = lab(oneMachine());
  const nonce = await lease({ ttl: 30, description: 'mine' });
  await after(10_000);
  const { status, json } = await call('POST', LEASE, { ttl: 30 }, with_(nonce));
  expect(status).toBe(201);
  expect(LeaseEnvelope.parse(json).data).toMatchObject({ nonce, description: 'mine', expires_at: START / 1000 + 40 });
});

test('a refresh with a foreign nonce is 409 while the lease lives, and 404 after it', async () => {
  const { call, lease, after } = lab(oneMachine());
  await lease({ ttl: 30 });
  expect((await call('POST', LEASE, { ttl: 30 }, with_('wrong'))).status).toBe(409);
  await after(30_000);
  expect((await call('POST', LEASE, { ttl: 30 }, with_('wrong'))).status).toBe(404);
});

test('release needs the nonce', async () => {
  const { call, lease } = lab(oneMachine());
  const nonce = await lease();
  expect((await call('DELETE', LEASE)).status).toBe(400);
  expect((await call('DELETE', LEASE, undefined, with_('wrong'))).status).toBe(400);
  expect((await call('DELETE', LEASE, undefined, with_(nonce))).json).toEqual({
    status: 'success',
    data: { ok: true },
  });
  expect(await call('DELETE', LEASE, undefined, with_(nonce))).toMatchObject({ status: 404 });
});

test('every write but metadata is guarded by a lease of somebody else', async () => {
  const { call, lease, update } = lab(oneMachine());
  const nonce = await lease();
  const statuses = [(await update({ image: V2 })).status, (await update({ image: V2 }, {}, 'wrong')).status];
  for (const verb of ['start', 'stop', 'cordon', 'uncordon']) {
    statuses.push((await call('POST', `/machines/${M1}/${verb}`)).status);
  }
  statuses.push((await call('DELETE', `/machines/${M1}?force=true`)).status);
  expect(statuses).toEqual([409, 409, 409, 409, 409, 409, 409]);
  expect((await call('POST', `/machines/${M1}/metadata/k`, { value: 'v' })).status).toBe(204);
  expect((await update({ image: V2 }, {}, nonce)).status).toBe(200);
});

test('a lease ends by itself, to the millisecond, and the journal says so', async () => {
  const { call, lease, after, happened } = lab(oneMachine());
  const nonce = await lease({ ttl: 30 });
  await after(29_999);
  expect((await call('GET', LEASE)).status).toBe(200);
  await after(1);
  expect((await call('GET', LEASE)).status).toBe(404);
  expect(happened('lease-expired')).toMatchObject([{ t: START + 30_000, nonce }]);
});

test('a write with an expired nonce is 400, or accepted under the switch as long as nobody else holds a lease', async () => {
  for (const expiredNonceAccepted of [false, true]) {
    const { lease, after, update } = lab(oneMachine({}, { switches: { expiredNonceAccepted } }));
    const nonce = await lease({ ttl: 30 });
    await after(31_000);
    expect((await update({ image: V2 }, {}, 'never issued')).status).toBe(400);
    await lease({ ttl: 1 });
    expect((await update({ image: V2 }, {}, nonce)).status).toBe(409);
    await after(1000);
    expect((await update({ image: V2 }, {}, nonce)).status).toBe(400);
  }
  const { lease, after, update } = lab(oneMachine({}, { switches: { expiredNonceAccepted: true } }));
  const nonce = await lease({ ttl: 30 });
  await after(31_000);
  expect((await update({ image: V2 }, {}, nonce)).status).toBe(200);
});

test('a refused expired nonce may be 409 as well', async () => {
  const { lease, after, update } = lab(oneMachine({}, { switches: { expiredNonceStatus: 409 } }));
  const nonce = await lease({ ttl: 30 });
  await after(31_000);
  expect((await update({ image: V2 }, {}, nonce)).status).toBe(409);
});

test('the journal shows nonce and description of leases', async () => {
  const { lease, calls } = lab(oneMachine());
  const nonce = await lease({ ttl: 30, description: 'layover x' });
  await lease({ ttl: 30 }, nonce);
  expect(calls('lease')).toMatchObject([{ nonce, leaseDescription: 'layover x', status: 201 }]);
  expect(calls('refresh')).toMatchObject([{ nonce, status: 201 }]);
});
