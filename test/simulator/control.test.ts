import { expect, test } from 'vitest';
import { lab, M1, oneMachine, START, V1, V2 } from './support.js';

const on = (verb: string) => `/_simulator/machines/${M1}/${verb}`;

test('the log can be read from any number on', async () => {
  const { raw, get } = lab(oneMachine());
  await get();
  await get();
  expect((await raw('GET', '/_simulator/log')).json).toMatchObject([{ n: 0, kind: 'created' }, { n: 1 }, { n: 2 }]);
  expect((await raw('GET', '/_simulator/log?since=2')).json).toMatchObject([{ n: 2, kind: 'call', op: 'get' }]);
});

test('the truth shows leases, work and what really runs', async () => {
  const { raw, lease } = lab(oneMachine({ job: { lengthMs: 1e6 }, group: 'worker' }));
  const nonce = await lease({ ttl: 30, description: 'mine' });
  expect((await raw('GET', '/_simulator/machines?app=encoder')).json).toMatchObject([
    {
      app: 'encoder',
      id: M1,
      region: 'ord',
      group: 'worker',
      state: 'started',
      image: V1,
      working: true,
      host: 'ok',
      lease: { nonce, description: 'mine', expiresAt: START + 30_000 },
      machine: { id: M1, events: [{}, {}] },
    },
  ]);
  expect((await raw('GET', '/_simulator/machines?app=none')).json).toEqual([]);
});

test('a process can be made to exit', async () => {
  const { raw, get, happened } = lab(oneMachine({ job: { lengthMs: 1e6 } }));
  expect((await raw('POST', on('exit'), { code: 0 })).status).toBe(200);
  expect((await get()).state).toBe('stopped');
  expect(happened('job-ended')).toMatchObject([{ exitCode: 0, by: { op: 'exit' } }]);
  expect((await raw('POST', on('exit'))).status).toBe(412);
});

test('a foreign deploy makes a new version as flyctl would, and obeys a lease', async () => {
  const { raw, get, lease, call } = lab(oneMachine({ env: { A: '1' } }));
  const deployed = await raw('POST', on('deploy'), { image: 'registry.fly.io/encoder:hotfix', env: { B: '2' } });
  expect(deployed.status).toBe(200);
  await call('GET', `/machines/${M1}/wait`);
  const machine = await get();
  expect(machine).toMatchObject({ state: 'started', image_ref: { tag: 'hotfix' }, config: { env: { B: '2' } } });
  expect(deployed.json).toEqual({ ok: true, version: machine.instance_id });
  await lease();
  expect(await raw('POST', on('deploy'), { image: V2 })).toMatchObject({ status: 409 });
});

test('control calls that change something are journaled as such', async () => {
  const { raw, sim } = lab(oneMachine());
  await raw('POST', on('deploy'), { image: V2 });
  const deploys = sim.journal.entries().filter((entry) => entry.kind === 'control');
  expect(deploys).toMatchObject([
    { op: 'deploy', machine: M1, app: 'encoder', image: V2, status: 200, working: false },
  ]);
});

test('a machine vanishes whatever lease it has', async () => {
  const { raw, lease, call, after } = lab(oneMachine());
  await lease();
  expect((await raw('POST', on('destroy'))).status).toBe(200);
  await after(1000);
  expect((await call('GET', '/machines')).json).toEqual([]);
});

test('machines are created as a scenario creates them, in a new app if need be', async () => {
  const { raw } = lab(oneMachine());
  const block = { app: 'encoder', count: 2, image: V2, state: 'stopped', group: 'worker', ids: ['aaaaaaaaaaaaaa'] };
  const made = await raw('POST', '/_simulator/create-machines', block);
  expect(made).toMatchObject({ status: 201, json: { machines: ['aaaaaaaaaaaaaa', expect.any(String)] } });
  await raw('POST', '/_simulator/create-machines', { app: 'fresh', image: V1 });
  expect((await raw('GET', '/v1/apps/fresh')).json).toMatchObject({ machine_count: 1 });
});

test('unknown machines and verbs are 404, wrong bodies 400', async () => {
  const { raw } = lab(oneMachine());
  expect((await raw('POST', '/_simulator/machines/none/exit')).status).toBe(404);
  expect((await raw('POST', on('explode'))).status).toBe(404);
  expect((await raw('GET', '/_simulator/nothing')).status).toBe(404);
  expect((await raw('POST', on('deploy'), { imagine: V2 })).status).toBe(400);
});

test('a script does all that control calls do, at its times', async () => {
  const { sim, after, happened, get } = lab(
    oneMachine(
      { job: { lengthMs: 1e6 } },
      {
        at: [
          { ms: 1000, do: { exit: { machine: M1, code: 0 } } },
          { ms: 2000, do: { autostart: { app: 'encoder', index: 0 } } },
          { ms: 9000, do: { deploy: { group: 'app', image: V2 } } },
          { ms: 20_000, do: { loseHost: { region: 'ord' } } },
          { ms: 21_000, do: { restoreHost: { region: 'ord' } } },
          { ms: 22_000, do: { createMachines: { app: 'encoder', image: V1 } } },
          { ms: 23_000, do: { image: { ref: V2 } } },
          { ms: 24_000, do: { fault: { on: 'get', effect: { cut: true } } } },
          { ms: 25_000, do: { clearFaults: true } },
          { ms: 26_000, do: { destroy: { app: 'encoder', machine: M1 } } },
        ],
      },
    ),
  );
  await after(30_000);
  const kinds = ['job-ended', 'autostart', 'job-cut', 'host-lost', 'host-back', 'image-moved', 'destroyed'] as const;
  expect(kinds.flatMap((kind) => happened(kind)).map(({ t }) => t - START)).toEqual([
    1000, 2000, 9000, 26_000, 20_000, 21_000, 23_000, 27_000,
  ]);
  expect(sim.machines().map(({ state }) => state)).toEqual(['destroyed', 'started']);
  expect((await get()).image_ref).toMatchObject({ tag: 'v2' });
});

test('a scripted deploy waits for a lease as flyctl does, and gives up after a minute', async () => {
  const at = [{ ms: 1000, do: { deploy: { machine: M1, image: V2 } } }];
  const short = lab(oneMachine({ state: 'stopped' }, { at }));
  await short.lease({ ttl: 30 });
  await short.after(32_000);
  expect((await short.get()).image_ref).toMatchObject({ tag: 'v2' });
  const long = lab(oneMachine({ state: 'stopped' }, { at }));
  await long.lease({ ttl: 90 });
  await long.after(100_000);
  expect((await long.get()).image_ref).toMatchObject({ tag: 'v1' });
});
