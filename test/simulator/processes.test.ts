import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START } from './support.js';

const ME = `/machines/${M1}`;
const LONG = { lengthMs: 1e9 };

test('a restart stops the process, boots it again under the same version, and says so in the events', async () => {
  const world = lab(oneMachine({ job: LONG }));
  const before = await world.get();
  expect((await world.call('POST', `${ME}/restart?force_stop=false`)).json).toEqual({ ok: true });
  expect((await world.get()).state).toBe('restarting');
  expect((await world.call('GET', `${ME}/wait?state=started&timeout=60`)).status).toBe(200);
  expect(world.clock.now() - START).toBe(300 + 2000);
  const after = await world.get();
  expect(after.instance_id).toBe(before.instance_id);
  expect(after.events).toMatchObject([
    { type: 'start', source: 'user' },
    { type: 'exit', request: { exit_event: { requested_stop: true, restarting: true } } },
    { type: 'restart', status: 'restarting' },
    {},
    {},
  ]);
  expect(world.happened('job-cut')).toMatchObject([{ by: { op: 'restart' } }]);
});

test('a restart gives a job its stop_config, a forced one kills it', async () => {
  const config = { stop_config: { signal: 'SIGTERM', timeout: '20s' } };
  const job = { ...LONG, onStop: { afterMs: 8000 } };
  const gentle = lab(oneMachine({ job, config }));
  await gentle.call('POST', `${ME}/restart?force_stop=false`);
  await gentle.after(8300);
  expect(gentle.happened('job-ended')).toMatchObject([{ t: START + 8000, signal: 'SIGTERM' }]);
  expect((await gentle.get()).state).toBe('starting');
  const timed = lab(oneMachine({ job, config }));
  await timed.call('POST', `${ME}/restart?timeout=3`);
  await timed.after(3000);
  expect(timed.happened('job-cut')).toMatchObject([{ t: START + 3000 }]);
  const forced = lab(oneMachine({ job, config }));
  await forced.call('POST', `${ME}/restart?force_stop=true`);
  expect(forced.happened('job-cut')).toMatchObject([{ t: START, signal: 'SIGKILL' }]);
});

test('a restart obeys a lease and refuses a machine that does not run', async () => {
  const stopped = lab(oneMachine({ state: 'stopped' }));
  expect((await stopped.call('POST', `${ME}/restart`)).status).toBe(412);
  const leased = lab(oneMachine());
  await leased.lease();
  expect((await leased.call('POST', `${ME}/restart`)).status).toBe(409);
});

test('a signal by name or number ends the process without a stop: the restart policy decides', async () => {
  const kept = lab(oneMachine({ job: LONG, config: { restart: { policy: 'on-failure', max_retries: 3 } } }));
  expect((await kept.call('POST', `${ME}/signal`, { signal: 9 })).json).toEqual({ ok: true });
  expect(kept.happened('job-cut')).toMatchObject([{ why: 'signalled', by: { op: 'signal' } }]);
  expect((await kept.get()).events?.[0]?.request).toMatchObject({
    exit_event: { exit_code: 137, guest_signal: 9, requested_stop: false, restarting: true },
  });
  await kept.after(500);
  expect((await kept.get()).state).toBe('started');
  const ended = lab(oneMachine({ job: LONG, config: { restart: { policy: 'no' } } }));
  await ended.call('POST', `${ME}/signal`, { signal: 'SIGTERM' });
  expect((await ended.get()).state).toBe('stopped');
});

test('a job may ignore a signal, or put its work away and exit with its own code', async () => {
  const ignoring = lab(oneMachine({ job: { ...LONG, onStop: 'ignore' } }));
  await ignoring.call('POST', `${ME}/signal`, { signal: 'SIGUSR1' });
  await ignoring.after(60_000);
  expect(ignoring.sim.machines()).toMatchObject([{ working: true }]);
  const handling = lab(oneMachine({ job: { ...LONG, onStop: { afterMs: 3000, exitCode: 0 } } }));
  await handling.call('POST', `${ME}/signal`, { signal: 'SIGTERM' });
  await handling.after(3000);
  expect(handling.happened('job-ended')).toMatchObject([{ t: START + 3000, exitCode: 0 }]);
  expect((await handling.get()).state).toBe('stopped');
});

test('a signal that is none is 400, one for a machine that does not run 412', async () => {
  const { call } = lab(oneMachine());
  expect((await call('POST', `${ME}/signal`, { signal: 'SIGNONE' })).status).toBe(400);
  expect((await call('POST', `${ME}/signal`, { signal: 99 })).status).toBe(400);
  expect((await call('POST', `${ME}/signal`, {})).status).toBe(400);
  const stopped = lab(oneMachine({ state: 'stopped' }));
  expect((await stopped.call('POST', `${ME}/signal`, { signal: 9 })).status).toBe(412);
});

test('ps shows a process that listens where the services look for it', async () => {
  const config = { services: [{ protocol: 'tcp', internal_port: 3000 }] };
  const { call } = lab(oneMachine({ config }));
  expect((await call('GET', `${ME}/ps`)).json).toMatchObject([
    { pid: 1, listen_sockets: [{ proto: 'tcp', address: '[::]:3000' }] },
  ]);
  const stopped = lab(oneMachine({ state: 'stopped' }));
  expect((await stopped.call('GET', `${ME}/ps`)).status).toBe(412);
});

test('exec tells success, output and failure apart, and a lease guards it', async () => {
  const { call, lease } = lab(oneMachine());
  const exec = async (body: object) => (await call('POST', `${ME}/exec`, body)).json;
  expect(await exec({ cmd: 'true' })).toEqual({ exit_code: 0, exit_signal: 0, stdout: '', stderr: '' });
  expect(await exec({ command: ['echo', 'a', 'b'] })).toMatchObject({ exit_code: 0, stdout: 'a b\n' });
  expect(await exec({ cmd: 'false' })).toMatchObject({ exit_code: 1 });
  expect(await exec({ cmd: 'reboot' })).toMatchObject({ exit_code: 127, stderr: 'reboot: not found\n' });
  expect((await call('POST', `${ME}/exec`, {})).status).toBe(400);
  await lease();
  expect((await call('POST', `${ME}/exec`, { cmd: 'true' })).status).toBe(409);
});

test('memory has a limit that can be lowered and not raised over the guest’s', async () => {
  const { call } = lab(oneMachine({ config: { guest: { memory_mb: 512 } } }));
  expect((await call('GET', `${ME}/memory`)).json).toEqual({ limit_mb: 512, available_mb: 512 });
  expect((await call('PUT', `${ME}/memory`, { limit_mb: 128 })).json).toMatchObject({ limit_mb: 128 });
  expect((await call('PUT', `${ME}/memory`, { limit_mb: 9000 })).json).toMatchObject({ limit_mb: 512 });
  expect((await call('POST', `${ME}/memory/reclaim`, { amount_mb: 64 })).json).toEqual({ actual_mb: 32 });
});
