import { expect, test } from 'vitest';
import { App } from '../../src/fly/wire.js';
import { lab, oneMachine } from './support.js';

const world = () =>
  lab(oneMachine({}, { apps: [{ name: 'encoder', org: 'acme', machines: [{ image: 'a:1', count: 3 }] }, theirs] }));
const theirs = { name: 'theirs', foreignOrg: true };

test('an app tells its organization and how many machines it has', async () => {
  const app = App.parse((await world().call('GET', '')).json);
  expect(app).toMatchObject({ name: 'encoder', machine_count: 3, status: 'deployed', organization: { slug: 'acme' } });
});

test('an unknown app is 404 in the words flyctl looks for', async () => {
  const reply = await world().raw('GET', '/v1/apps/nothing');
  expect(reply).toMatchObject({ status: 404, json: { error: 'Could not find App "nothing"' } });
});

test("another organization's app is 403, for its machines too", async () => {
  const { raw } = world();
  expect((await raw('GET', '/v1/apps/theirs')).status).toBe(403);
  expect((await raw('GET', '/v1/apps/theirs/machines')).status).toBe(403);
});

test('apps are listed by organization, and the organization must be named', async () => {
  const { raw } = world();
  expect((await raw('GET', '/v1/apps?org_slug=acme')).json).toMatchObject({
    total_apps: 1,
    apps: [{ name: 'encoder' }],
  });
  expect((await raw('GET', '/v1/apps')).status).toBe(400);
});

test('an app is made once; its name is then taken', async () => {
  const { raw } = world();
  const body = { name: 'fresh', org_slug: 'acme' };
  expect(await raw('POST', '/v1/apps', body)).toMatchObject({ status: 201, json: { name: 'fresh', machine_count: 0 } });
  expect(await raw('POST', '/v1/apps', body)).toMatchObject({
    status: 422,
    json: { error: 'Validation failed: Name has already been taken', status: 'name_taken' },
  });
  expect((await raw('POST', '/v1/apps', { name: 'other' })).status).toBe(400);
});

test.each(['Bearer t', 'FlyV1 fm2_x,fm2_y'])('the token may come as %s', async (authorization) => {
  expect((await world().raw('GET', '/v1/apps/encoder', undefined, { authorization })).status).toBe(200);
});

test.each(['', 'Bearer ', 'Basic abc', 'naked'])('the authorization %j is refused', async (authorization) => {
  const reply = await world().raw('GET', '/v1/apps/encoder', undefined, { authorization });
  expect(reply).toMatchObject({ status: 401, json: { error: 'Authenticate: token validation error' } });
});

test('a scenario may name the tokens that count', async () => {
  const { raw } = lab(oneMachine({}, { tokens: ['right'] }));
  expect((await raw('GET', '/v1/apps/encoder', undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await raw('GET', '/v1/apps/encoder', undefined, { authorization: 'FlyV1 right' })).status).toBe(200);
});

test('every answer has a request id and JSON, and under an app the affinity cookie of that app', async () => {
  const { call, raw } = world();
  const { headers } = await call('GET', '/machines');
  expect(headers['fly-request-id']).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}-ord$/);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(headers['set-cookie']).toMatch(/^fly_flaps_affinity=\w+; Path=\/v1\/apps\/encoder$/);
  expect((await call('GET', '/machines/none')).headers['set-cookie']).toBeDefined();
  const unknown = await raw('GET', '/v1/nothing/here');
  expect(unknown).toMatchObject({ status: 404, json: { error: 'not found' } });
  expect(unknown.headers['set-cookie']).toBeUndefined();
});
