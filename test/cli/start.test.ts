import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { expectClean, makeLasting, onV2, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

const isWaiting = (status: { phase: string; counts: { atTarget: number; left: number; inFlight: number } }): boolean =>
  status.counts.atTarget === 2 && status.counts.inFlight === 0;

test.concurrent('execute without an id follows the rollout to its end and exits 0 with the report', async () => {
  await place.fly.make('noid', { count: 3 });
  const end = await operator.endOf('noid');
  expect(end).toMatchObject({ status: 'COMPLETED', result: { phase: 'done', counts: { selected: 3, atTarget: 3 } } });
  expect(await onV2(place, 'noid')).toHaveLength(3);
  await expectClean(place, 'noid');
});

test.concurrent('a start under the same door id while it runs shows the run there is and starts nothing', async () => {
  await makeLasting(place, 'same');
  await operator.start('same', { id: 'same-door' });
  await operator.when('same', 'waits for the working machine', isWaiting);
  const writes = (await place.fly.changing('same')).length;
  const again = await operator.start('same', { id: 'same-door' });
  expect(again.exit).toBe(0);
  expect(await place.cli('workflow count --query WorkflowId="same-door"')).toMatchObject({
    text: expect.stringContaining('Total: 1') as string,
  });
  const fails = await operator.start('same', { id: 'same-door', flags: ['--fail-existing'] });
  expect(fails.exit).toBe(1);
  expect(fails.text).toContain('already running');
  expect((await place.fly.changing('same')).length).toBe(writes);
});

test.concurrent('another id while one runs ends Failed with the command to look, and changes nothing', async () => {
  await makeLasting(place, 'other');
  await operator.start('other', { id: 'other-first' });
  await operator.when('other', 'waits for the working machine', isWaiting);
  const since = await place.fly.next();
  const end = await operator.endOf('other', { id: 'other-second' });
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutAlreadyRunning' });
  expect(end.message).toContain('temporal workflow query --workflow-id rollout:other --name status');
  expect(await place.fly.changing('other', since)).toEqual([]);
  expect((await operator.status('other')).phase).toBe('running');
  const shown = await operator.execute('other', { id: 'other-third' });
  expect(shown.exit).toBe(1);
  expect(shown.text).toContain('changed nothing');
});

test.concurrent('rollout:<app> itself as id continues as new into the rollout, and execute follows it', async () => {
  await place.fly.make('itself', { count: 2 });
  const end = await operator.endOf('itself', { id: 'rollout:itself' });
  expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { atTarget: 2 } } });
  await expectClean(place, 'itself');
});

test.concurrent('a refused input under rollout:<app> ends with its own words', async () => {
  await place.fly.make('itself-bad', { count: 1 });
  const end = await operator.endOf('itself-bad', { id: 'rollout:itself-bad', input: { imagee: 1 } });
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect(end.message).toContain('imagee: is not an option here');
});

test.concurrent('the id of another app’s rollout is refused: who stops that one must not stop this one', async () => {
  await place.fly.make('guest', { count: 1 });
  const end = await operator.endOf('guest', { id: 'rollout:host' });
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect(end.message).toContain('under any id but that of another app’s rollout, rollout:host');
  expect(await place.fly.changing('guest')).toEqual([]);
});

test.concurrent('the type rollout is refused under a foreign id and with a raw input', async () => {
  const foreign = await operator.endOf('raw', { id: 'raw-foreign', type: 'rollout' });
  expect(foreign).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  const right = await operator.endOf('raw', { id: 'rollout:raw', type: 'rollout' });
  expect(right).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect(right.message).toContain('--type stoppedSweep');
  const handMade = { v: 1, type: 'stoppedSweep', input: { app: 'raw' }, pending: [] };
  const wrongId = await operator.endOf('raw', { id: 'raw-wrong', type: 'rollout', input: handMade });
  expect(wrongId).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect(wrongId.message).toContain('rollout:raw');
});

test.concurrent('no input at all is refused with an example', async () => {
  const said = await place.cli('workflow execute --task-queue layover --type stoppedSweep');
  expect(said.exit).toBe(1);
  expect(said.text).toContain('the input must be one JSON object, for example {"app":"encoder"');
});

test.concurrent.each(['Fail', 'UseExisting'])(
  'the conflict policy %s leaves a running rollout alone, under a door’s id and under rollout:<app>',
  async (policy) => {
    const app = `policy-${policy.toLowerCase()}`;
    await makeLasting(place, app);
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'waits for the working machine', isWaiting);
    const since = await place.fly.next();
    const before = (await operator.status(app)).rollout;
    for (const id of [`${app}-door`, `rollout:${app}`]) {
      const flags = ['--id-conflict-policy', policy];
      expect((await operator.start(app, { id, flags })).exit).toBe(0);
      // With UseExisting the CLI has nothing to fail about: it was told to take the run there is.
      const exit = policy === 'Fail' ? 1 : 0;
      expect((await operator.start(app, { id, flags: [...flags, '--fail-existing'] })).exit).toBe(exit);
    }
    expect((await operator.status(app)).rollout).toBe(before);
    expect(await place.fly.changing(app, since)).toEqual([]);
  },
);

test.concurrent('TerminateExisting under the door’s id leaves the rollout running and is told so', async () => {
  await makeLasting(place, 'term-door');
  await operator.start('term-door', { id: 'term-door-1' });
  await operator.when('term-door', 'waits for the working machine', isWaiting);
  const before = (await operator.status('term-door')).rollout;
  const end = await operator.endOf('term-door', {
    id: 'term-door-1',
    flags: ['--id-conflict-policy', 'TerminateExisting'],
  });
  expect(end.type).toBe('RolloutAlreadyRunning');
  expect(await operator.status('term-door')).toMatchObject({ rollout: before, phase: 'running' });
});

test.concurrent('TerminateExisting under rollout:<app> starts afresh, and redoes no machine', async () => {
  const working = await makeLasting(place, 'term-room');
  await operator.start('term-room', { id: 'term-room-door' });
  await operator.when('term-room', 'waits for the working machine', isWaiting);
  const before = (await operator.status('term-room')).rollout;
  const flags = ['--id-conflict-policy', 'TerminateExisting'];
  expect((await operator.start('term-room', { id: 'rollout:term-room', flags })).exit).toBe(0);
  const after = await operator.when('term-room', 'waits again', (status) => status.rollout !== before);
  expect(after.counts.selected).toBe(3);
  expect(await operator.result('term-room-door')).toMatchObject({ status: 'FAILED', type: 'RolloutTerminated' });
  await place.fly.act(working, 'exit');
  expect(await operator.result('rollout:term-room')).toMatchObject({ status: 'COMPLETED' });
  expect(Object.values(await place.fly.written('term-room')).map((marks) => marks.length)).toEqual([1, 1, 1]);
  await expectClean(place, 'term-room');
});

test.concurrent(
  '"ifRunning": "wait" queues behind the rollout, takes what is signalled meanwhile, and runs at its turn',
  async () => {
    const working = await makeLasting(place, 'queue');
    await operator.start('queue', { id: 'queue-door' });
    await operator.when('queue', 'waits for the working machine', isWaiting);
    await operator.start('queue', { id: 'queue-next', input: { ifRunning: 'wait', env: { QUEUED: '1' } } });
    await operator.signal('queue-next', 'pause', { reason: 'not before noon' });
    await eventually('the door says what it waits for', async () => {
      const door = await place.cli('workflow metadata --workflow-id queue-next');
      return door.text.includes('Waits for the rollout that runs under') || undefined;
    });
    await place.fly.act(working, 'exit');
    const next = await operator.when('queue', 'the next is paused', (status) => status.phase === 'paused');
    expect(next.message).toContain('not before noon');
    await operator.signal('rollout:queue', 'resume');
    expect(await operator.result('queue-next')).toMatchObject({
      status: 'COMPLETED',
      result: { counts: { atTarget: 3 } },
    });
  },
);

test.concurrent('"ifRunning": "replace" aborts the rollout, keeps what it did, and runs', async () => {
  const working = await makeLasting(place, 'newest');
  await operator.start('newest', { id: 'newest-door' });
  await operator.when('newest', 'waits for the working machine', isWaiting);
  const refused = await operator.endOf('newest', { id: 'newest-bad', input: { ifRunning: 'replace', imagee: 1 } });
  expect(refused).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect((await operator.status('newest')).phase).toBe('running');
  await operator.start('newest', { id: 'newest-next', input: { ifRunning: 'replace' } });
  const old = await operator.result('newest-door');
  expect(old).toMatchObject({ type: 'RolloutAborted' });
  expect(old.message).toContain('replaced by newest-next');
  await operator.when('newest', 'the next waits', (status) => status.counts.atTarget === 2);
  await place.fly.act(working, 'exit');
  expect(await operator.result('newest-next')).toMatchObject({ status: 'COMPLETED', result: { written: 1 } });
  await expectClean(place, 'newest');
});

test.concurrent('a mistyped type fails at once with the list of types', async () => {
  const end = await operator.endOf('typo', { type: 'stopedSweep' });
  expect(end).toMatchObject({ status: 'FAILED', type: 'UnknownWorkflowType' });
  expect(end.message).toBe(
    'there is no workflow type "stopedSweep"; types: stoppedSweep, regionalCanary, processGroup, rollback',
  );
});

test.concurrent('dryRun returns the plan and writes nothing, also while a rollout runs', async () => {
  await makeLasting(place, 'dry');
  const alone = await operator.endOf('dry', { input: { dryRun: true } });
  expect(alone).toMatchObject({ status: 'COMPLETED', result: { app: 'dry', counts: { ready: 2, straggler: 1 } } });
  expect(await place.fly.changing('dry')).toEqual([]);
  await operator.start('dry', { id: 'dry-door' });
  await operator.when('dry', 'waits for the working machine', isWaiting);
  const since = await place.fly.next();
  const beside = await operator.endOf('dry', { input: { dryRun: true } });
  expect(beside).toMatchObject({ status: 'COMPLETED', result: { counts: { atTarget: 2, straggler: 1 } } });
  expect(await place.fly.changing('dry', since)).toEqual([]);
  expect((await operator.status('dry')).phase).toBe('running');
});

test.concurrent('dryRun of a bad input fails as RolloutRefused and names every problem', async () => {
  await place.fly.make('dry-bad', { count: 1 });
  const end = await operator.endOf('dry-bad', { input: { dryRun: true, only: { regions: [] }, nope: 1 } });
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutRefused' });
  expect(end.message?.split('\n')).toEqual([
    'only.regions: must name at least one region; leave the key out to mean "any"',
    'nope: is not an option here; a typing error?',
  ]);
  expect(end.details).toEqual([{ problems: end.message?.split('\n') }]);
  const shown = await operator.execute('dry-bad', { input: { dryRun: true, nope: 1 } });
  expect(shown.exit).toBe(1);
  expect(shown.text).toContain('Message: nope: is not an option here');
});
