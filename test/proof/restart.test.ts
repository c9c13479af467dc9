import { describe, expect, test } from 'vitest';
import { drive, type DriveOptions, type Driven } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';
import { APP, CHECKED, deployByHand, expectClean, MINUTE, NEW, OLD, on, post, writes } from './canaries.js';

/** Changes that are no image: machines start anew where they must, and idle ones are left alone. */

const block = (state: string, count: number, more: object = {}) => ({
  count,
  region: 'ams',
  image: OLD,
  state,
  ...(state === 'started' ? { running: true } : {}),
  config: CHECKED,
  ...more,
});

/** 60 machines, half of them stopped, born some minutes ago; then a secret is set. */
async function withNewSecrets(
  blocks: readonly object[] = [block('started', 30), block('stopped', 30)],
): Promise<World> {
  const app = { name: APP, machines: blocks, secrets: { TOKEN: 'old' } };
  const world = createWorld({ seed: 5, images: { [OLD]: {}, [NEW]: {} }, apps: [app] });
  await world.clock.sleep(30 * MINUTE);
  await setSecret(world);
  await world.clock.sleep(5 * MINUTE);
  return world;
}

/** As `fly secrets set --stage` does. */
async function setSecret(world: World): Promise<void> {
  const headers = { authorization: 'Bearer by-hand', 'content-type': 'application/json' };
  const body = JSON.stringify({ values: { TOKEN: `set at ${world.clock.now()}` } });
  const answer = await world.simulator.handle({ method: 'POST', url: `/v1/apps/${APP}/secrets`, headers, body });
  expect(answer).toMatchObject({ status: 200 });
}

const canary = (world: World, input: object, options: Partial<DriveOptions> = {}): Promise<Driven> =>
  drive(world, { type: 'regionalCanary', start: 'r', ...options, input: { app: APP, bake: '1m', ...input } });

const sweep = (world: World, input: object, options: Partial<DriveOptions> = {}): Promise<Driven> =>
  drive(world, { type: 'stoppedSweep', start: 's', ...options, input: { app: APP, ...input } });

const outcomeOf = ({ end }: Driven) => ('outcome' in end ? end.outcome : end.kind);

/** What works, by the version of the secrets that it booted with. */
const secretsOf = (world: World, state: string) =>
  world.simulator.machines(APP).flatMap((one) => (one.state === state ? [one.secretsVersion] : []));

test('new secrets: working machines start anew under the limits, stopped ones get no write, and again nothing is written', async () => {
  const world = await withNewSecrets();
  const stopped = new Set(world.simulator.machines(APP).flatMap(({ id, state }) => (state === 'stopped' ? [id] : [])));
  expect(outcomeOf(await canary(world, { restart: 'secrets', minSecretsVersion: 2 }))).toBe('completed');
  expect(writes(world)).toHaveLength(30);
  expect(writes(world).filter(({ machine }) => stopped.has(machine))).toEqual([]);
  expect(new Set(secretsOf(world, 'started'))).toEqual(new Set([2]));
  expect(outcomeOf(await canary(world, { restart: 'secrets' }, { start: 't' }))).toBe('completed');
  expect(writes(world)).toHaveLength(30);
  expectClean(world);
});

test('a sweep with a restart waits for working machines, and stops them past "forceAfter" without a write', async () => {
  const world = await withNewSecrets([block('started', 6), block('stopped', 6)]);
  const input = { restart: 'secrets', forceAfter: '10m', maxUnavailable: '50%', ramp: 'off' };
  expect(outcomeOf(await sweep(world, input))).toBe('completed');
  expect(writes(world)).toEqual([]);
  expect(secretsOf(world, 'started')).toEqual(Array(6).fill(2));
  expectClean(world);
});

test('image, env and restart are one write a machine', async () => {
  const world = await withNewSecrets([block('started', 6)]);
  expect(outcomeOf(await canary(world, { image: NEW, env: { LOG: 'debug' }, restart: 'secrets' }))).toBe('completed');
  expect([writes(world).length, on(world, NEW).length]).toEqual([6, 6]);
});

test('who has started since the time that is written is left alone', async () => {
  const world = await withNewSecrets([block('started', 6)]);
  const since = new Date(world.clock.now()).toISOString();
  await world.clock.sleep(MINUTE);
  await deployByHand(world);
  const before = writes(world).length;
  expect(outcomeOf(await canary(world, { restart: since }))).toBe('completed');
  expect(writes(world).length - before).toBe(5);
});

test('a suspended machine goes on with the old secrets: it is left or updated, never taken for done', async () => {
  const world = await withNewSecrets([block('started', 2), block('suspended', 2)]);
  const { state } = await canary(world, { restart: 'secrets' });
  expect(state.seen?.outside.suspended).toBe(2);
  expect(writes(world)).toHaveLength(2);
  expect(outcomeOf(await canary(world, { restart: 'secrets', suspended: 'update' }, { start: 't' }))).toBe('completed');
  expect(writes(world)).toHaveLength(4);
});

test('"now" becomes a time when planned, which the plan names', async () => {
  const world = await withNewSecrets([block('started', 2)]);
  const { state } = await canary(world, { restart: 'now' });
  const at = new Date(state.plan.context.change.startedSince ?? 0).toISOString();
  expect(state.plan.target).toBe(`a start since ${at}`);
  expect(state.plan.notes.join('\n')).toContain(`write "restart": "${at}"`);
});

test('a restart alone cannot be taken back, and the verb says so', async () => {
  const world = await withNewSecrets([block('started', 4)]);
  const said = [{ atMs: 1_000, verb: 'rollback' as const }];
  expect(outcomeOf(await canary(world, { restart: 'secrets' }, { said }))).toBe('completed');
  expect(writes(world)).toHaveLength(4);
});

/** One more secret is set as soon as `after` machines have been written. */
function setDuring(world: World, after: number): { watch: () => void; before: () => number } {
  let before: number | undefined;
  const watch = () => {
    if (before !== undefined || writes(world).length < after) return;
    before = writes(world).length;
    void setSecret(world);
  };
  return { watch, before: () => before ?? 0 };
}

describe('a secret that is set while a restart for secrets runs', () => {
  test('ends it Partial where machines started before that, and the next start takes those alone', async () => {
    const world = await withNewSecrets([block('started', 12), block('stopped', 4)]);
    const { watch, before } = setDuring(world, 5);
    const { end } = await canary(world, { restart: 'secrets' }, { watch });
    const first = writes(world).length;
    const old = secretsOf(world, 'started').filter((version) => version === 2).length;
    expect(old).toBeGreaterThanOrEqual(before() - 1);
    const says = 'outcome' in end ? end.says : '';
    expect(says).toMatch(/^a secret was set meanwhile \(.+Z\), and \d+ machines started before that$/);
    const told = Number(/(\d+) machines/.exec(says)?.[1]);
    // Fly tells whole seconds: who started in the same one may have read the old value.
    expect([old, old + 1]).toContain(told);
    expect(outcomeOf(await canary(world, { restart: 'secrets' }, { start: 't' }))).toBe('completed');
    expect(writes(world).length - first).toBe(told);
    expect(new Set(secretsOf(world, 'started'))).toEqual(new Set([3]));
    expectClean(world);
  });

  test('changes nothing where all have started since', async () => {
    const world = await withNewSecrets([block('started', 4)]);
    const { watch } = setDuring(world, 4);
    const again = async () => {
      await world.clock.sleep(5 * MINUTE);
      for (const { id } of world.simulator.machines(APP)) {
        await post(world, `/${id}/stop`, {});
        await world.clock.sleep(30_000);
        await post(world, `/${id}/start`, {});
      }
    };
    const restarted = again();
    expect(outcomeOf(await canary(world, { restart: 'secrets', bake: '20m' }, { watch }))).toBe('completed');
    await restarted;
    expect(secretsOf(world, 'started')).toEqual([3, 3, 3, 3]);
  });

  test('is nothing to a restart that names its time', async () => {
    const world = await withNewSecrets([block('started', 4)]);
    const { watch } = setDuring(world, 2);
    expect(outcomeOf(await canary(world, { restart: 'now' }, { watch }))).toBe('completed');
  });
});

describe('secrets that cannot be read again in the end', () => {
  test.each([500, 403])('end nothing, and it is said: HTTP %i', async (status) => {
    const world = await withNewSecrets([block('started', 4)]);
    const fault = { on: 'secrets', skip: 1, effect: { answer: { status } } };
    const call = { method: 'POST', url: '/_simulator/faults', headers: {}, body: JSON.stringify(fault) };
    expect(await world.simulator.handle(call)).toMatchObject({ status: 201 });
    const said = [{ atMs: 120 * MINUTE, verb: 'abort' as const }];
    const { end, state } = await canary(world, { restart: 'secrets' }, { said });
    expect(end).toMatchObject({
      outcome: 'completed',
      says: expect.stringContaining('whether a secret was set meanwhile could not be read') as string,
    });
    expect(state.pausedMs).toBe(0);
  });
});

test('a way back of an image and a restart is none of secrets: one that is set meanwhile changes no end', async () => {
  const world = await withNewSecrets([block('started', 4)]);
  const said = [
    { atMs: 5 * MINUTE, verb: 'rollback' as const },
    { atMs: 120 * MINUTE, verb: 'abort' as const },
  ];
  let isSet = false;
  const watch = (loop: { state: () => Driven['state'] }) => {
    if (isSet || loop.state().turned === undefined) return;
    isSet = true;
    void setSecret(world);
  };
  const input = { image: NEW, restart: 'secrets', bake: '1h' };
  expect(outcomeOf(await canary(world, input, { said, watch }))).toBe('rolledBack');
  expect(on(world, OLD)).toHaveLength(4);
});

describe('refused before any write', () => {
  test('a time that is still to come', async () => {
    const world = await withNewSecrets();
    const restart = new Date(world.clock.now() + MINUTE).toISOString();
    await expect(canary(world, { restart })).rejects.toThrow('restart: the time is still to come');
    expect(writes(world)).toEqual([]);
  });

  test('"secrets" of an app that has none', async () => {
    const world = createWorld({
      seed: 5,
      images: { [OLD]: {} },
      apps: [{ name: APP, machines: [block('started', 2)] }],
    });
    await expect(canary(world, { restart: 'secrets' })).rejects.toThrow('restart: "shop" has no secrets');
    expect(writes(world)).toEqual([]);
  });
});
