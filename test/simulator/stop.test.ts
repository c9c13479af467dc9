import { expect, test } from 'vitest';
import { goDuration } from '../../src/simulator/durations.js';
import { lab, M1, oneMachine, START } from './support.js';

const STOP = `/machines/${M1}/stop`;
const LONG = { lengthMs: 1e9 };

/** A machine at work, with this job and stop_config, that was just told to stop. */
async function stopped(job: object, stopConfig?: object, body?: object) {
  const world = lab(oneMachine({ job, config: stopConfig === undefined ? {} : { stop_config: stopConfig } }));
  expect((await world.call('POST', STOP, body)).status).toBe(200);
  return world;
}

const exitOf = async ({ get }: ReturnType<typeof lab>) => (await get()).events?.[0]?.request?.exit_event;

test('a job that does not handle signals is cut by the stop at once', async () => {
  const world = await stopped(LONG);
  expect(world.happened('job-cut')).toMatchObject([{ t: START, why: 'stopped', signal: 'SIGINT', by: { op: 'stop' } }]);
  await world.after(300);
  expect(await exitOf(world)).toMatchObject({ exit_code: 130, requested_stop: true });
});

test('a stop that names nothing takes signal and timeout of the machine’s own stop_config', async () => {
  const world = await stopped({ ...LONG, onStop: 'ignore' }, { signal: 'SIGTERM', timeout: '1m30s' });
  expect(world.calls('stop')).toMatchObject([{ signal: 'SIGTERM', timeoutMs: 90_000, working: true }]);
  await world.after(89_999);
  expect((await world.get()).state).toBe('stopping');
  await world.after(301);
  expect((await world.get()).state).toBe('stopped');
  expect(world.happened('job-cut')).toMatchObject([{ t: START + 90_000, signal: 'SIGTERM', by: { op: 'stop' } }]);
  expect(await exitOf(world)).toMatchObject({ exit_code: 137, guest_signal: 9, requested_stop: true });
});

test('what the body names goes before stop_config, and "0s" names nothing', async () => {
  const own = { signal: 'SIGTERM', timeout: '60s' };
  const named = await stopped(LONG, own, { signal: 'SIGQUIT', timeout: '2s' });
  expect(named.calls('stop')).toMatchObject([{ signal: 'SIGQUIT', timeoutMs: 2000 }]);
  const flyctl = await stopped(LONG, own, { id: M1, timeout: '0s' });
  expect(flyctl.calls('stop')).toMatchObject([{ signal: 'SIGTERM', timeoutMs: 60_000 }]);
  const bare = await stopped(LONG);
  expect(bare.calls('stop')).toMatchObject([{ signal: 'SIGINT', timeoutMs: 5000 }]);
  const long = await stopped(LONG, { timeout: 900e9 });
  expect(long.calls('stop')).toMatchObject([{ timeoutMs: 300_000 }]);
});

test('a job that ends by itself within the timeout keeps its own exit code and is not cut', async () => {
  const world = lab(oneMachine({ state: 'stopped', job: { lengthMs: 20_000, exitCode: 3, onStop: 'ignore' } }));
  await world.call('POST', `/machines/${M1}/start`);
  await world.after(2000 + 15_000);
  await world.call('POST', STOP, { timeout: '30s' });
  await world.after(5000 + 300);
  expect(world.happened('job-ended')).toMatchObject([{ t: START + 22_000, exitCode: 3, by: { op: 'stop' } }]);
  expect(world.happened('job-cut')).toEqual([]);
  expect(await exitOf(world)).toMatchObject({ exit_code: 3, requested_stop: true });
  expect((await world.get()).state).toBe('stopped');
});

test('a job that handles the signal puts its work away and exits, unless it takes longer than the timeout', async () => {
  const quick = await stopped({ ...LONG, onStop: { afterMs: 2000, exitCode: 0 } });
  await quick.after(2300);
  expect(quick.happened('job-ended')).toMatchObject([{ t: START + 2000, exitCode: 0, signal: 'SIGINT' }]);
  expect(quick.happened('job-cut')).toEqual([]);
  const slow = await stopped({ ...LONG, onStop: { afterMs: 7000 } });
  await slow.after(5300);
  expect(slow.happened('job-cut')).toMatchObject([{ t: START + 5000 }]);
  expect((await slow.get()).state).toBe('stopped');
});

test('SIGKILL waits for nobody, and an update of a stopping machine is what cuts its job', async () => {
  const killed = await stopped({ ...LONG, onStop: 'ignore' }, {}, { signal: 'SIGKILL', timeout: '60s' });
  expect(killed.happened('job-cut')).toMatchObject([{ t: START }]);
  const updated = await stopped({ ...LONG, onStop: 'ignore' });
  await updated.update({ image: 'registry.fly.io/encoder:v2' });
  await updated.after(60_000);
  expect(updated.happened('job-cut')).toMatchObject([{ why: 'updated', by: { op: 'update' } }]);
});

test('a signal that a stop does not take, and a timeout that is none, are 400', async () => {
  const { call, get } = lab(oneMachine());
  expect((await call('POST', STOP, { signal: 'SIGSEGV' })).status).toBe(400);
  expect((await call('POST', STOP, { timeout: 'soon' })).status).toBe(400);
  expect((await get()).state).toBe('started');
});

test('somebody else’s lease refuses cordon, uncordon and stop, and lets metadata through', async () => {
  const { call, lease, sim } = lab(oneMachine());
  const nonce = await lease({ ttl: 600 });
  const nonced = { 'fly-machine-lease-nonce': nonce };
  for (const verb of ['cordon', 'uncordon', 'stop']) {
    expect((await call('POST', `/machines/${M1}/${verb}`)).status).toBe(409);
  }
  expect((await call('POST', `/machines/${M1}/metadata/layover_hold`, { value: 'h' })).status).toBe(204);
  for (const verb of ['cordon', 'uncordon', 'stop']) {
    expect((await call('POST', `/machines/${M1}/${verb}`, undefined, nonced)).status).toBe(200);
  }
  const taken = sim.journal.entries().filter((entry) => 'op' in entry && entry.status === 200);
  expect(taken).toMatchObject([
    { op: 'cordon', nonce, cordonedBefore: false },
    { op: 'uncordon', nonce, cordonedBefore: true },
    { op: 'stop', nonce, stateBefore: 'started' },
  ]);
});

test('a hold can be set and removed as one metadata key, is journaled, and the machine keeps its version', async () => {
  const { call, get, calls, sim } = lab(oneMachine());
  const before = await get();
  const hold = `/machines/${M1}/metadata/layover_hold`;
  await call('POST', hold, { value: 'abc.1#0 started' });
  expect((await get()).config?.metadata?.['layover_hold']).toBe('abc.1#0 started');
  expect(sim.machines()).toMatchObject([{ metadata: { layover_hold: 'abc.1#0 started' } }]);
  expect((await call('DELETE', hold)).status).toBe(204);
  const after = await get();
  expect(after.config?.metadata).toEqual(before.config?.metadata);
  expect(after.instance_id).toBe(before.instance_id);
  expect(calls('metadata')).toMatchObject([
    { marks: { layover_hold: 'abc.1#0 started' }, status: 204 },
    { marks: { layover_hold: null }, status: 204 },
  ]);
});

test('cordoned is shown by get and list, and at the end in the truth', async () => {
  const { call, sim } = lab(oneMachine());
  await call('POST', `/machines/${M1}/cordon`);
  expect((await call('GET', `/machines/${M1}`)).json).toMatchObject({ cordoned: true });
  expect((await call('GET', '/machines')).json).toMatchObject([{ cordoned: true }]);
  expect(sim.machines()).toMatchObject([{ cordoned: true }]);
});

test.each([
  ['1m30s', 90_000],
  ['1.5s', 1500],
  ['250ms', 250],
  ['0', 0],
  [5e9, 5000],
  ['5', undefined],
  ['-1s', undefined],
  [true, undefined],
])('the duration %s is %s ms', (value, ms) => {
  expect(goDuration(value)).toBe(ms);
});

test('a stop_config that no machine could follow counts as not named', async () => {
  const world = await stopped(LONG, { signal: 'SIGNONE', timeout: 'soon' });
  expect(world.calls('stop')).toMatchObject([{ signal: 'SIGINT', timeoutMs: 5000 }]);
});
