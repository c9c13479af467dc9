import { expect, test } from 'vitest';
import { lab, M1, oneMachine, V2 } from './support.js';

const START_AT = `/machines/${M1}/start`;
const STOP_AT = `/machines/${M1}/stop`;

test.each(['stopped', 'suspended'])('a %s machine starts', async (state) => {
  const { call, get, after } = lab(oneMachine({ state }));
  expect(await call('POST', START_AT)).toMatchObject({ status: 200, json: { previous_state: state } });
  expect((await get()).state).toBe('starting');
  await after(2000);
  expect(await get()).toMatchObject({ state: 'started', events: [{ type: 'start', source: 'user' }, {}] });
});

test('start of a started machine changes nothing', async () => {
  const { call, get } = lab(oneMachine());
  expect((await call('POST', START_AT)).status).toBe(200);
  expect((await get()).state).toBe('started');
});

test('start is refused while the machine is created, replaced or just stopped', async () => {
  const refusals: string[] = [];
  for (const prepare of ['created', 'replacing', 'stopping']) {
    const { call, update } = lab(oneMachine());
    const made = await call('POST', '/machines', { config: { image: V2 } });
    if (prepare === 'replacing') await update({ image: V2 });
    if (prepare === 'stopping') await call('POST', STOP_AT);
    const path = prepare === 'created' ? `/machines/${(made.json as { id: string }).id}/start` : START_AT;
    const { status, text } = await call('POST', path);
    refusals.push(`${status} ${text}`);
  }
  expect(refusals).toEqual([
    `412 {"error":"failed_precondition: unable to start machine from current state: 'created'"}`,
    `412 {"error":"failed_precondition: machine getting replaced, refusing to start"}`,
    `412 {"error":"failed_precondition: machine still active, refusing to start"}`,
  ]);
});

test('start of a destroyed machine is 404', async () => {
  const { call, after } = lab(oneMachine());
  await call('DELETE', `/machines/${M1}?force=true`);
  await after(1000);
  expect((await call('POST', START_AT)).status).toBe(404);
});

test('stop answers at once, and the exit says that it was asked for', async () => {
  const { call, get, after } = lab(oneMachine());
  expect((await call('POST', STOP_AT, { signal: 'SIGTERM', timeout: '10s' })).json).toEqual({ ok: true });
  expect((await get()).state).toBe('stopping');
  await after(300);
  const machine = await get();
  expect(machine.state).toBe('stopped');
  expect(machine.events?.[0]).toMatchObject({
    type: 'exit',
    source: 'flyd',
    request: { exit_event: { exit_code: 0, requested_stop: true, restarting: false } },
  });
  expect(machine.events?.[1]).toMatchObject({ type: 'stop' });
});

test('stop of a stopped machine succeeds, stop of a suspended one discards its memory', async () => {
  const stopped = lab(oneMachine({ state: 'stopped' }));
  expect((await stopped.call('POST', STOP_AT)).status).toBe(200);
  const suspended = lab(oneMachine({ state: 'suspended' }));
  await suspended.call('POST', STOP_AT);
  await suspended.after(300);
  expect((await suspended.get()).state).toBe('stopped');
});

test('stop is refused while the machine is replaced', async () => {
  const { call, update } = lab(oneMachine());
  await update({ image: V2 });
  expect((await call('POST', STOP_AT)).status).toBe(412);
});

test('cordon shows, twice is no harm, and the state stays', async () => {
  const { call, get } = lab(oneMachine());
  await call('POST', `/machines/${M1}/cordon`);
  expect((await call('POST', `/machines/${M1}/cordon`)).json).toEqual({ ok: true });
  expect(await get()).toMatchObject({ cordoned: true, state: 'started' });
  await call('POST', `/machines/${M1}/uncordon`);
  expect((await get()).cordoned).toBe(false);
});
