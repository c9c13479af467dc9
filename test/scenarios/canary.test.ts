import { expect, test } from 'vitest';
import { V1, V2 } from '../support/fly.js';
import { answered, expectClean, onV2, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';

const BAD = 'registry.fly.io/encoder:bad';
const CONFIG = { checks: { up: { type: 'tcp', port: 8080, interval: '1s' } } };

const place = usePlace({ images: { [V2]: {}, [BAD]: { failsChecks: true } } });
const operator = operatorOf(place);

/** Two regions with machines that serve, and an idle one in the first. */
const make = (app: string, each = 3) =>
  place.fly.make(
    app,
    { count: each, region: 'ams', running: true, config: CONFIG },
    { count: 1, region: 'ams', config: CONFIG },
    { count: each, region: 'ord', running: true, config: CONFIG },
  );

const start = (app: string, input: object = {}) =>
  operator.start(app, {
    id: `${app}-door`,
    type: 'regionalCanary',
    input: { regions: ['ams', '*'], batches: [1], bake: '3s', healthy: { within: '5s' }, ...input },
  });

test.concurrent('a good image goes region by region, asks a person between them, and completes', async () => {
  const app = 'canary-good';
  await make(app);
  await start(app, { gates: ['approval'] });
  const waiting = await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  expect(waiting.step).toMatchObject({ name: 'ams:approval', number: 4, of: 10 });
  expect(waiting.canType[0]).toBe(
    `temporal workflow signal --workflow-id rollout:${app} --name proceed --input '{"at":"ams:approval"}'`,
  );
  const machines = await place.fly.machines(app);
  expect(machines.filter(({ image, region }) => image.startsWith(V1) && region === 'ord')).toHaveLength(3);
  const strange = await operator.update(`rollout:${app}`, 'proceed', { at: 'ord:approval' });
  expect(strange.text).toContain('ord:approval is not waiting; what waits now is ams:approval');
  const given = await operator.update(`rollout:${app}`, 'proceed', { at: 'ams:approval', by: 'ann' });
  expect(answered(given).app).toBe(app);
  expect((await operator.update(`rollout:${app}`, 'proceed', { at: 'ams:approval' })).exit).toBe(0);
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  expect(await onV2(place, app)).toHaveLength(7);
  await expectClean(place, app);
});

test.concurrent('a bad image halts at its first machine and goes back by itself, and ends RolledBack', async () => {
  const app = 'canary-bad';
  await make(app);
  await start(app, { image: BAD, onFailure: 'rollback' });
  const end = await operator.result(`${app}-door`);
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutRolledBack' });
  expect(end.message).toContain('rolledBack');
  expect(Object.keys(await place.fly.written(app))).toHaveLength(1);
  for (const machine of await place.fly.machines(app)) expect(machine.image.startsWith(V1)).toBe(true);
  await expectClean(place, app);
});

test.concurrent('the verb rollback takes back what was written, also while a person is waited for', async () => {
  const app = 'canary-back';
  await make(app);
  await start(app, { gates: ['approval'] });
  await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  await operator.signal(`rollout:${app}`, 'rollback', { reason: 'checkout is slow', by: 'ann' });
  const end = await operator.result(`${app}-door`);
  expect(end).toMatchObject({ type: 'RolloutRolledBack', details: [{ turned: { says: 'checkout is slow' } }] });
  for (const machine of await place.fly.machines(app)) expect(machine.image.startsWith(V1)).toBe(true);
  await expectClean(place, app);
});

test.concurrent('the type rollback takes back a rollout that has ended; a second one is refused', async () => {
  const app = 'canary-later';
  await make(app, 2);
  await start(app, { bake: '1s' });
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  const back = (id: string) =>
    place.json(
      `workflow execute --task-queue layover --type rollback --workflow-id ${id} --input`,
      JSON.stringify({ app }),
    );
  expect(await back('later-1')).toMatchObject({ status: 'COMPLETED' });
  for (const machine of await place.fly.machines(app)) expect(machine.image.startsWith(V1)).toBe(true);
  expect(JSON.stringify(await back('later-2'))).toContain('a rollback is not rolled back');
});

test('a worker that is killed in a bake goes on with it, and nobody is asked twice', async () => {
  const app = 'canary-kill';
  await make(app, 2);
  await start(app, { bake: '6s', gates: ['approval'] });
  await operator.when(app, 'bakes', (status) => status.phase === 'baking');
  const since = (await operator.status(app)).step.since;
  await place.stopWorker();
  await place.startWorker();
  const waiting = await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  expect(Date.parse(waiting.step.since) - Date.parse(since)).toBeLessThan(30_000);
  await operator.signal(`rollout:${app}`, 'proceed', { at: 'ams:approval' });
  await place.stopWorker();
  await place.startWorker();
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  await expectClean(place, app, 'run out');
});
