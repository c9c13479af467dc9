import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { expectClean, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

test('a pause signalled while no worker runs is honoured before any further write', async () => {
  const app = 'away';
  await place.fly.make(app, { count: 12 });
  await place.fly.fault({ on: 'wait', app, effect: { delayMs: 1_000 } });
  await operator.start(app, { id: 'away-door' });
  await eventually('three writes', async () => Object.keys(await place.fly.written(app))[2]);
  await place.stopWorker('SIGKILL');
  const since = await place.fly.next();
  const before = Object.keys(await place.fly.written(app)).length;
  expect(before).toBeLessThan(12);
  expect((await operator.signal(`rollout:${app}`, 'pause', { reason: 'worker died' })).exit).toBe(0);
  await place.startWorker();
  const paused = await operator.when(app, 'paused', (status) => status.phase === 'paused', 60_000);
  expect(paused).toMatchObject({ message: 'paused by somebody: worker died', counts: { inFlight: 0 } });
  const updates = (await place.fly.changing(app, since)).filter((call) => call.op === 'update');
  expect(updates).toEqual([]);
  await operator.signal(`rollout:${app}`, 'resume');
  expect(await operator.result('away-door')).toMatchObject({ status: 'COMPLETED' });
  expect(Object.values(await place.fly.written(app)).map((marks) => marks.length)).toEqual(Array(12).fill(1));
  await expectClean(place, app, 'run out');
}, 120_000);

test('a worker that is told to stop lets its updates finish, and the next one goes on without a second write', async () => {
  const app = 'restart';
  await place.fly.make(app, { count: 12 });
  await place.fly.fault({ on: 'wait', app, effect: { delayMs: 500 } });
  await operator.start(app, { id: 'restart-door' });
  await eventually('three writes', async () => Object.keys(await place.fly.written(app))[2]);
  await place.stopWorker('SIGTERM');
  expect((await place.fly.machines(app)).filter((machine) => machine.lease !== undefined)).toEqual([]);
  await place.startWorker();
  expect(await operator.result('restart-door')).toMatchObject({ status: 'COMPLETED' });
  await expectClean(place, app);
}, 120_000);

test('cancelled while a machine is held and its worker is killed: the next worker puts it right before the end', async () => {
  const app = 'held';
  const job = { lengthMs: 1e9, onStop: { afterMs: 8_000 } };
  await place.fly.make(app, { running: true, job, config: { stop_config: { timeout: '60s' } } });
  await operator.start(app, { id: 'held-door', input: { forceAfter: '3s' } });
  await eventually('its stop', async () => (await place.fly.calls(app)).find(({ op }) => op === 'stop'));
  expect((await place.cli(`workflow cancel --workflow-id rollout:${app}`)).exit).toBe(0);
  await place.stopWorker('SIGKILL');
  await place.startWorker();
  expect(await operator.result(`rollout:${app}`)).toMatchObject({ status: 'CANCELED' });
  const [machine] = await place.fly.machines(app);
  expect(machine).toMatchObject({ state: 'started', cordoned: false });
  expect(machine?.metadata).not.toHaveProperty('layover_hold');
  expect(await place.fly.written(app)).toEqual({});
}, 120_000);
