import { expect, test } from 'vitest';
import { Machine } from '../../src/fly/wire.js';
import { lab, M1, oneMachine, V1, V2, type Lab } from './support.js';

/** The states a machine goes through after a call, seen at every 100 ms. */
async function path({ get, after }: Lab): Promise<string[]> {
  const states: string[] = [];
  for (let i = 0; i < 60; i += 1) {
    const { state } = await get();
    if (states.at(-1) !== state) states.push(state);
    await after(100);
  }
  return states;
}

test.each([
  ['started', {}, ['replacing', 'created', 'starting', 'started']],
  ['started', { skip_launch: true }, ['replacing', 'stopped']],
  ['stopped', { skip_launch: false }, ['replacing', 'stopped']],
  ['stopped', { skip_launch: true }, ['replacing', 'stopped']],
  ['suspended', {}, ['replacing', 'stopped']],
  ['created', {}, ['replacing', 'stopped']],
  ['failed', { skip_launch: true }, ['replacing', 'stopped']],
  ['failed', {}, ['replacing', 'created', 'starting', 'started']],
])('an update of a %s machine with %j goes %j', async (state, more, states) => {
  const world = lab(oneMachine({ state }));
  const reply = await world.update({ image: V2 }, more);
  expect(reply).toMatchObject({ status: 200, json: { state: 'replacing', image_ref: { tag: 'v2' } } });
  expect(await path(world)).toEqual(states);
});

test('an update mints a version, replaces the whole config and answers the update event on top', async () => {
  const { get, update } = lab(oneMachine({ env: { A: '1' } }));
  const before = await get();
  const after = Machine.parse((await update({ image: V2 })).json);
  expect(after.instance_id).not.toBe(before.instance_id);
  expect(after.instance_id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(after.config).toEqual({ image: V2 });
  expect(after.events?.[0]).toMatchObject({ type: 'update', status: 'replacing', source: 'user' });
});

test('an update with the same config mints a version as well', async () => {
  const { get, update, call } = lab(oneMachine());
  const before = await get();
  await update(before.config ?? {});
  await call('GET', `/machines/${M1}/wait?state=started`);
  expect((await get()).instance_id).not.toBe(before.instance_id);
});

test('unknown fields of a config are kept', async () => {
  const { get, update } = lab(oneMachine());
  await update({ image: V2, future: { field: [1] } });
  expect((await get()).config).toEqual({ image: V2, future: { field: [1] } });
});

test('a second update meets the first one', async () => {
  const { update } = lab(oneMachine());
  await update({ image: V2 });
  expect(await update({ image: V2 })).toMatchObject({
    status: 409,
    json: { error: 'aborted: machine is replacing: concurrent update in progress' },
  });
});

test('a wrong current_version is 409, unless the switch says that nobody looks', async () => {
  const strict = lab(oneMachine());
  const wrong = { current_version: '01K0AB3J6Q7R8S9T0V1W2X3Y4Z' };
  const refused = await strict.update({ image: V2 }, wrong);
  expect(refused).toMatchObject({ status: 409 });
  expect(refused.text).toContain('aborted: current_version');
  const { instance_id: current } = await strict.get();
  expect((await strict.update({ image: V2 }, { current_version: current })).status).toBe(200);
  const loose = lab(oneMachine({}, { switches: { currentVersionEnforced: false } }));
  expect((await loose.update({ image: V2 }, wrong)).status).toBe(200);
});

test('the update answer leaves the events out under the switch', async () => {
  const { update } = lab(oneMachine({}, { switches: { updateAnswersEvents: false } }));
  expect((await update({ image: V2 })).json).not.toHaveProperty('events');
});

test('an image pinned by tag and digest is the image of that digest', async () => {
  const { get, update, call } = lab(oneMachine({ image: V2 }));
  const digest = (await get()).image_ref?.digest;
  await update({ image: `${V1}@${digest}` });
  await call('GET', `/machines/${M1}/wait?state=started`);
  expect((await get()).image_ref).toMatchObject({ tag: 'v1', digest });
});

test('an image that boots badly leaves the new version failed', async () => {
  const { update, call, get } = lab(oneMachine({}, { images: { [V2]: { failsBoot: true } } }));
  const { instance_id: version } = Machine.parse((await update({ image: V2 })).json);
  expect((await call('GET', `/machines/${M1}/wait?state=settled&version=${version}`)).json).toMatchObject({
    state: 'failed',
  });
  expect(await get()).toMatchObject({ instance_id: version, state: 'failed' });
});

test('updates of a machine that is gone are refused', async () => {
  const { call, update, after } = lab(oneMachine());
  await call('DELETE', `/machines/${M1}?force=true`);
  expect((await update({ image: V2 })).status).toBe(412);
  await after(1000);
  expect((await update({ image: V2 })).status).toBe(404);
});

test('the journal tells of an update all that a judge needs', async () => {
  const { update, lease, get, calls } = lab(oneMachine());
  const nonce = await lease();
  const before = await get();
  const metadata = { other: 'x', layover_rollout: 'a#1', layover_from: 'b', layover_from_image: 'c' };
  const body = { current_version: before.instance_id, skip_launch: true };
  const { instance_id: version } = Machine.parse((await update({ image: V2, metadata }, body, nonce)).json);
  expect(calls('update')).toMatchObject([
    {
      kind: 'call',
      app: 'encoder',
      machine: M1,
      status: 200,
      nonce,
      image: V2,
      version,
      priorVersion: before.instance_id,
      currentVersion: before.instance_id,
      skipLaunch: true,
      stateBefore: 'started',
      working: false,
      marks: { layover_rollout: 'a#1', layover_from: 'b', layover_from_image: 'c' },
    },
  ]);
});
