import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

const JOB = { lengthMs: 10_000, idleMs: 60_000 };
const stopped = (extra = {}, more = {}) => lab(oneMachine({ state: 'stopped', job: JOB, ...more }, extra));
/** A world whose machine was asked for by the proxy just now. */
const wake = ({ raw }: ReturnType<typeof lab>) => raw('POST', `/_simulator/machines/${M1}/autostart`);

test('a job runs its length, exits by itself with its code, and the proxy starts the machine again after the idle time', async () => {
  const world = stopped();
  await wake(world);
  await world.after(2000);
  expect(world.sim.machines()).toMatchObject([{ working: true, endsAt: START + 12_000 }]);
  await world.after(10_000);
  const machine = await world.get();
  expect(machine.state).toBe('stopped');
  expect(machine.events?.[0]).toMatchObject({
    type: 'exit',
    status: 'stopped',
    source: 'flyd',
    request: { exit_event: { exit_code: 0, requested_stop: false, restarting: false, oom_killed: false } },
  });
  await world.after(60_000 + 2000);
  expect(await world.get()).toMatchObject({
    state: 'started',
    events: [{ type: 'start', source: 'proxy' }, {}, {}, {}],
  });
  expect(world.happened('job-started')).toHaveLength(2);
  expect(world.happened('job-ended')).toMatchObject([{ exitCode: 0, t: START + 12_000 }]);
});

test('machines begin in the middle of their job, each in its own phase', () => {
  const { sim } = lab(oneMachine({ ids: undefined, count: 20, running: true, job: JOB }));
  const ends = new Set(sim.machines().map((machine) => (machine.endsAt ?? 0) - START));
  expect(ends.size).toBeGreaterThan(15);
  expect(Math.max(...ends)).toBeLessThanOrEqual(10_000);
});

test('a job without an idle time stays stopped when it is done', async () => {
  const { after, get } = lab(oneMachine({ job: { lengthMs: 1000 } }));
  await after(24 * 3600_000);
  expect((await get()).state).toBe('stopped');
});

test('an update of a machine at work cuts the job, and the journal says by which call', async () => {
  const { update, calls, happened } = lab(oneMachine({ job: { lengthMs: 1e9 } }));
  await update({ image: V2 });
  const [call] = calls('update');
  expect(call).toMatchObject({ working: true, stateBefore: 'started' });
  expect(happened('job-cut')).toMatchObject([{ machine: M1, why: 'updated', by: { n: call?.n, op: 'update' } }]);
});

test('a stop and a destroy cut the job as well', async () => {
  const first = lab(oneMachine({ job: { lengthMs: 1e9 } }));
  await first.call('POST', `/machines/${M1}/stop`);
  expect(first.happened('job-cut')).toMatchObject([{ why: 'stopped', by: { op: 'stop' } }]);
  const second = lab(oneMachine({ job: { lengthMs: 1e9 } }));
  await second.call('DELETE', `/machines/${M1}?force=true`);
  expect(second.happened('job-cut')).toMatchObject([{ why: 'destroyed', by: { op: 'destroy' } }]);
});

test('updating an idle machine cuts nothing, and does not change when the proxy wants it again', async () => {
  const { update, after, happened } = stopped();
  const at = (await waitForAutostart(stopped())).t;
  await update({ image: V2 });
  await after(at - START);
  expect(happened('autostart')).toMatchObject([{ t: at }]);
  expect(happened('job-cut')).toEqual([]);
});

async function waitForAutostart(world: ReturnType<typeof lab>) {
  await world.after(60_000);
  const [autostart] = world.happened('autostart');
  if (autostart === undefined) throw new Error('no autostart');
  return autostart;
}

test('an autostart that meets a replacement comes right after it', async () => {
  const world = stopped();
  await world.update({ image: V2 });
  await wake(world);
  expect(world.happened('autostart')).toEqual([]);
  await world.after(1100);
  expect(world.happened('autostart')).toMatchObject([{ t: START + 1000 }]);
});

test('a lease keeps the proxy away until it is released', async () => {
  const world = stopped();
  const nonce = await world.lease({ ttl: 600 });
  await wake(world);
  await world.after(120_000);
  expect((await world.get()).state).toBe('stopped');
  await world.call('DELETE', `/machines/${M1}/lease`, undefined, { 'fly-machine-lease-nonce': nonce });
  await world.after(100 + 2000);
  expect((await world.get()).state).toBe('started');
});

test('a lease keeps the proxy away until it ends', async () => {
  const world = stopped();
  await world.lease({ ttl: 30 });
  await wake(world);
  await world.after(30_000 + 100 + 2000);
  expect((await world.get()).state).toBe('started');
});

test('under the switch the proxy starts a leased machine, also between its holder’s read and write', async () => {
  const world = stopped({ switches: { leaseBlocksAutostart: false } });
  const nonce = await world.lease({ ttl: 600 });
  const read = await world.get();
  await wake(world);
  await world.after(2000);
  const written = await world.update({ image: V2 }, { current_version: read.instance_id, skip_launch: true }, nonce);
  expect(written.status).toBe(200);
  expect(world.happened('job-cut')).toMatchObject([{ by: { op: 'update' } }]);
});

test('the proxy does not start a cordoned machine before it is uncordoned', async () => {
  const world = stopped({}, { cordoned: true });
  await wake(world);
  await world.after(120_000);
  expect((await world.get()).state).toBe('stopped');
  await world.call('POST', `/machines/${M1}/uncordon`);
  await world.after(2100);
  expect((await world.get()).state).toBe('started');
});

test('a crash is tried again with a growing restart count, and given up after max_retries', async () => {
  const restart = { policy: 'on-failure', max_retries: 3 };
  const world = lab(oneMachine({ config: { restart }, job: { lengthMs: 1000, exitCode: 7 } }));
  await world.after(60_000);
  const machine = await world.get();
  expect(machine.state).toBe('stopped');
  const exits = machine.events?.filter((event) => event.type === 'exit').map((event) => event.request);
  expect(exits).toMatchObject([
    { exit_event: { exit_code: 7, restarting: false }, restart_count: 3 },
    { exit_event: { restarting: true, requested_stop: false }, restart_count: 3 },
    { exit_event: { restarting: true }, restart_count: 2 },
    { exit_event: { restarting: true }, restart_count: 1 },
  ]);
});

test('the policy no never restarts, the policy always restarts a clean exit too', async () => {
  const never = lab(oneMachine({ config: { restart: { policy: 'no' } }, job: { lengthMs: 1000, exitCode: 1 } }));
  await never.after(5000);
  expect(never.happened('restarted')).toEqual([]);
  const always = lab(oneMachine({ config: { restart: { policy: 'always' } }, job: { lengthMs: 1000 } }));
  await always.after(10_000);
  expect(always.happened('restarted').length).toBeGreaterThan(3);
});

test('an image may crash wherever it is booted', async () => {
  const images = { [V1]: {}, [V2]: { exits: { afterMs: 500, code: 137, oom: true } } };
  const { update, call, after, get } = lab(oneMachine({}, { images }));
  await update({ image: V2 });
  await call('GET', `/machines/${M1}/wait?state=started`);
  await after(1900);
  expect((await get()).events).toMatchObject([
    { type: 'exit', request: { exit_event: { exit_code: 137, oom_killed: true, restarting: true }, restart_count: 2 } },
    { type: 'start' },
    { type: 'exit', request: { restart_count: 1 } },
    { type: 'start' },
    { type: 'update' },
    { type: 'start' },
    { type: 'launch' },
  ]);
});

test('auto_destroy takes the machine away after its exit', async () => {
  const world = lab(oneMachine({ config: { auto_destroy: true }, job: { lengthMs: 1000 } }));
  await world.after(2500);
  expect((await world.get()).state).toBe('destroyed');
  expect(world.happened('destroyed')).toHaveLength(1);
});

test('a job that was cut does not end a second time when it would have been done', async () => {
  const world = lab(oneMachine({ state: 'stopped', job: { lengthMs: 3000 } }));
  await world.call('POST', `/machines/${M1}/start`);
  await world.after(2000 + 2000);
  await world.update({ image: V2 });
  await world.after(3500 + 2999);
  const machine = await world.get();
  expect(machine.state).toBe('started');
  expect(machine.events?.map(({ type }) => type)).toEqual(['start', 'update', 'start', 'launch']);
});
