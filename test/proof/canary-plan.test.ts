import { expect, test } from 'vitest';
import { planRollout } from '../../activities/plan-rollout.js';
import { sayPlan } from '../../src/domain/say-plan.js';
import { CHECKED } from '../../src/proof/serving.js';
import { createWorld } from '../../src/proof/world.js';

const OLD = 'registry.fly.io/shop:v1';
const NEW = 'registry.fly.io/shop:v2';

const world = () =>
  createWorld({
    seed: 2,
    images: { [OLD]: {}, [NEW]: {} },
    apps: [
      {
        name: 'shop',
        machines: ['ams', 'dfw', 'ord'].flatMap((region, n) => [
          { count: 4 + n, region, image: OLD, state: 'started', running: true, config: CHECKED },
          { count: 1, region, image: OLD, state: 'stopped', config: CHECKED },
        ]),
      },
    ],
  });

const plan = async (input: object) => {
  const order = { type: 'regionalCanary', start: 'aaaaaaaa', input: { app: 'shop', image: NEW, ...input } };
  return planRollout(order, world().deps);
};

test('the plan of a canary names its steps with their machines, the time, the capacity and what it can see', async () => {
  const { report } = await plan({ regions: ['ams', ['dfw', 'ord']], batches: [2, 3], gates: ['approval'] });
  const lines = sayPlan(report);
  if (process.env['SHOW']) console.log(lines.join('\n'));
  expect(report.headline).toBe('18 machines selected: 0 at target, 3 idle, 15 working and updated where they are');
  const steps = report.sections.find(({ title }) => title === 'Steps');
  expect(steps?.rows.map((row) => [row['step'], row['machines']])).toEqual([
    ['ams:batch-1', 2],
    ['ams:batch-2', 2],
    ['ams:rest', 1],
    ['ams:bake', ''],
    ['ams:approval', ''],
    ['dfw+ord:batch-1', 2],
    ['dfw+ord:batch-2', 3],
    ['dfw+ord:rest', 8],
    ['dfw+ord:bake', ''],
  ]);
  expect(steps?.lines.join('\n')).toContain('2 machines find a fault that hits half of them with 75 %');
  expect(report.sections.find(({ title }) => title === 'Capacity')?.rows).toHaveLength(3);
});

test('without "regions" every region has its turn, the smallest first', async () => {
  const { plan: made } = await plan({});
  expect(made.steps.filter(({ kind }) => kind === 'bake').map(({ name }) => name)).toEqual([
    'ams:bake',
    'dfw:bake',
    'ord:bake',
    'late:bake',
  ]);
});

test('a canary that names its regions, and not all that are left, is for those only', async () => {
  const { plan: made } = await plan({ regions: ['ams'] });
  expect(made.selected).toBe(5);
});

test.each([
  [{ regions: ['ams', 'xxx'] }, 'regions: "xxx" has no selected machine; there are some in ams'],
  [{ regions: ['ams', 'ams'] }, 'regions: names "ams" twice'],
  [{ regions: ['*', 'ams'] }, 'regions: "*" must be the last'],
  [{ regions: [['ams', '*']] }, 'regions: "*" stands alone'],
  [{ regions: [] }, 'regions: must name at least one region'],
  [{ batches: [0] }, 'batches: must each be at least 1'],
  [{ bake: '0s' }, 'bake: must be longer than nothing'],
  [{ deadline: '1h' }, 'deadline: is not for this type'],
  [{ gates: ['approve'] }, 'gates.0: must be "approval"'],
  [{ gates: [{ prometheus: { query: 'up' } }] }, 'gates.0.prometheus: needs "min" or "max"'],
  [
    { gates: [{ prometheus: { query: 'up{a="{{node}}"}', max: 1 } }] },
    'gates.0.prometheus.query: {{node}} is not known',
  ],
  [
    { gates: [{ prometheus: { query: 'up', max: 1, minSamples: 3 } }] },
    'gates.0.prometheus.minSamples: needs "samples"',
  ],
  [{ gates: [{ prometheus: { query: 'up', max: 1 } }] }, 'the worker’s config (LAYOVER_CONFIG) names no "prometheus"'],
  [{ gates: [{ http: 'checkout' }] }, 'has no gate "checkout"; it has none'],
])('%j is refused by name, before any write', async (input, says) => {
  await expect(plan(input)).rejects.toThrow(says);
});
