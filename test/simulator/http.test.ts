import { afterEach, expect, test } from 'vitest';
import { realClock } from '../../src/clock.js';
import { LeaseEnvelope, Machine, MachineList, WaitAnswer } from '../../src/fly/wire.js';
import { serve, type Listening } from '../../src/simulator/http-server.js';
import { parseScenario, type ScenarioInput } from '../../src/simulator/scenario.js';
import { createSimulator } from '../../src/simulator/simulator.js';
import { M1, oneMachine, V2 } from './support.js';

let listening: Listening | undefined;
afterEach(async () => {
  await listening?.close();
  listening = undefined;
});

const QUICK = { replaceMs: 5, pullMs: 5, bootMs: 5, stopMs: 5 };

async function start(input: ScenarioInput) {
  const simulator = createSimulator({ scenario: parseScenario({ ...input, timing: QUICK }), clock: realClock });
  listening = await serve(simulator, { port: 0 });
  const base = `http://127.0.0.1:${listening.port}`;
  return async (method: string, path: string, body?: unknown, nonce?: string) => {
    const response = await fetch(base + path, {
      method,
      headers: { authorization: 'Bearer t', ...(nonce && { 'fly-machine-lease-nonce': nonce }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, json: await response.json() };
  };
}

const M = `/v1/apps/encoder/machines/${M1}`;

test('a machine is listed, leased, updated, awaited and released over HTTP', async () => {
  const call = await start(oneMachine());
  const list = await call('GET', '/v1/apps/encoder/machines');
  const [machine] = MachineList.parse(list.json);
  expect(machine).toMatchObject({ id: M1, state: 'started', host_status: 'ok' });
  const lease = await call('POST', `${M}/lease`, { ttl: 30, description: 'test' });
  expect(lease.status).toBe(201);
  const { nonce } = LeaseEnvelope.parse(lease.json).data;
  const updated = await call('POST', M, { config: { ...machine?.config, image: V2 } }, nonce);
  expect(updated.json).toMatchObject({ state: 'replacing', image_ref: { tag: 'v2' } });
  const version = Machine.parse(updated.json).instance_id;
  const waited = await call('GET', `${M}/wait?state=started&version=${version}&timeout=10`);
  expect(waited.json).toMatchObject({ ok: true, state: 'started', version });
  expect((await call('DELETE', `${M}/lease`, undefined, nonce)).json).toEqual({
    status: 'success',
    data: { ok: true },
  });
});

test('a cut call fails as a dropped connection', async () => {
  const call = await start(oneMachine({}, { faults: [{ on: 'get', times: 1, effect: { cut: true } }] }));
  await expect(call('GET', M)).rejects.toThrow('fetch failed');
  expect((await call('GET', M)).status).toBe(200);
});

test('a caller that hangs up during a wait leaves nothing behind', async () => {
  const call = await start(oneMachine());
  const gone = new AbortController();
  const waiting = fetch(`http://127.0.0.1:${listening?.port}${M}/wait?state=stopped`, {
    headers: { authorization: 'Bearer t' },
    signal: gone.signal,
  });
  await call('GET', M);
  gone.abort();
  await expect(waiting).rejects.toThrow('aborted');
  await call('POST', `${M}/stop`);
  expect(WaitAnswer.parse((await call('GET', `${M}/wait?state=stopped`)).json).state).toBe('stopped');
});

test('the log and the truth are read without a token', async () => {
  await start(oneMachine());
  const base = `http://127.0.0.1:${listening?.port}/_simulator`;
  expect(await (await fetch(`${base}/machines?app=encoder`)).json()).toMatchObject([{ id: M1, working: false }]);
  expect(await (await fetch(`${base}/log`)).json()).toMatchObject([{ kind: 'created', machine: M1 }]);
});
