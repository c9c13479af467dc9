import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { V1, V2 } from '../support/fly.js';
import { expectClean, onV2, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';
import { type Prometheus, startPrometheus } from './prometheus.js';

/** A real Prometheus judges canaries by what the simulated machines export. */

const FAULTY = 'registry.fly.io/encoder:faulty';
const CONFIG = { checks: { up: { type: 'tcp', port: 8080, interval: '1s' } } };

const env: Record<string, string> = {};
const place = usePlace({ images: { [V2]: {}, [FAULTY]: { errors: 0.2 } } }, {}, env);
const operator = operatorOf(place);
let prometheus: Prometheus | undefined;

beforeAll(async () => {
  prometheus = await startPrometheus(place.fly.url);
  const config = join(await mkdtemp(join(tmpdir(), 'layover-gates-')), 'layover.json');
  await writeFile(config, JSON.stringify({ prometheus: { url: prometheus.url, lag: '3s' } }));
  env['LAYOVER_CONFIG'] = config;
  await place.stopWorker();
  await place.startWorker();
}, 120_000);
afterAll(() => prometheus?.close());

const RATE = (metric: string): string =>
  `sum by (region) (rate(${metric}{app="{{app}}",region=~"{{region}}",instance=~"{{machines}}"}[{{window}}]))`;

/** Less than one request in twenty may fail, of a hundred at least. */
const GATE = {
  prometheus: {
    query: `${RATE('errors_total')} / ${RATE('requests_total')}`,
    max: 0.05,
    samples: 'sum(increase(requests_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}]))',
    minSamples: 100,
  },
};

async function canary(app: string, image: string) {
  const serving = { count: 2, running: true, config: CONFIG };
  await place.fly.make(app, { ...serving, region: 'ams' }, { ...serving, region: 'ord' });
  const input = { image, regions: ['ams', 'ord'], batches: [1], bake: '15s', gates: [GATE], onFailure: 'rollback' };
  await operator.start(app, { id: `${app}-door`, type: 'regionalCanary', input });
  return operator.result(`${app}-door`);
}

test.concurrent('an image without errors passes in both regions', async () => {
  const app = 'measured-good';
  expect(await canary(app, V2)).toMatchObject({ status: 'COMPLETED' });
  expect(await onV2(place, app)).toHaveLength(4);
  await expectClean(place, app);
});

test.concurrent(
  'an image of which one request in five fails, with every check passing, goes back from the first',
  async () => {
    const app = 'measured-bad';
    const end = await canary(app, FAULTY);
    expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutRolledBack' });
    expect(JSON.stringify(end.details)).toMatch(
      /gate prometheus:1 of ams:bake: FAIL: ams 0\.\d+; wanted at most 0\.05/,
    );
    const machines = await place.fly.machines(app);
    expect(machines.every(({ image }) => image.startsWith(V1))).toBe(true);
    const written = Object.keys(await place.fly.written(app));
    expect(machines.filter(({ id }) => written.includes(id)).map(({ region }) => region)).toEqual(['ams', 'ams']);
    await expectClean(place, app);
  },
);
