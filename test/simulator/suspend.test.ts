import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V2 } from './support.js';

const ME = `/machines/${M1}`;
const STARTED_ANEW = { lengthMs: 20_000 };

/** A machine that was started at the beginning, worked for 5 s of its 20 s, and was suspended then. */
async function suspended(extra = {}) {
  const world = lab(oneMachine({ state: 'stopped', job: STARTED_ANEW }, extra));
  await world.call('POST', `${ME}/start`);
  await world.after(2000 + 5000);
  expect((await world.call('POST', `${ME}/suspend`)).json).toEqual({ ok: true });
  expect((await world.get()).state).toBe('suspending');
  expect((await world.call('GET', `${ME}/wait?state=suspended`)).status).toBe(200);
  return world;
}

test('a suspended machine keeps its memory, and a start goes on with the work where it was', async () => {
  const world = await suspended();
  expect(world.sim.machines()).toMatchObject([{ state: 'suspended', working: false, snapshot: true }]);
  await world.after(3_600_000);
  await world.call('POST', `${ME}/start`);
  expect((await world.call('GET', `${ME}/wait?state=started`)).status).toBe(200);
  const [resumed] = world.happened('job-resumed');
  expect(world.sim.machines()).toMatchObject([{ working: true, endsAt: (resumed?.t ?? 0) + 15_000 }]);
  await world.after(15_000);
  expect(world.happened('job-ended')).toHaveLength(1);
  expect(world.happened('job-cut')).toEqual([]);
});

test('an update takes the memory away: the work is cut by it, and the next start boots cold', async () => {
  const world = await suspended();
  await world.update({ image: V2 });
  expect(world.happened('snapshot-lost')).toMatchObject([{ why: 'updated', by: { op: 'update' } }]);
  expect(world.happened('job-cut')).toMatchObject([{ why: 'updated', by: { op: 'update' } }]);
  await world.call('GET', `${ME}/wait?state=stopped`);
  await world.call('POST', `${ME}/start`);
  await world.after(2000);
  expect(world.happened('job-resumed')).toEqual([]);
  expect(world.happened('job-started')).toHaveLength(2);
});

test('a stop throws the memory away', async () => {
  const world = await suspended();
  await world.call('POST', `${ME}/stop`);
  expect(world.happened('job-cut')).toMatchObject([{ why: 'stopped', by: { op: 'stop' } }]);
  await world.after(300);
  expect(world.sim.machines()).toMatchObject([{ state: 'stopped' }]);
  expect(world.sim.machines()[0]).not.toHaveProperty('snapshot');
});

test.each(['control', 'script'])(
  'memory that is lost by itself (%s) leaves the machine suspended until a cold start',
  async (way) => {
    const world = await suspended({ at: [{ ms: 60_000, do: { loseSnapshot: { machine: M1 } } }] });
    if (way === 'control') await world.raw('POST', `/_simulator${ME}/lose-snapshot`);
    else await world.after(60_000);
    expect((await world.get()).state).toBe('suspended');
    expect(world.happened('snapshot-lost')).toMatchObject([{ why: 'lost' }]);
    await world.call('POST', `${ME}/start`);
    const began = world.clock.now();
    await world.call('GET', `${ME}/wait?state=started`);
    expect(world.clock.now() - began).toBe(2000);
    expect(world.happened('job-started')).toHaveLength(2);
  },
);

test('an update that is taken back leaves a suspended machine suspended, without its memory', async () => {
  const world = await suspended({ images: { [V2]: { reverts: true } } });
  await world.update({ image: V2 });
  await world.call('GET', `${ME}/wait?state=settled`);
  expect(world.sim.machines()).toMatchObject([{ state: 'suspended' }]);
  expect(world.sim.machines()[0]).not.toHaveProperty('snapshot');
});

test.each([
  ['more memory than 2 GB', { guest: { memory_mb: 4096 } }, 'more than 2048 MB'],
  ['swap', { init: { swap_size_mb: 512 } }, 'swap'],
  ['a schedule', { schedule: 'daily' }, 'schedule'],
])('a machine with %s is not suspended, and says why', async (_what, config, why) => {
  const { call, get } = lab(oneMachine({ config }));
  const refused = await call('POST', `${ME}/suspend`);
  expect(refused.status).toBe(412);
  expect(refused.text).toContain(why);
  expect((await get()).state).toBe('started');
});

test('suspend obeys a lease, is no harm twice, and refuses what does not run', async () => {
  const stopped = lab(oneMachine({ state: 'stopped' }));
  expect((await stopped.call('POST', `${ME}/suspend`)).status).toBe(412);
  const leased = lab(oneMachine());
  await leased.lease();
  expect((await leased.call('POST', `${ME}/suspend`)).status).toBe(409);
  const twice = lab(oneMachine());
  await twice.call('POST', `${ME}/suspend`);
  expect((await twice.call('POST', `${ME}/suspend`)).status).toBe(200);
  expect((await twice.call('POST', `${ME}/start`)).status).toBe(412);
});

test('the proxy wakes a suspended machine after its idle time', async () => {
  const world = lab(
    oneMachine({ job: { lengthMs: 1e9, idleMs: 10_000 } }, { timing: { suspendMs: 500, resumeMs: 200 } }),
  );
  await world.call('POST', `${ME}/suspend`);
  await world.after(10_500 + 200);
  expect(world.happened('autostart')).toMatchObject([{ t: START + 10_500 }]);
  expect(world.happened('job-resumed')).toMatchObject([{ t: START + 10_700 }]);
});
