import { expect, test } from 'vitest';
import { V1, V2 } from '../support/fly.js';
import { expectClean, onV2, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';

const CONFIG = { checks: { up: { type: 'tcp', port: 8080, interval: '1s' } } };

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

const serving = { running: true, config: CONFIG };

/** Three zk in two regions, two supervisors, two conductors. */
const make = (app: string) =>
  place.fly.make(
    app,
    { count: 2, region: 'ams', group: 'zk', ...serving },
    { count: 1, region: 'ord', group: 'zk', ...serving },
    { count: 2, region: 'ord', group: 'supervisor', ...serving },
    { count: 2, region: 'ams', group: 'conductor', ...serving },
  );

const start = (app: string, input: object) =>
  operator.start(app, {
    id: `${app}-door`,
    type: 'processGroup',
    input: { bake: '2s', healthy: { for: '1s' }, ...input },
  });

const groupsOn = async (app: string, image: string) => {
  const machines = await place.fly.machines(app);
  return machines
    .filter((one) => one.image.startsWith(image))
    .map(({ group }) => group)
    .toSorted();
};

test.concurrent(
  'groups go in their order, a person is asked between them, and the one that nobody names stays',
  async () => {
    const app = 'groups-order';
    await make(app);
    await start(app, { groups: ['supervisor', 'approval', 'conductor'] });
    const waiting = await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
    expect(waiting.step.name).toBe('supervisor:approval');
    expect(waiting.images.map(({ group, machines }) => [group, machines].join(' ')).toSorted(byText)).toEqual([
      'conductor 2',
      'supervisor 2',
      'zk 1',
      'zk 2',
    ]);
    expect(await groupsOn(app, V2)).toEqual(['supervisor', 'supervisor']);
    await operator.signal(`rollout:${app}`, 'proceed', { at: 'supervisor:approval' });
    expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
    expect(await groupsOn(app, V1)).toEqual(['zk', 'zk', 'zk']);
    await expectClean(place, app);
  },
);

// The others go on under the next worker too.
test.concurrent('a whole group over two regions goes one after another, also when its worker is killed', async () => {
  const app = 'groups-whole';
  await make(app);
  await start(app, { groups: [{ group: 'zk', whole: true, healthy: { for: '2s' } }], ramp: 'off' });
  await operator.when(app, 'has one machine', (status) => status.counts.atTarget >= 1, 60_000);
  await place.stopWorker();
  await place.startWorker();
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  expect(await onV2(place, app)).toHaveLength(3);
  const written = await place.fly.written(app);
  expect(Object.values(written).map((marks) => marks.length)).toEqual([1, 1, 1]);
  await expectClean(place, app);
});

test.concurrent('new secrets restart who works with the old ones, and the same again writes nothing', async () => {
  const app = 'groups-secrets';
  await place.fly.make(app, { count: 3, ...serving }, { count: 2, config: CONFIG });
  await place.fly.api('POST', `/v1/apps/${app}/secrets`, { values: { TOKEN: 'new' } });
  const input = { image: undefined, restart: 'secrets', groups: ['app'] };
  await start(app, input);
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  expect(Object.keys(await place.fly.written(app))).toHaveLength(3);
  await operator.start(app, { id: `${app}-again`, type: 'processGroup', input: { bake: '2s', ...input } });
  expect(await operator.result(`${app}-again`)).toMatchObject({ status: 'COMPLETED' });
  expect(Object.keys(await place.fly.written(app))).toHaveLength(3);
  await expectClean(place, app);
});
