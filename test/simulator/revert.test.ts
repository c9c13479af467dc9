import { expect, test } from 'vitest';
import { Machine, MachineVersions } from '../../src/fly/wire.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import { lab, M1, oneMachine, V1, V2 } from './support.js';

const bad: Partial<ScenarioInput> = { images: { [V1]: {}, [V2]: { reverts: true } } };

test.each(['started', 'stopped', 'suspended'])(
  'a silent revert leaves a %s machine as it was, on the old version',
  async (state) => {
    const { get, update, call } = lab(oneMachine({ state, env: { A: '1' } }, bad));
    const before = await get();
    const reply = await update({ image: V2, env: { A: '2' } });
    const { instance_id: version } = Machine.parse(reply.json);
    expect(reply.status).toBe(200);
    expect(version).not.toBe(before.instance_id);
    await call('GET', `/machines/${M1}/wait?state=settled`);
    const after = await get();
    expect(after).toMatchObject({ state, instance_id: before.instance_id, config: before.config });
    expect(after.image_ref).toEqual(before.image_ref);
    expect(after.events?.map((event) => event.type)).toContain('update');
  },
);

test('a wait for the reverted version says replaced, a wait without a version says started', async () => {
  const { update, call, after } = lab(oneMachine({}, bad));
  const { instance_id: version } = Machine.parse((await update({ image: V2 })).json);
  await after(1000);
  expect((await call('GET', `/machines/${M1}/wait?state=started`)).status).toBe(200);
  expect((await call('GET', `/machines/${M1}/wait?state=started&version=${version}`)).text).toContain(
    'currently replaced',
  );
});

test.each([true, false])('versions keep the reverted version: %s, as the switch says', async (versionsKeepReverted) => {
  const { update, call, after, get } = lab(oneMachine({}, { ...bad, switches: { versionsKeepReverted } }));
  const { instance_id: reverted } = Machine.parse((await update({ image: V2 })).json);
  const versions = async () =>
    MachineVersions.parse((await call('GET', `/machines/${M1}/versions`)).json).map(({ version }) => version);
  expect(await versions()).toContain(reverted);
  await after(1000);
  expect((await versions()).includes(reverted)).toBe(versionsKeepReverted);
  expect(await versions()).toContain((await get()).instance_id);
});

test('an image nobody has pushed cannot be pulled, and reverts', async () => {
  const { update, after, happened, get } = lab(oneMachine());
  const before = await get();
  await update({ image: 'registry.fly.io/encoder:typo' });
  await after(1000);
  expect((await get()).instance_id).toBe(before.instance_id);
  expect(happened('reverted')).toMatchObject([{ version: before.instance_id, why: 'image cannot be pulled' }]);
});

test('a share of the updates to an image may revert', async () => {
  const scenario = { images: { [V1]: {}, [V2]: { reverts: 0.3 } } };
  const { call, sim, after, happened } = lab(oneMachine({ ids: undefined, count: 200, state: 'stopped' }, scenario));
  for (const { id } of sim.machines()) await call('POST', `/machines/${id}`, { config: { image: V2 } });
  await after(1000);
  expect(happened('reverted').length).toBeGreaterThan(40);
  expect(happened('reverted').length).toBeLessThan(80);
});

test('a fault may revert the second update only', async () => {
  const faults: ScenarioInput['faults'] = [{ on: 'update', skip: 1, times: 1, effect: { revert: true } }];
  const { update, call, happened } = lab(oneMachine({}, { faults }));
  for (let i = 0; i < 3; i += 1) {
    await update({ image: V2 });
    await call('GET', `/machines/${M1}/wait?state=started`);
  }
  expect(happened('reverted')).toHaveLength(1);
});

test('a job cut by an update that reverts was cut all the same, and a new one begins', async () => {
  const { update, after, happened } = lab(oneMachine({ job: { lengthMs: 1e8 } }, bad));
  await update({ image: V2 });
  await after(1000);
  expect(happened('job-cut')).toHaveLength(1);
  expect(happened('job-started')).toHaveLength(2);
});
