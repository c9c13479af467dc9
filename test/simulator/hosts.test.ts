import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V2 } from './support.js';

test('a machine whose host is lost shows only part of itself', async () => {
  const { get, raw } = lab(oneMachine({ group: 'worker' }));
  await raw('POST', `/_simulator/machines/${M1}/lose-host`);
  const machine = await get();
  expect(machine).toMatchObject({
    host_status: 'unreachable',
    state: 'started',
    image_ref: {},
    incomplete_config: { metadata: { fly_process_group: 'worker' } },
  });
  expect(machine.config).toBeUndefined();
  expect(machine.image_ref?.digest).toBeUndefined();
});

test('writes to it are unavailable, reads go on', async () => {
  const { call, raw, update } = lab(oneMachine());
  await raw('POST', `/_simulator/machines/${M1}/lose-host`);
  const refused = await update({ image: V2 });
  expect(refused.status).toBe(503);
  expect(refused.text).toContain('unavailable:');
  expect((await call('POST', `/machines/${M1}/lease`, { ttl: 30 })).status).toBe(503);
  expect((await call('POST', `/machines/${M1}/stop`)).status).toBe(503);
  expect((await call('POST', `/machines/${M1}/metadata/a`, { value: 'b' })).status).toBe(503);
  expect((await call('GET', `/machines/${M1}/versions`)).status).toBe(200);
});

test('a host is lost and comes back when the scenario says', async () => {
  const { get, after, happened } = lab(oneMachine({ host: { lostAtMs: 1000, backAtMs: 5000 } }));
  expect((await get()).host_status).toBe('ok');
  await after(1000);
  expect((await get()).host_status).toBe('unreachable');
  await after(4000);
  expect((await get()).host_status).toBe('ok');
  expect([...happened('host-lost'), ...happened('host-back')].map(({ t }) => t - START)).toEqual([1000, 5000]);
});

test('what was under way stands still with the host, and goes on when it is back', async () => {
  const { get, after, raw, update, call } = lab(oneMachine({ state: 'stopped' }));
  await update({ image: V2 });
  await raw('POST', `/_simulator/machines/${M1}/lose-host`);
  await after(60_000);
  expect((await get()).state).toBe('replacing');
  expect((await call('GET', `/machines/${M1}/wait?state=settled&timeout=5`)).status).toBe(408);
  await raw('POST', `/_simulator/machines/${M1}/restore-host`);
  expect((await get()).state).toBe('stopped');
});
