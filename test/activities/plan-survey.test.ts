import { describe, expect, test } from 'vitest';
import type { PlanReport } from '../../src/domain/plan-report.js';
import { sayPlan } from '../../src/domain/say-plan.js';
import { drive } from '../../src/proof/drive.js';
import { createWorld, type World } from '../../src/proof/world.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import { INPUT, plan, V1, V2 } from './support.js';

type Block = Partial<NonNullable<NonNullable<ScenarioInput['apps']>[number]['machines']>[number]>;

const worldOf = (blocks: readonly Block[], more: object = {}): World =>
  createWorld({
    images: { [V1]: {}, [V2]: {} },
    apps: [{ name: 'encoder', machines: blocks.map((block) => ({ count: 1, image: V1, ...block })) }],
    ...more,
  });

const reportOf = async (blocks: readonly Block[]): Promise<PlanReport> => (await plan(worldOf(blocks))).report;

const sectionOf = (report: PlanReport, words: string) => report.sections.find(({ title }) => title.includes(words));

const service = (more: object = {}) => ({ services: [{ protocol: 'tcp', internal_port: 8080, ...more }] });
const ALWAYS = { restart: { policy: 'always' } };

describe('who never rests, by what Fly answers of a config', () => {
  const linesOf = async (config: Record<string, unknown>) =>
    sectionOf(await reportOf([{ state: 'started', config }]), 'Will not rest')?.lines.join('\n') ?? '';

  test.each<[string, Record<string, unknown>]>([
    ['nothing but restart policy always', ALWAYS],
    ['a service without a word on autostop', { ...ALWAYS, ...service() }],
    ['autostop false', { ...ALWAYS, ...service({ autostop: false }) }],
    ['autostop off', { ...ALWAYS, ...service({ autostop: 'off' }) }],
  ])('%s', async (_what, config) => {
    expect(await linesOf(config)).toContain('1 machine started, with restart policy "always"');
  });

  test.each<[string, Record<string, unknown>]>([
    ['no restart policy', {}],
    ['restart policy no', { restart: { policy: 'no' } }],
    ['autostop true', { ...ALWAYS, ...service({ autostop: true }) }],
    ['autostop suspend', { ...ALWAYS, ...service({ autostop: 'suspend' }) }],
    [
      'autostop on one of two services',
      { ...ALWAYS, services: [...service().services, ...service({ autostop: 'stop' }).services] },
    ],
  ])('not: %s', async (_what, config) => {
    expect(await linesOf(config)).toBe('');
  });

  test('services without autostop, and those that are always kept running, are told apart from it', async () => {
    expect(await linesOf(service())).toContain('they rest only when their program ends');
    expect(await linesOf(service({ autostop: true, min_machines_running: 1 }))).toContain('min_machines_running');
    expect(await linesOf(service({ autostop: true, min_machines_running: 0 }))).toBe('');
  });
});

describe('what differs inside a process group, by what Fly answers of a config', () => {
  const rowsOf = async (one: Block, other: Block) => {
    const report = await reportOf([
      { running: false, ...one },
      { running: false, ...other },
    ]);
    return sectionOf(report, 'Not alike')?.rows.map(
      (row) => `${row['what']} ${row['name']}: ${row['machines that have it']}`,
    );
  };
  const guest = (memory_mb: number) => ({ config: { guest: { cpu_kind: 'shared', cpus: 1, memory_mb } } });
  const checks = (interval: string) => ({ config: { checks: { alive: { type: 'http', port: 80, interval } } } });
  const mount = (volume: string, path: string) => ({ config: { mounts: [{ volume, path, size_gb: 1 }] } });

  test.each<[string, Block, Block, readonly string[]]>([
    ['an env key that one has not', { env: { A: '1', B: '1' } }, { env: { A: '1' } }, ['env B: 1 of 2']],
    ['an env key with two values', { env: { A: '1' } }, { env: { A: '2' } }, ['env A: all 2, in 2 forms']],
    [
      'the guest’s size',
      guest(256),
      guest(512),
      ['guest shared 1 CPU, 256 MB: 1 of 2', 'guest shared 1 CPU, 512 MB: 1 of 2'],
    ],
    ['a check', checks('10s'), checks('15s'), ['checks alive: all 2, in 2 forms']],
    ['a check that one has not', checks('10s'), {}, ['checks alive: 1 of 2']],
    [
      'a service’s settings',
      { config: service({ autostop: true }) },
      { config: service() },
      ['services tcp/8080: all 2, in 2 forms'],
    ],
    ['a mount', mount('vol_1', '/data'), mount('vol_2', '/cache'), ['mounts /cache: 1 of 2', 'mounts /data: 1 of 2']],
    ['a restart policy', { config: ALWAYS }, {}, ['restart always: 1 of 2', 'restart on-failure: 1 of 2']],
  ])('%s', async (_what, one, other, rows) => {
    expect(await rowsOf(one, other)).toEqual(rows);
  });

  test.each<[string, Block, Block]>([
    ['the volume, which is each machine’s own', mount('vol_1', '/data'), mount('vol_2', '/data')],
    [
      'the order of keys, and null for what is left out',
      { config: service({ autostop: true, force_instance_key: null }) },
      { config: { services: [{ autostop: true, internal_port: 8080, protocol: 'tcp' }] } },
    ],
    ['a default that is written', { config: { restart: { policy: 'on-failure', max_retries: 10 } } }, {}],
    ['another group', { env: { A: '1' }, group: 'web' }, { group: 'worker' }],
  ])('not %s', async (_what, one, other) => {
    expect(await rowsOf(one, other)).toBeUndefined();
  });
});

test('one image is counted once, however its machines’ configs write it', async () => {
  const digest = worldOf([{}]).simulator.machines('encoder')[0]?.digest;
  const report = await reportOf([{ count: 2 }, { image: `${V1}@${digest}` }, { image: V2, running: false }]);
  expect(sectionOf(report, 'Images')?.rows).toMatchObject([
    { image: `${V1}@${digest}`, machines: 3, is: '' },
    { image: expect.stringMatching(/:v2@sha256:/) as string, machines: 1, is: 'the target' },
  ]);
});

test('a cordoned machine is told, and updated all the same', async () => {
  const report = await reportOf([{ running: false, cordoned: true }]);
  expect(sectionOf(report, 'Unusual')?.rows).toMatchObject([{ what: 'cordoned', machines: 1 }]);
  expect(report.counts).toEqual({ ready: 1 });
});

test('a hold is found also where a lost host hides the config', async () => {
  const hold = { rollout: 'abcdef012345.aaaaaaaa', machine: 'a0000000000001', started: true, cordoned: false };
  const metadata = { layover_hold: JSON.stringify(hold) };
  const world = worldOf([{ ids: [hold.machine], running: false, metadata, host: { lostAtMs: 0 } }, { running: false }]);
  await world.clock.sleep(1);
  const { report } = await plan(world);
  expect(sectionOf(report, 'Held')?.rows).toMatchObject([{ 'left by': hold.rollout }]);
});

test('a second start of the change names the first, and how far it got', async () => {
  const world = worldOf([{ count: 3, running: false }]);
  await drive(world, { input: INPUT, start: 'early000' });
  await world.simulator.handle({
    method: 'POST',
    url: '/_simulator/create-machines',
    headers: {},
    body: JSON.stringify({ app: 'encoder', count: 1, image: V1, running: false }),
  });
  const { report } = await plan(world);
  expect(sectionOf(report, 'Earlier')?.rows).toMatchObject([
    { start: expect.stringMatching(/\.early000$/) as string, machines: 3, 'at target': 3 },
  ]);
  expect(report.headline).toBe(
    '4 machines selected: 3 at target, 1 idle and updated first, 0 working and updated when they stop',
  );
});

describe('the order', () => {
  test('is the one in which a sweep takes the machines when their updates take equally long', async () => {
    const places = ['ams', 'ord', 'syd'].flatMap((region) => ['web', 'worker'].map((group) => ({ region, group })));
    const blocks = places.map((place, n) => ({ ...place, count: n + 2, running: false }));
    const timing = { replaceMs: 1_000, pullMs: 500 };
    const { report } = await plan(worldOf(blocks, { timing }));
    const world = worldOf(blocks, { timing });
    const taken: string[] = [];
    await drive(world, { input: INPUT, start: 'bbbbbbbb', onLaunch: ({ machine }) => taken.push(machine.id) });
    const steps = report.machines.map(({ step }) => step ?? 0);
    expect(Math.max(...steps)).toBeGreaterThan(2);
    expect(new Set(taken.slice(0, 1))).toEqual(new Set([report.machines[0]?.id]));
    for (const step of new Set(steps)) {
      const planned = report.machines.flatMap((one) => (one.step === step ? [one.id] : []));
      const from = steps.indexOf(step);
      expect(taken.slice(from, from + planned.length).toSorted()).toEqual(planned.toSorted());
    }
  });
});

describe('nothing of a config crosses', () => {
  const SECRET = 'canary-5f2c';
  const block = (n: number): Block => ({
    running: n % 2 === 0,
    env: { TOKEN: `${SECRET}-${n}` },
    metadata: {
      note: `${SECRET}-${n}`,
      layover_hold: SECRET,
      fly_release_version: SECRET,
      layover_rollout: SECRET,
    },
    config: {
      init: { cmd: [SECRET] },
      files: [{ guest_path: '/key', raw_value: SECRET }],
      checks: {
        alive: { type: 'http', port: 80, path: `/?key=${SECRET}-${n}`, headers: [{ name: 'x', values: [SECRET] }] },
      },
      services: [{ protocol: 'tcp', internal_port: 80 + n, ports: [{ port: 443, handlers: [SECRET] }] }],
      mounts: [{ volume: SECRET, path: '/data', name: `${SECRET}-${n}` }],
      restart: { policy: 'always' },
    },
  });

  test('into the plan or its report, whatever differs', async () => {
    const { plan: made, report } = await plan(worldOf([0, 1, 2, 3].map(block)));
    expect(sectionOf(report, 'Not alike')?.rows.map((row) => row['name'])).toEqual(
      expect.arrayContaining(['TOKEN', 'alive', 'tcp/80']),
    );
    expect(JSON.stringify({ made, report })).not.toContain(SECRET);
    expect(sayPlan(report).join('\n')).not.toContain(SECRET);
  });
});

describe('a plan of ten thousand machines', () => {
  const long = (word: string, n: number, length: number) => `${word}-${n}-`.padEnd(length, 'x');
  const blocks = Array.from({ length: 500 }, (_, n): Block => {
    const group = long('group', n % 250, 200);
    return {
      count: 20,
      region: ['ams', 'iad', 'ord', 'syd'][n % 4] ?? 'ord',
      group,
      image: `registry.fly.io/encoder:${long('tag', n, 120)}`,
      running: n % 3 === 0,
      cordoned: n % 5 === 0,
      env: { [long('KEY', n, 200)]: 'x' },
      metadata: { fly_release_version: String(n), layover_hold: '{}' },
      config: n % 2 === 0 ? ALWAYS : service(),
    };
  });

  test('with hundreds of images, groups and long names has at most 100 KB, and writes nothing', async () => {
    const world = worldOf(blocks);
    const { report } = await plan(world);
    expect(report.counts['ready']).toBeGreaterThan(6_000);
    expect(report.machines).toHaveLength(200);
    expect(report.sections.length).toBeGreaterThan(6);
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(100_000);
    const calls = world.simulator.journal.entries().filter((entry) => 'op' in entry);
    expect(new Set(calls.map((entry) => ('op' in entry ? entry.method : '')))).toEqual(new Set(['GET']));
  });
});
