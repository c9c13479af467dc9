import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { answered, expectClean, makeLasting, onV2, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

/** A sweep that has updated its two idle machines and waits for the working one. */
async function lasting(app: string): Promise<{ working: string; room: string; door: string }> {
  const working = await makeLasting(place, app);
  const door = `${app}-door`;
  await operator.start(app, { id: door });
  await operator.when(app, 'waits for the working machine', (status) => status.counts.atTarget === 2);
  return { working, door, room: `rollout:${app}` };
}

test.concurrent('pause and resume by signal, with and without an input, to the room', async () => {
  const { working, room } = await lasting('signals');
  expect((await operator.signal(room, 'pause', { reason: '5xx spike', by: 'ann' })).exit).toBe(0);
  const paused = await operator.when('signals', 'paused', (status) => status.phase === 'paused');
  expect(paused).toMatchObject({ reason: 'asked', message: 'paused by ann: 5xx spike' });
  expect(paused.waits).toEqual([{ name: 'pause', says: 'a person: paused by ann: 5xx spike', since: paused.since }]);
  expect(paused.canType[0]).toBe('temporal workflow signal --workflow-id rollout:signals --name resume');
  expect((await operator.signal(room, 'resume')).exit).toBe(0);
  await operator.when('signals', 'running', (status) => status.phase === 'running');
  await operator.signal(room, 'pause');
  await operator.when(
    'signals',
    'paused without a reason',
    (status) => status.message === 'paused by somebody: asked for',
  );
  await operator.signal(room, 'resume', { by: 'ann' });
  await place.fly.act(working, 'exit');
  expect(await operator.result(room)).toMatchObject({ status: 'COMPLETED' });
  await expectClean(place, 'signals');
});

test.concurrent('a signal to the door is handed on to the room', async () => {
  const { door } = await lasting('handed');
  expect((await operator.signal(door, 'pause', { reason: 'by the door' })).exit).toBe(0);
  await operator.when(
    'handed',
    'paused',
    (status) => status.phase === 'paused' && status.message === 'paused by somebody: by the door',
  );
  await operator.signal(door, 'resume');
  await operator.when('handed', 'running', (status) => status.phase === 'running');
  await operator.signal(door, 'abort', { reason: 'wrong image' });
  expect(await operator.result(door)).toMatchObject({ status: 'FAILED', type: 'RolloutAborted' });
});

test.concurrent('an unknown signal, and a malformed input, change nothing and are noted in the status', async () => {
  const { room, door } = await lasting('odd');
  await operator.signal(door, 'halt');
  const noted = await operator.when('odd', 'noted', (status) => status.notes.length > 0);
  expect(noted.phase).toBe('running');
  expect(noted.notes.at(-1)).toBe(
    'the signal "halt" is not known here; known: pause, resume, proceed, retry, rollback, abort',
  );
  await operator.signal(room, 'pause', { raeson: 'typo' });
  const refused = await operator.when('odd', 'refused', (status) => status.notes.at(-1)?.includes('raeson') === true);
  expect(refused.phase).toBe('running');
  expect(refused.notes.at(-1)).toBe('the signal pause was refused: pause: "raeson" is not known; it takes reason, by');
  await operator.signal(room, 'abort', ['now']);
  await operator.when('odd', 'refused again', (status) => status.notes.at(-1)?.includes('one optional JSON') === true);
  const broken = await place.cli(`workflow signal --workflow-id ${room} --name pause --input`, 'not json');
  expect(broken.exit).toBe(1);
  expect((await operator.status('odd')).phase).toBe('running');
});

test.concurrent('an update is answered with the status', async () => {
  const { room } = await lasting('answers');
  const paused = answered(await operator.update(room, 'pause', { reason: 'to look', by: 'ann' }));
  expect(paused).toMatchObject({
    app: 'answers',
    phase: 'paused',
    message: 'paused by ann: to look',
    counts: { selected: 3 },
  });
  expect(answered(await operator.update(room, 'resume'))).toMatchObject({ phase: 'running' });
  const aborting = answered(await operator.update(room, 'abort', { reason: 'enough' }));
  expect(aborting).toMatchObject({ reason: 'abort', message: 'enough' });
  const end = await operator.result(room);
  expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutAborted' });
  const late = await operator.update(room, 'pause');
  expect(late.exit).toBe(1);
  expect(late.text).toContain('workflow execution already completed');
});

test.concurrent('an update that makes no sense is refused by its validator, word for word, with exit 1', async () => {
  const { room } = await lasting('refusals');
  const refusals: readonly (readonly [string, unknown, string])[] = [
    ['resume', undefined, 'not paused, nothing to resume'],
    ['retry', undefined, 'no machine has failed, nothing to retry'],
    ['pause', ['x'], 'pause takes one optional JSON object, for example {"reason":"…"}'],
    ['pause', { reason: 5 }, 'pause.reason: must be text, 500 letters at most'],
    ['pause', { machines: ['x'] }, 'pause: "machines" is not known; it takes reason, by'],
    ['retry', { machines: [] }, 'retry.machines: must be a list of machine ids with at least one entry'],
  ];
  for (const [name, input, says] of refusals) {
    const said = await operator.update(room, name, input);
    expect(said.exit).toBe(1);
    expect(said.text).toContain(`unable to update workflow: ${says} (type: Refused, retryable: false)`);
  }
  const unknown = await operator.update(room, 'halt');
  expect(unknown.exit).toBe(1);
  expect(unknown.text).toContain('No registered handler for update: halt');
  const history = await place.cli(`workflow show --workflow-id ${room}`);
  expect(history.text).not.toContain('UpdateAccepted');
});

test.concurrent('an update to a door is refused and names the right id', async () => {
  const { door } = await lasting('door');
  for (const name of ['pause', 'resume', 'retry', 'abort']) {
    const said = await operator.update(door, name);
    expect(said.exit).toBe(1);
    expect(said.text).toContain(
      `this is only the door; type: temporal workflow update execute --workflow-id rollout:door --name ${name}`,
    );
  }
  expect((await operator.status('door')).phase).toBe('running');
});

test.concurrent('metadata shows every handler’s description and the current details of room and door', async () => {
  const { room, door } = await lasting('metadata');
  const ofRoom = (await place.cli(`workflow metadata --workflow-id ${room}`)).out;
  expect(ofRoom).toContain('Stop writing until resume; updates in flight before their write are called back.');
  expect(ofRoom).toContain('{"reason":"wrong image"}');
  expect(ofRoom).toContain('Phase, reason, since, message, counts');
  expect(ofRoom).toContain('2 of 3 machines at target');
  expect(ofRoom).toMatch(/region {2}group {2}at target {2}verified {2}failed {2}foreign {2}left\nord/);
  expect(ofRoom).toContain('--name pause');
  const ofDoor = (await place.cli(`workflow metadata --workflow-id ${door}`)).out;
  expect(ofDoor).toContain('Handed on to rollout:metadata.');
  expect(ofDoor).toContain('temporal workflow query --workflow-id rollout:metadata --name status');
});

test.concurrent('a list can be filtered by app, image and phase', async () => {
  const { room } = await lasting('listed');
  // Visibility is written a moment after the workflow task.
  const isFound = (query: string) =>
    eventually(query, async () => {
      const listed = await place.cli('workflow list --query', query);
      return listed.out.includes(room) ? true : undefined;
    });
  await isFound('FlyApp="listed"');
  await isFound('FlyApp="listed" AND RolloutPhase="running"');
  const { target } = await operator.status('listed');
  expect(target).toMatch(/^registry\.fly\.io\/encoder:v2@sha256:/);
  await isFound(`FlyApp="listed" AND FlyImage="${target}"`);
  await operator.signal(room, 'pause');
  await isFound('FlyApp="listed" AND RolloutPhase="paused"');
});

test.concurrent(
  'pause says pausing while an update is past its write, then paused, and writes nothing from then on',
  async () => {
    const app = 'pausing';
    await place.fly.make(app, { count: 8 });
    // Every wait takes five seconds: updates past their write are seen in flight.
    await place.fly.fault({ on: 'wait', app, effect: { delayMs: 5_000 } });
    await operator.start(app, { id: `${app}-door` });
    await eventually('a write', async () => Object.keys(await place.fly.written(app))[0]);
    const pausing = answered(await operator.update(`rollout:${app}`, 'pause'));
    expect(pausing.phase).toBe('pausing');
    expect(pausing.counts.inFlight).toBeGreaterThan(0);
    await operator.when(app, 'paused', (status) => status.phase === 'paused');
    const since = await place.fly.next();
    const { counts } = await operator.status(app);
    expect(counts.inFlight).toBe(0);
    expect(await onV2(place, app)).toHaveLength(Object.keys(await place.fly.written(app)).length);
    // Somebody else's machines make the worker busy for a while; ours stay as they are.
    await place.fly.make('pausing-beside', { count: 1 });
    expect(await operator.endOf('pausing-beside')).toMatchObject({ status: 'COMPLETED' });
    expect(await place.fly.changing(app, since)).toEqual([]);
    await operator.signal(`rollout:${app}`, 'resume');
    expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
    await expectClean(place, app);
  },
  120_000,
);

test.concurrent('retry takes a failed machine up again under a new mark, and does not resume', async () => {
  const app = 'retry';
  const [first = ''] = await place.fly.make(app, { count: 3 });
  await place.fly.fault({ on: 'update', app, times: 1, effect: { revert: true } });
  await operator.start(app, { id: `${app}-door` });
  const paused = await operator.when(app, 'paused by the failure', (status) => status.phase === 'paused');
  expect(paused).toMatchObject({ reason: 'failures', counts: { failed: 1 } });
  const failed = paused.machines.find((machine) => machine.state === 'failed');
  expect(failed?.says).toContain('reverted: Fly went back to version');
  const stranger = (await place.fly.machines(app)).find((machine) => machine.id !== failed?.id)?.id ?? first;
  const refused = await operator.update(`rollout:${app}`, 'retry', { machines: [stranger] });
  expect(refused.text).toContain(`machine ${stranger} has not failed; failed: ${failed?.id}`);
  const retried = answered(await operator.update(`rollout:${app}`, 'retry', { machines: [failed?.id] }));
  expect(retried).toMatchObject({ phase: 'paused', counts: { failed: 0 } });
  await operator.signal(`rollout:${app}`, 'resume');
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  const marks = (await place.fly.written(app))[failed?.id ?? ''] ?? [];
  expect(marks.map((mark) => mark.split('#')[1])).toEqual(['0', '1']);
  await expectClean(place, app);
});
