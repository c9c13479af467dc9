import { expect, test } from 'vitest';
import { lab, oneMachine, V1, V2 } from './support.js';

const graphql = async ({ raw }: ReturnType<typeof lab>, query: string, variables: object = { appName: 'encoder' }) => {
  const reply = await raw('POST', '/graphql', { query, variables });
  expect(reply.status).toBe(200);
  return reply.json;
};

test('GraphQL is 200 for errors too, in the words that flyctl looks for', async () => {
  const world = lab(oneMachine());
  const missing = await graphql(world, 'query { appcompact:app(name: $appName) { id } }', { appName: 'none' });
  expect(missing).toEqual({ data: null, errors: [{ message: 'Could not find App "none"' }] });
  expect(await graphql(world, 'query { volumes }')).toMatchObject({ errors: [{ message: 'not simulated' }] });
});

test('an image is what the registry holds, or null', async () => {
  const world = lab(oneMachine());
  const query = 'query { app(name: $appName) { image(ref: $imageRef) { digest } } }';
  const { image_ref: ref } = await world.get();
  const found = await graphql(world, query, { appName: 'encoder', imageRef: V1 });
  expect(found).toMatchObject({ data: { app: { image: { ref: V1, digest: ref?.digest, compressedSize: '1024' } } } });
  const missing = await graphql(world, query, { appName: 'encoder', imageRef: `${V2}-missing` });
  expect(missing).toMatchObject({ data: { app: { image: null } } });
});

test('releases are numbered for each app, take a status, and the newest is the current one', async () => {
  const world = lab(oneMachine());
  const create = (image: string) =>
    world.raw('POST', '/api/v1/releases', { app_name: 'encoder', image, strategy: 'ROLLING' });
  await create(V1);
  const made = await create(V2);
  expect(made).toMatchObject({ status: 201, json: { release: { version: 2, status: 'pending', in_progress: true } } });
  const { release } = made.json as { release: { id: string } };
  const patched = await world.raw('PATCH', `/api/v1/releases/${release.id}`, { status: 'complete' });
  expect(patched).toMatchObject({ status: 200, json: { status: 'complete', in_progress: false } });
  const listed = await world.raw('GET', '/api/v1/apps/encoder/releases?limit=5');
  expect(listed.json).toMatchObject({ releases: [{ version: 2 }, { version: 1, status: 'pending' }] });
  const current = 'query { app(name: $appName) { currentReleaseUnprocessed { imageRef } } }';
  expect(await graphql(world, current)).toMatchObject({
    data: { app: { currentReleaseUnprocessed: { imageRef: V2 } } },
  });
});

test('a release of no app, and a status of no release, are 404', async () => {
  const { raw } = lab(oneMachine());
  expect((await raw('POST', '/api/v1/releases', { app_name: 'none' })).status).toBe(404);
  expect((await raw('PATCH', '/api/v1/releases/none', { status: 'complete' })).status).toBe(404);
});

test('what flyctl asks beside the Machines API needs a token as well, and is not rate limited', async () => {
  const { raw } = lab(oneMachine({}, { tokens: ['right'], switches: { rateLimits: true } }));
  expect((await raw('POST', '/graphql', { query: '' })).status).toBe(401);
  const statuses: unknown[] = [];
  for (let i = 0; i < 12; i += 1) {
    const headers = { authorization: 'Bearer right' };
    statuses.push((await raw('GET', '/api/v1/organizations/personal', undefined, headers)).status);
  }
  expect(new Set(statuses)).toEqual(new Set([200]));
});
