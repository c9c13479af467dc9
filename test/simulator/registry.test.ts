import { expect, test } from 'vitest';
import { ManifestIndex } from '../../src/fly/wire.js';
import { imageRefOf, parseReference } from '../../src/simulator/images.js';
import { lab, M1, oneMachine, V1, V2 } from './support.js';

const SINGLE = 'registry.fly.io/encoder:single';
const DIGEST = `sha256:${'a'.repeat(64)}`;
const world = (extra = {}) =>
  lab(oneMachine({}, { images: { [V1]: {}, [V2]: {}, [SINGLE]: { single: true, digest: DIGEST } }, ...extra }));

test('a tag answers an index whose linux/amd64 entry is the digest that machines report', async () => {
  const { raw, update, get } = world();
  const reply = await raw('GET', '/v2/encoder/manifests/v2', undefined, { authorization: '' });
  expect(reply.headers).toMatchObject({ 'content-type': 'application/vnd.oci.image.index.v1+json' });
  const { manifests } = ManifestIndex.parse(reply.json);
  const platforms = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`);
  expect(platforms.toSorted()).toEqual(['linux/amd64', 'linux/arm64', 'unknown/unknown']);
  await update({ image: V2 });
  expect(manifests[platforms.indexOf('linux/amd64')]?.digest).toBe((await get()).image_ref?.digest);
  expect(reply.headers['docker-content-digest']).not.toBe((await get()).image_ref?.digest);
});

test('an image pinned by the digest of its index runs the linux/amd64 one', async () => {
  const { raw, update, get } = world();
  const index = (await raw('GET', '/v2/encoder/manifests/v2')).headers['docker-content-digest'];
  await update({ image: `registry.fly.io/encoder@${index}` });
  const pinned = (await get()).image_ref?.digest;
  const { manifests } = ManifestIndex.parse((await raw('GET', `/v2/encoder/manifests/${index}`)).json);
  expect(manifests.find(({ platform }) => platform?.architecture === 'amd64')?.digest).toBe(pinned);
});

test('an image of one platform answers its manifest under its own digest', async () => {
  const { raw } = world();
  for (const reference of ['single', DIGEST]) {
    const reply = await raw('GET', `/v2/encoder/manifests/${reference}`);
    expect(reply.headers['docker-content-digest']).toBe(DIGEST);
    expect(reply.json).toMatchObject({ mediaType: 'application/vnd.oci.image.manifest.v1+json' });
  }
});

test('HEAD answers the same headers and no body', async () => {
  const { raw } = world();
  const reply = await raw('HEAD', '/v2/encoder/manifests/v2');
  expect(reply).toMatchObject({ status: 200, text: '' });
  expect(reply.headers['docker-content-digest']).toMatch(/^sha256:/);
});

test('an unknown tag, digest or repository is 404 in the shape of registries', async () => {
  const { raw } = world();
  for (const path of ['encoder/manifests/none', `encoder/manifests/sha256:${'0'.repeat(64)}`, 'a/b/c/manifests/v1']) {
    expect(await raw('GET', `/v2/${path}`)).toMatchObject({
      status: 404,
      json: { errors: [{ code: 'MANIFEST_UNKNOWN' }] },
    });
  }
});

test('the registry may let nobody in, or not answer at all', async () => {
  const { raw } = world({
    faults: [
      { on: 'manifest', times: 1, effect: { answer: { status: 401, headers: { 'www-authenticate': 'Bearer' } } } },
      { on: 'manifest', times: 1, effect: { cut: true } },
    ],
  });
  expect(await raw('GET', '/v2/encoder/manifests/v2')).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': 'Bearer' },
    json: { errors: [{ code: 'UNAUTHORIZED' }] },
  });
  expect((await raw('GET', '/v2/encoder/manifests/v2')).status).toBe('cut');
  expect((await raw('GET', '/v2/encoder/manifests/v2')).status).toBe(200);
});

test('a tag may move; its old digest stays what it was', async () => {
  const { raw, update, get, happened, call } = world();
  await update({ image: V2 });
  const old = (await get()).image_ref?.digest;
  expect((await raw('POST', '/_simulator/images', { ref: V2 })).status).toBe(200);
  expect(happened('image-moved')).toMatchObject([{ image: V2 }]);
  await call('GET', `/machines/${M1}/wait`);
  await update({ image: V2 });
  expect((await get()).image_ref?.digest).not.toBe(old);
  await call('GET', `/machines/${M1}/wait`);
  await update({ image: `${V2}@${old}` });
  expect((await get()).image_ref?.digest).toBe(old);
});

test.each([
  ['nginx', { registry: 'docker.io', repository: 'library/nginx', tag: 'latest' }],
  ['me/app:1', { registry: 'docker.io', repository: 'me/app', tag: '1' }],
  ['localhost:5000/a/b:c', { registry: 'localhost:5000', repository: 'a/b', tag: 'c' }],
  [`ghcr.io/a/b@${DIGEST}`, { registry: 'ghcr.io', repository: 'a/b', tag: undefined, digest: DIGEST }],
  [`ghcr.io/a/b:c@${DIGEST}`, { registry: 'ghcr.io', repository: 'a/b', tag: 'c', digest: DIGEST }],
])('the reference %s is read as Docker reads it', (ref, parts) => {
  expect(parseReference(ref)).toMatchObject(parts);
});

test('image_ref of an image that cannot be pulled has the digest it asked for, or none', () => {
  expect(imageRefOf(`ghcr.io/a/b@${DIGEST}`, undefined)).toMatchObject({ tag: '', digest: DIGEST });
  expect(imageRefOf('ghcr.io/a/b:c', undefined)).toMatchObject({ tag: 'c', digest: '' });
});
