import { expect, test } from 'vitest';
import { byHand } from '../../src/proof/by-hand.js';
import { drive } from '../../src/proof/drive.js';
import { cluster } from '../../src/proof/groups.js';
import type { World } from '../../src/proof/world.js';

/** `only` narrows whom a rollout writes to, never whom a group counts on: who is left out is capacity all the same. */

const APP = 'storm';
const NEW = `registry.fly.io/${APP}:v2`;

const zk = (world: World) => world.simulator.machines(APP).filter(({ group }) => group === 'zk');

const rewritten = (world: World): string[] => zk(world).flatMap(({ id, image }) => (image.startsWith(NEW) ? [id] : []));

const cordon = async (world: World, id = '') =>
  expect(await byHand(world, `${APP}/machines/${id}/cordon`, {})).toMatchObject({ status: 200 });

/** The outcome of a rollout to zk in one region only, aborted after an hour. */
async function zkIn(world: World, region: string | undefined, own: object) {
  const input = { app: APP, image: NEW, bake: '1m', groups: [{ group: 'zk', ...own }], only: { regions: [region] } };
  const said = [{ atMs: 3_600_000, verb: 'abort' as const }];
  const { end } = await drive(world, { type: 'processGroup', start: 'a', input, said });
  return 'outcome' in end ? end.outcome : end.kind;
}

const OWN = [
  ['a count of its own', { maxUnavailable: 1 }],
  ['"whole"', { whole: true }],
] as const;

test.each(OWN)('a cluster with %s is not touched in one region while it lacks one in another', async (_, own) => {
  const world = cluster(1);
  const [one, other] = zk(world);
  await cordon(world, one?.id);
  expect(await zkIn(world, other?.region, own)).toBe('aborted');
  expect(rewritten(world)).toEqual([]);
});

test.each(OWN)('a cluster with %s that is well goes on in the region that is named', async (_, own) => {
  const world = cluster(1);
  const [, other] = zk(world);
  expect(await zkIn(world, other?.region, own)).toBe('completed');
  expect(rewritten(world)).toEqual([other?.id]);
});
