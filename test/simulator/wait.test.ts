import { expect, test } from 'vitest';
import { Machine } from '../../src/fly/wire.js';
import { createSimulator } from '../../src/simulator/simulator.js';
import { parseScenario } from '../../src/simulator/scenario.js';
import { virtualClock } from '../../src/clock.js';
import { lab, M1, oneMachine, START, V2 } from './support.js';

const wait = (query: string) => `/machines/${M1}/wait?${query}`;

test('a wait answers at once when the state is there, with state, version and event', async () => {
  const { call, get, clock } = lab(oneMachine());
  const { instance_id: version } = await get();
  expect((await call('GET', wait('state=started'))).json).toMatchObject({ ok: true, state: 'started', version });
  expect((await call('GET', wait(''))).status).toBe(200);
  expect(clock.now()).toBe(START);
});

test('older hosts answer only ok', async () => {
  const { call } = lab(oneMachine({}, { switches: { waitAnswersState: false } }));
  expect((await call('GET', wait('state=started'))).json).toEqual({ ok: true });
});

test('a wait ends at the very moment the state is reached', async () => {
  const { call, update, clock } = lab(oneMachine());
  await update({ image: V2 });
  expect((await call('GET', wait('state=started'))).json).toMatchObject({ state: 'started' });
  expect(clock.now() - START).toBe(1000 + 500 + 2000);
});

test('several states may be wanted, as a list or repeated', async () => {
  const { call } = lab(oneMachine({ state: 'stopped' }));
  expect((await call('GET', wait('state=started,stopped'))).json).toMatchObject({ state: 'stopped' });
  expect((await call('GET', wait('state=started&state=stopped'))).json).toMatchObject({ state: 'stopped' });
});

test.each(['created', 'started', 'stopped', 'suspended', 'failed'])('%s is settled', async (state) => {
  const { call } = lab(oneMachine({ state }));
  expect((await call('GET', wait('state=settled&timeout=1'))).json).toMatchObject({ state });
});

test('settled waits for the end of a replacement', async () => {
  const { call, update, clock } = lab(oneMachine({ state: 'stopped' }));
  await update({ image: V2 });
  expect((await call('GET', wait('state=settled'))).json).toMatchObject({ state: 'stopped' });
  expect(clock.now() - START).toBe(1000);
});

test('a state that does not come is 408 and names what is instead', async () => {
  const { call, clock } = lab(oneMachine({ state: 'stopped' }));
  expect(await call('GET', wait('state=started&timeout=5'))).toMatchObject({
    status: 408,
    json: { error: 'deadline_exceeded: machine failed to reach desired state, started, currently stopped' },
  });
  expect(clock.now() - START).toBe(5000);
});

test('a wait of 60 seconds ends after 57', async () => {
  const { call, clock } = lab(oneMachine());
  expect((await call('GET', wait('state=stopped'))).status).toBe(408);
  expect(clock.now() - START).toBe(57_000);
});

test.each(['0', '61', '-1', 'soon', '1.5'])('a timeout of %s is refused in the words of Fly', async (timeout) => {
  const { call } = lab(oneMachine());
  expect(await call('GET', wait(`timeout=${timeout}`))).toMatchObject({
    status: 400,
    json: {
      error: 'invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]',
    },
  });
});

test('an unknown state is 400, an unknown machine 404', async () => {
  const { call } = lab(oneMachine());
  expect((await call('GET', wait('state=flying'))).status).toBe(400);
  expect((await call('GET', '/machines/aa/wait')).status).toBe(404);
});

test('a version that was replaced says so, before and during the wait', async () => {
  const { call, get, update, after } = lab(oneMachine());
  const { instance_id: old } = await get();
  const waiting = call('GET', wait(`state=stopped&version=${old}`));
  await after(100);
  const { instance_id: version } = Machine.parse((await update({ image: V2 })).json);
  expect((await waiting).text).toContain('currently replaced');
  expect((await call('GET', wait(`state=started&instance_id=${old}`))).text).toContain('currently replaced');
  expect((await call('GET', wait(`state=started&version=${version}`))).json).toMatchObject({ version });
});

test('a version the machine never had is 404', async () => {
  const { call } = lab(oneMachine());
  expect((await call('GET', wait('version=01K0AB3J6Q7R8S9T0V1W2X3Y4Z'))).status).toBe(404);
});

test('a call of somebody else wakes the wait', async () => {
  const { call, after, clock } = lab(oneMachine());
  const waiting = call('GET', wait('state=stopped'));
  await after(3000);
  await call('POST', `/machines/${M1}/stop`);
  expect((await waiting).status).toBe(200);
  expect(clock.now() - START).toBe(3300);
});

test('a scripted happening wakes the wait', async () => {
  const { call, clock } = lab(oneMachine({}, { at: [{ ms: 2000, do: { destroy: { machine: M1 } } }] }));
  expect((await call('GET', wait('state=destroyed'))).status).toBe(200);
  expect(clock.now() - START).toBe(3000);
});

test('a wait whose caller goes away, or whose simulator is closed, is cut at once', async () => {
  const clock = virtualClock(START);
  const sim = createSimulator({ scenario: parseScenario(oneMachine()), clock });
  const gone = new AbortController();
  const request = {
    method: 'GET',
    url: `/v1/apps/encoder${wait('state=stopped')}`,
    headers: { Authorization: 'Bearer t' },
  };
  const first = sim.handle({ ...request, signal: gone.signal });
  gone.abort();
  expect(await first).toBe('cut');
  const second = sim.handle(request);
  sim.close();
  expect(await second).toBe('cut');
  expect(await sim.handle(request)).toBe('cut');
  expect(clock.now()).toBe(START);
});

test('a waiting call is journaled when it is answered, with the time it came in', async () => {
  const { call, calls } = lab(oneMachine({ state: 'stopped' }));
  await call('GET', wait('state=started&timeout=5'));
  expect(calls('wait')).toMatchObject([{ began: START, t: START + 5000, status: 408 }]);
});
