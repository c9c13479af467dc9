import { expect, test } from 'vitest';
import type { Status } from '../../src/domain/status.js';
import { until } from '../../src/setup/program.js';
import { useDays } from './days.js';

const days = useDays();

/** A gate that a fake waits at. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

const isPlanning = (app: string) =>
  until('planning', async () => (await days.status(app).catch(() => undefined))?.phase === 'planning', 10_000);

test('what is signalled while planning is kept and applied before the first write', async () => {
  const { open, opened } = gate();
  const fake = days.add('planning', { machines: { a: 'idle' }, planning: () => opened });
  const door = await days.start('planning');
  await isPlanning('planning');
  await days.signal('planning', 'pause', { reason: 'too early' });
  open();
  await until('paused', async () => (await days.status('planning')).phase === 'paused', 10_000);
  expect(await days.status('planning')).toMatchObject({ message: 'paused by somebody: too early', written: 0 });
  expect(fake.updates).toEqual([]);
  await days.signal('planning', 'resume');
  expect(await door.result()).toMatchObject({ reason: 'completed', written: 1 });
});

test('an abort while planning ends it before anything is written', async () => {
  const { open, opened } = gate();
  const fake = days.add('aborted', { machines: { a: 'idle' }, planning: () => opened });
  const door = await days.start('aborted');
  await isPlanning('aborted');
  await days.signal('aborted', 'abort', { reason: 'oops' });
  open();
  await expect(door.result()).rejects.toMatchObject({ cause: { type: 'RolloutAborted' } });
  expect(fake.updates).toEqual([]);
});

test('an update while planning is answered when there is a status', async () => {
  const { open, opened } = gate();
  days.add('answered', { machines: { a: 'idle' }, planning: () => opened });
  const door = await days.start('answered');
  await isPlanning('answered');
  const room = days.env.client.workflow.getHandle('rollout:answered');
  const answer = room.executeUpdate<Status, [object]>('pause', { args: [{ reason: 'wait' }] });
  open();
  expect(await answer).toMatchObject({ phase: 'paused', message: 'paused by somebody: wait' });
  await room.signal('resume');
  expect(await door.result()).toMatchObject({ reason: 'completed' });
});

test('a refused update while planning is refused at once when it is no input at all', async () => {
  const { open, opened } = gate();
  days.add('malformed', { machines: { a: 'idle' }, planning: () => opened });
  const door = await days.start('malformed');
  await isPlanning('malformed');
  const room = days.env.client.workflow.getHandle('rollout:malformed');
  await expect(room.executeUpdate('pause', { args: [['x']] })).rejects.toMatchObject({
    cause: { message: 'pause takes one optional JSON object, for example {"reason":"…"}' },
  });
  open();
  expect(await door.result()).toMatchObject({ reason: 'completed' });
});

test('cancelled while planning, room and door end Canceled and nothing is written', async () => {
  const { open, opened } = gate();
  const fake = days.add('canceled', { machines: { a: 'idle' }, planning: () => opened });
  const door = await days.start('canceled');
  await isPlanning('canceled');
  const room = days.env.client.workflow.getHandle('rollout:canceled');
  await door.cancel();
  // The test server forgets a workflow task whose activity ends while it is being cancelled.
  const isCalledBack = async () =>
    (await room.fetchHistory()).events?.some((event) => event.activityTaskCancelRequestedEventAttributes) ?? false;
  await until('called back', isCalledBack, 10_000);
  open();
  await expect(door.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  expect((await room.describe()).status.name).toBe('CANCELLED');
  expect(fake.updates).toEqual([]);
});

test('what is signalled to a door before its room is open is handed on in order', async () => {
  const fake = days.add('door', { machines: { a: 'idle' } });
  await days.stopWorker();
  const door = await days.start('door');
  for (const reason of ['first', 'second']) await door.signal('pause', { reason });
  await door.signal('resume');
  await door.signal('pause', { reason: 'last' });
  await days.startWorker();
  await until('paused', async () => (await days.status('door').catch(() => undefined))?.phase === 'paused', 20_000);
  expect(await days.status('door')).toMatchObject({ message: 'paused by somebody: last', written: 0, notes: [] });
  expect(fake.updates).toEqual([]);
  await door.signal('resume');
  expect(await door.result()).toMatchObject({ reason: 'completed' });
});
