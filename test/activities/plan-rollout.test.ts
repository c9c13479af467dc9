import { describe, expect, test } from 'vitest';
import { planRollout } from '../../activities/plan-rollout.js';
import { Refused } from '../../activities/plan/refused.js';
import type { Transport } from '../../src/fly/transport.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { INPUT, V1, V2 } from './support.js';

const OTHER = 'registry.fly.io/worker:v7';

/** Ten machines of one app in two regions and groups, and what else the tests need. */
const fleet = (more: object = {}): World =>
  createWorld({
    images: { [V1]: {}, [V2]: {}, [OTHER]: {} },
    apps: [
      {
        name: 'encoder',
        machines: [
          { ids: ['3d8d413b29d089', '3d8d413b29d090'], image: V1, running: false, group: 'worker' },
          { count: 2, image: V1, group: 'worker', region: 'ams', metadata: { tier: 'gold' } },
          { count: 1, image: V1, state: 'suspended', region: 'ams', group: 'web' },
          { count: 1, image: V1, managed: false, running: false },
          { count: 1, image: V1, running: false, group: 'fly_app_release_command' },
          { count: 1, image: V1, running: false, config: { containers: [{ name: 'main', image: V1 }] } },
        ],
      },
      {
        name: 'mixed',
        machines: [
          { count: 1, image: V1 },
          { count: 2, image: OTHER },
        ],
      },
      { name: 'theirs', foreignOrg: true },
      { name: 'hollow' },
    ],
    ...more,
  });

const plan = (world: World, input: unknown) =>
  planRollout({ type: 'stoppedSweep', input, start: 'aaaaaaaa' }, world.deps);

async function problemsOf(world: World, input: unknown): Promise<readonly string[]> {
  const refused = await plan(world, input).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(refused instanceof Refused)) throw new Error(`not refused: ${String(refused)}`);
  return refused.problems;
}

/** Nothing but reads. */
const readsOnly = (world: World): boolean =>
  world.simulator.journal.entries().every((entry) => !('op' in entry) || entry.method === 'GET');

describe('refused before any write, with the field and the way out', () => {
  const REFUSALS: readonly (readonly [title: string, input: object, problems: readonly (string | RegExp)[]])[] = [
    [
      'an unknown key and a wrong duration, both at once',
      { ...INPUT, tiemout: 1, deadline: 'soon' },
      [/^deadline: "soon" is no duration; write it like "90s", "10m", "6h" or "1h30m"$/, /^tiemout: is not an option/],
    ],
    [
      'a region that the app has not',
      { ...INPUT, only: { regions: ['lhr', 'ams'] } },
      ['only.regions: region "lhr" is not in this app; it has ams, ord'],
    ],
    [
      'a process group that the app has not',
      { ...INPUT, except: { processGroups: ['wroker'] } },
      [/^except\.processGroups: process group "wroker" is not in this app; it has app, fly_app_release_command, web/],
    ],
    [
      'an unknown machine id',
      { ...INPUT, only: { machines: ['ffffffffffffff'] } },
      [/^only\.machines: machine "ffffffffffffff" is not in this app; it has /],
    ],
    [
      'metadata that no machine has',
      { ...INPUT, only: { metadata: { tier: 'silver' } } },
      ['only.metadata.tier: no machine has "silver" there'],
    ],
    [
      'a selection that is valid name by name and matches nothing',
      { ...INPUT, only: { regions: ['ams'], machines: ['3d8d413b29d089'] } },
      [/^only\/except: no machine of "encoder" is selected/],
    ],
    [
      'a selection that except empties',
      { ...INPUT, except: { regions: ['ams', 'ord'] } },
      [/^only\/except: no machine of "encoder" is selected/],
    ],
    ['an app without machines', { app: 'hollow', image: V2 }, [/^only\/except: .* the app has 0 machines$/]],
    [
      'an app that does not exist',
      { app: 'nope', image: V2 },
      [/^app: Fly knows no app "nope"; look it up with fly apps list \(app nope: Fly does not know it \(HTTP 404\)/],
    ],
    [
      'an app of another organisation',
      { app: 'theirs', image: V2 },
      [
        /^app: "theirs" belongs to another organisation, or the worker's token may not read it; give the worker a token/,
      ],
    ],
    [
      'an image that the registry does not know',
      { app: 'encoder', image: 'registry.fly.io/encoder:v404' },
      ['image: the registry does not know registry.fly.io/encoder:v404; push it first, or correct the reference'],
    ],
    [
      'a digest that the registry does not know',
      { app: 'encoder', image: `registry.fly.io/encoder@sha256:${'0'.repeat(64)}` },
      [/^image: the registry does not know registry\.fly\.io\/encoder@sha256:0+; push it first/],
    ],
    [
      'an unknown region and an unknown tag, both at once',
      { app: 'encoder', image: 'registry.fly.io/encoder:v404', only: { regions: ['mars'] } },
      [/^only\.regions: region "mars" is not in this app/, /^image: the registry does not know/],
    ],
    [
      'an image of another repository',
      { app: 'mixed', image: V2 },
      [
        /^image: 2 selected machines run another repository \(.*: registry\.fly\.io\/worker\) than registry\.fly\.io\/enco/,
      ],
    ],
  ];

  test.each(REFUSALS.map(([title, input, problems]) => ({ title, input, problems })))(
    '$title',
    async ({ input, problems }) => {
      const world = fleet();
      const found = await problemsOf(world, input);
      expect(found).toHaveLength(problems.length);
      const misfits = found.filter((text, index) => {
        const problem = problems[index] ?? '';
        return typeof problem === 'string' ? text !== problem : !problem.test(text);
      });
      expect(misfits).toEqual([]);
      expect(readsOnly(world)).toBe(true);
    },
  );

  test('a bad token says which variable to set', async () => {
    const world = fleet({ tokens: ['another'] });
    const [problem] = await problemsOf(world, INPUT);
    expect(problem).toMatch(/^app: Fly does not accept the worker's token; set FLY_API_TOKEN of the worker/);
    expect(problem).not.toContain('simulated');
  });

  test('a list that is empty three times where the app counts machines', async () => {
    const world = fleet({ faults: [{ on: 'list', effect: { emptyList: true } }] });
    expect(await problemsOf(world, INPUT)).toEqual([
      'app: Fly lists 0 machines of "encoder" where it counts 8, three times in a row; start again when the list is whole',
    ]);
    expect(world.simulator.journal.entries().filter((entry) => 'op' in entry && entry.op === 'list')).toHaveLength(3);
  });

  test('an input is parsed before anything is called', async () => {
    const world = fleet();
    await problemsOf(world, { app: 'encoder' });
    expect(world.simulator.journal.entries().some((entry) => 'op' in entry)).toBe(false);
  });

  test('a Fly that is away is no refusal: Temporal tries again', async () => {
    const world = fleet({ faults: [{ on: 'list', effect: { answer: { status: 503, error: 'x' } } }] });
    await expect(plan(world, INPUT)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('the plan', () => {
  test('counts every machine once, says what is left and why, and writes nothing', async () => {
    const world = fleet();
    const { plan: made, report } = await plan(world, INPUT);
    expect(report.counts).toEqual({ ready: 2, straggler: 2, suspended: 1, unmanaged: 1, special: 1, containers: 1 });
    expect(report.headline).toBe(
      '4 machines selected: 0 at target, 2 idle and updated first, 2 working and updated when they stop',
    );
    expect(report.machines.map((machine) => machine.standing)).toEqual(['ready', 'ready', 'straggler', 'straggler']);
    for (const words of ['"unmanaged": "include"', '"suspended": "update"', 'not for its containers', 'for a moment']) {
      expect(report.notes.join('\n')).toContain(words);
    }
    expect(made).toMatchObject({ selected: 4, listed: 8, deadlineMs: 86_400_000 });
    expect(readsOnly(world)).toBe(true);
  });

  test('what "unmanaged" and "suspended" take in is taken in', async () => {
    const { report } = await plan(fleet(), { ...INPUT, unmanaged: 'include', suspended: 'update' });
    expect(report.counts).toMatchObject({ ready: 4, straggler: 2 });
  });

  test('only is AND between keys, except is any key', async () => {
    const only = await plan(fleet(), { ...INPUT, only: { regions: ['ams'], metadata: { tier: 'gold' } } });
    expect(only.plan.selected).toBe(2);
    const except = await plan(fleet(), { ...INPUT, except: { regions: ['ams'], machines: ['3d8d413b29d089'] } });
    expect(except.plan.selected).toBe(1);
  });

  test('two starts of the same change share the hash, another image or env has another', async () => {
    const hash = async (input: object) => (await plan(fleet(), input)).plan.context.rollout.hash;
    const first = await hash(INPUT);
    expect(first).toMatch(/^[0-9a-f]{12}$/);
    expect(await hash({ ...INPUT, only: { regions: ['ams'] }, deadline: '1h' })).toBe(first);
    expect(await hash({ ...INPUT, env: { A: '1' } })).not.toBe(first);
    expect(await hash({ app: 'encoder', image: V1 })).not.toBe(first);
    expect(await hash({ app: 'encoder', env: { A: '1', B: null } })).toBe(
      await hash({ app: 'encoder', env: { B: null, A: '1' } }),
    );
  });

  test('no value of an env reaches the report', async () => {
    const { report } = await plan(fleet(), { app: 'encoder', env: { API_KEY: 'tell-nobody' } });
    expect(report.target).toBe('env API_KEY');
    expect(JSON.stringify(report)).not.toContain('tell-nobody');
  });
});

describe('the pin', () => {
  const pinOf = async (world: World, input: object = INPUT) => {
    const { plan: made } = await plan(world, input);
    return { pin: made.context.pin, notes: made.notes.join('\n') };
  };
  const digestOf = (world: World) => world.simulator.machines('encoder')[0]?.digest;

  test('is the linux/amd64 entry of an index, which is what machines show', async () => {
    const { pin } = await pinOf(fleet(), { app: 'encoder', image: V1 });
    expect(pin).toBe(digestOf(fleet()));
  });

  test('is the digest of a tag that holds one image', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`;
    const { pin } = await pinOf(fleet({ images: { [V1]: {}, [V2]: { single: true, digest } } }));
    expect(pin).toBe(digest);
  });

  test('is the digest that the operator wrote where it is an image’s own', async () => {
    const world = fleet();
    const digest = digestOf(world);
    expect(await pinOf(world, { app: 'encoder', image: `${V1}@${digest}` })).toMatchObject({ pin: digest });
  });

  test('is what machines will show where the operator wrote the digest of an index', async () => {
    const world = fleet();
    const request = { method: 'GET', url: '/v2/encoder/manifests/v1', headers: {} };
    const answer = await world.simulator.handle(request);
    const index = answer === 'cut' ? undefined : answer.headers['docker-content-digest'];
    expect(index).not.toBe(digestOf(world));
    expect(await pinOf(world, { app: 'encoder', image: `${V1}@${index}` })).toMatchObject({ pin: digestOf(world) });
  });

  test('of a written digest is learnt from the first machine while the registry is silent, unless the fleet runs it', async () => {
    const faults = [{ on: 'manifest', effect: { answer: { status: 500, error: 'no' } } }];
    const own = digestOf(fleet());
    expect(await pinOf(fleet({ faults }), { app: 'encoder', image: `${V1}@${own}` })).toMatchObject({ pin: own });
    const index = `registry.fly.io/encoder:v2@sha256:${'cd'.repeat(32)}`;
    const { pin, notes } = await pinOf(fleet({ faults }), { app: 'encoder', image: index });
    expect(pin).toBeUndefined();
    expect(notes).toContain('one machine is updated first, and its digest becomes the pin');
  });

  test.each([401, 403, 500])('a registry that answers %i is said; the fleet is the second witness', async (status) => {
    const faults = [{ on: 'manifest', effect: { answer: { status, error: 'no' } } }];
    const { pin, notes } = await pinOf(fleet({ faults }), { app: 'encoder', image: V1 });
    expect(pin).toBe(digestOf(fleet()));
    expect(notes).toContain(`registry.fly.io answered HTTP ${status}`);
    expect(notes).toContain('pinned to the digest that the fleet runs under');
  });

  test('a registry that is cut off, and no witness: the first updated machine will tell', async () => {
    const { pin, notes } = await pinOf(fleet({ faults: [{ on: 'manifest', effect: { cut: true } }] }));
    expect(pin).toBeUndefined();
    expect(notes).toContain('registry.fly.io could not be reached');
    expect(notes).toContain('one machine is updated first, and its digest becomes the pin');
  });

  test('the token goes to Fly’s registry only', async () => {
    const world = fleet();
    const asked: Record<string, string | undefined> = {};
    const transport: Transport = (request) => {
      if (request.url.includes('/v2/')) asked[request.url] = request.headers['authorization'];
      return world.transport(request);
    };
    const deps = world.depsOver(transport);
    await deps.findDigest('registry.fly.io/encoder', 'v2');
    await deps.findDigest('ghcr.io/somebody/encoder', 'v2');
    await deps.findDigest('encoder', 'v2');
    expect(Object.values(asked).map((header) => header?.split(' ')[0])).toEqual(['Basic', undefined, undefined]);
    expect(Object.keys(asked).at(-1)).toContain('/v2/library/encoder/manifests/v2');
  });
});
