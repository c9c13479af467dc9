import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { expectClean, makeLasting, onV2, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

async function lasting(app: string): Promise<{ working: string; room: string; door: string }> {
  const working = await makeLasting(place, app);
  const door = `${app}-door`;
  await operator.start(app, { id: door });
  await operator.when(app, 'waits for the working machine', (status) => status.counts.atTarget === 2);
  return { working, door, room: `rollout:${app}` };
}

test.concurrent('Completed exits 0; the text and the JSON carry the report', async () => {
  await place.fly.make('completed', { count: 2 });
  const said = await operator.execute('completed');
  expect(said.exit).toBe(0);
  expect(said.text).toMatch(/Status\s+COMPLETED/);
  const end = await operator.result('rollout:completed');
  expect(end).toMatchObject({
    status: 'COMPLETED',
    result: {
      app: 'completed',
      phase: 'done',
      reason: 'completed',
      message: expect.stringMatching(/^all 2 machines are at target; 2 of them are not verified yet/) as string,
      written: 2,
    },
  });
});

test.concurrent(
  'Partial exits 1, names the machines left in its message, and carries the report as details',
  async () => {
    const working = await makeLasting(place, 'partial');
    const said = await operator.execute('partial', { id: 'partial-door', input: { deadline: '4s' } });
    expect(said.exit).toBe(1);
    expect(said.text).toContain(
      'partial: 2 of 3 machines of "partial" are at target; the deadline passed with 1 machine left',
    );
    expect(said.text).toContain(`${working} ord app: working`);
    const end = await operator.result('partial-door');
    expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutPartial' });
    expect(end.details).toMatchObject([
      { phase: 'done', counts: { atTarget: 2, left: 1 }, machines: [{ id: working }] },
    ]);
    expect(end.message?.split('\n').at(-1)).toContain('Start the same input again to go on');
    await expectClean(place, 'partial');
  },
);

test.concurrent('Aborted exits 1 with the reason', async () => {
  const { room, door } = await lasting('aborted');
  await operator.signal(room, 'abort', { reason: 'wrong image' });
  const end = await operator.result(door);
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutAborted' });
  expect(end.message?.split('\n')[0]).toBe('aborted: 2 of 3 machines of "aborted" are at target; wrong image');
  expect((await place.cli(`workflow result --workflow-id ${door}`)).exit).toBe(1);
  expect(await operator.result(room)).toMatchObject({ type: 'RolloutAborted', message: end.message });
});

test.concurrent('Refused exits 1 and names every problem', async () => {
  await place.fly.make('refused', { count: 1 });
  const said = await operator.execute('refused', { input: { only: { regions: ['lhr'] } } });
  expect(said.exit).toBe(1);
  expect(said.text).toContain('only.regions: region "lhr" is not in this app; it has ord');
  expect(await place.fly.changing('refused')).toEqual([]);
});

test.concurrent('cancelling the room means abort: it ends Canceled, and its door says so', async () => {
  const { room, door } = await lasting('cancel-room');
  expect((await place.cli(`workflow cancel --workflow-id ${room}`)).exit).toBe(0);
  const said = await place.cli(`workflow result --workflow-id ${room}`);
  expect(said.exit).toBe(1);
  expect(said.text).toMatch(/Status\s+CANCELED/);
  expect(await operator.status('cancel-room')).toMatchObject({
    phase: 'done',
    reason: 'canceled',
    counts: { atTarget: 2 },
  });
  const end = await operator.result(door);
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutCanceled' });
  expect(end.message).toContain('start the same input again to go on');
  await expectClean(place, 'cancel-room');
});

test.concurrent('cancelling the door cancels the rollout, and both end Canceled', async () => {
  const { room, door } = await lasting('cancel-door');
  await place.cli(`workflow cancel --workflow-id ${door}`);
  expect(await operator.result(door)).toMatchObject({ status: 'CANCELED' });
  expect(await operator.result(room)).toMatchObject({ status: 'CANCELED' });
});

test.concurrent(
  'cancelled in the middle of its updates, a rollout finishes what was written and leaves no lease',
  async () => {
    await place.fly.make('cancel-busy', { count: 8 });
    await place.fly.fault({ on: 'wait', app: 'cancel-busy', effect: { delayMs: 2_000 } });
    await operator.start('cancel-busy', { id: 'cancel-busy-door' });
    await eventually('two writes', async () => Object.keys(await place.fly.written('cancel-busy'))[1]);
    await place.cli('workflow cancel --workflow-id cancel-busy-door');
    expect(await operator.result('rollout:cancel-busy')).toMatchObject({ status: 'CANCELED' });
    expect(await onV2(place, 'cancel-busy')).toHaveLength(Object.keys(await place.fly.written('cancel-busy')).length);
    await expectClean(place, 'cancel-busy');
  },
);

test.concurrent('terminating the door leaves the rollout running to its end', async () => {
  const { working, room, door } = await lasting('term-door');
  expect((await place.cli(`workflow terminate --workflow-id ${door}`)).exit).toBe(0);
  expect((await place.cli(`workflow result --workflow-id ${door}`)).exit).toBe(1);
  expect((await operator.status('term-door')).phase).toBe('running');
  await place.fly.act(working, 'exit');
  expect(await operator.result(room)).toMatchObject({ status: 'COMPLETED' });
  await expectClean(place, 'term-door');
});

test.concurrent('terminating the room ends the door Failed, with the way on', async () => {
  const { room, door } = await lasting('term-room');
  await place.cli(`workflow terminate --workflow-id ${room}`);
  const end = await operator.result(door);
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutTerminated' });
  expect(end.message).toBe(
    'the rollout rollout:term-room was terminated; what it had done stays done: start the same input again to go on',
  );
});

test.concurrent(
  'terminated in the middle and started again, a sweep redoes no machine',
  async () => {
    const app = 'again';
    await place.fly.make(app, { count: 10 });
    await place.fly.fault({ on: 'wait', app, effect: { delayMs: 700 } });
    await operator.start(app, { id: 'again-1' });
    const half = async () =>
      (await place.fly.changing(app)).filter((call) => call.op === 'update').length >= 4 ? true : undefined;
    await eventually('four writes', half);
    await place.cli(`workflow terminate --workflow-id rollout:${app}`);
    expect(await operator.result('again-1')).toMatchObject({ type: 'RolloutTerminated' });
    const end = await operator.endOf(app, { id: 'again-2' });
    expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { selected: 10, atTarget: 10 } } });
    expect(Object.values(await place.fly.written(app)).map((marks) => marks.length)).toEqual(Array(10).fill(1));
    await expectClean(place, app);
  },
  120_000,
);

test.concurrent('a Schedule that fires twice during one sweep: the second is refused and changes nothing', async () => {
  const app = 'scheduled';
  const working = await makeLasting(place, app);
  const input = JSON.stringify({ app, image: V2 });
  const created = await place.cli(
    `schedule create --schedule-id nightly --calendar {"month":"1","dayOfMonth":"1"} --overlap-policy AllowAll`,
    `--task-queue`,
    'layover',
    '--type',
    'stoppedSweep',
    '--workflow-id',
    'nightly',
    '--input',
    input,
  );
  const trigger = 'schedule trigger --schedule-id nightly --overlap-policy AllowAll';
  expect(created.exit).toBe(0);
  await place.cli(trigger);
  const first = await operator.when(app, 'waits for the working machine', (status) => status.counts.atTarget === 2);
  const since = await place.fly.next();
  await place.cli(trigger);
  const doors = async (status: string) => {
    const query = `WorkflowType="stoppedSweep" AND WorkflowId STARTS_WITH "nightly" AND ExecutionStatus="${status}"`;
    return (await place.json('workflow list --query', query)) as { execution: { workflowId: string } }[];
  };
  const [refused] = await eventually('the second is refused', async () => {
    const failed = await doors('Failed');
    return failed.length > 0 ? failed : undefined;
  });
  expect(await operator.result(refused?.execution.workflowId ?? '')).toMatchObject({ type: 'RolloutAlreadyRunning' });
  expect(await place.fly.changing(app, since)).toEqual([]);
  expect((await operator.status(app)).rollout).toBe(first.rollout);
  const [running] = await doors('Running');
  await place.fly.act(working, 'exit');
  expect(await operator.result(running?.execution.workflowId ?? '')).toMatchObject({ status: 'COMPLETED' });
  await expectClean(place, app);
});
