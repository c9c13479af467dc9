import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Machine } from '../../src/fly/wire.js';
import { textOf } from '../house/files.js';
import {
  begin,
  bodyOf,
  CONFIG,
  nameIn,
  patiently,
  PAUSE_MS,
  POLL_MS,
  spoil,
  Trace,
  truthOf,
  urlOf,
  type Recorded,
  type Run,
} from './flyctl-replay.js';
import { type Reply, V2 } from './support.js';

const traces = textOf('test/simulator/flyctl-requests.jsonl')
  .trim()
  .split('\n')
  .map((line) => Trace.parse(JSON.parse(line)));

const A_TEXT: unknown = expect.any(String);
const AN_OBJECT: unknown = expect.any(Object);
const A_NUMBER: unknown = expect.any(Number);
const A_LIST: unknown = expect.any(Array);

async function replay(run: Run, trace: string, call: Recorded): Promise<void> {
  await spoil(run, trace, call);
  for (let time = 0; time < call.times; time += 1) {
    const name = nameIn(call.path);
    const url = urlOf(run, call.path);
    const nonce = run.nonces.get(name);
    const headers = { 'fly-machine-lease-nonce': nonce ?? 'none was learned' };
    const sent = run.world.raw(call.method, url, bodyOf(run, call), call.nonce ? headers : {});
    const reply = await (call.status === 408 ? patiently(run, sent) : sent);
    expect([call.method, call.path, reply.status, reply.text.slice(0, 200)]).toEqual([
      call.method,
      call.path,
      call.status,
      A_TEXT,
    ]);
    holdNeeds(run, call, reply);
    if (call.times > 1) await run.world.after(call.status === 409 ? PAUSE_MS : POLL_MS);
  }
}

/** What flyctl needs of an answer, beyond its status; first match wins. */
const NEEDS: readonly (readonly [
  method: string,
  path: RegExp,
  holds: (reply: Reply, run: Run, call: Recorded) => void,
])[] = [
  ['POST', /\/lease\?ttl=\d+$/, needsLease],
  ['GET', /\/lease$/, needsLease],
  ['DELETE', /\/lease$/, ({ json }) => expect(json).toEqual({ status: 'success', data: { ok: true } })],
  ['GET', /\/machines$/, ({ json }) => z.array(z.unknown()).parse(json).forEach(needsMachine)],
  ['GET', /\/machines\/\{\w+\}$/, ({ json }) => needsMachine(json)],
  ['POST', /\/machines$/, needsCreated],
  ['POST', /\/machines\/\{\w+\}$/, needsUpdated],
  ['GET', /\/wait\?/, ({ json }) => expect(json).toMatchObject({ ok: true, state: A_TEXT })],
  ['GET', /\/ps$/, ({ json }) => needsListener(json)],
  ['POST', /\/exec$/, ({ json }) => expect(json).toMatchObject({ exit_code: 0, stdout: A_TEXT })],
  ['POST', /\/start$/, ({ json }) => expect(json).toMatchObject({ previous_state: A_TEXT })],
  ['POST', /\/(stop|suspend|restart|cordon|uncordon)(\?|$)/, ({ json }) => expect(json).toEqual({ ok: true })],
  ['DELETE', /kill=true$/, ({ json }) => expect(json).toEqual({ ok: true })],
  ['GET', /ip_assignments$/, ({ json }) => expect(json).toEqual({ ips: [] })],
  ['POST', /\/secrets$/, ({ json }) => expect(json).toMatchObject({ secrets: A_LIST, version: 1 })],
  ['GET', /\/v1\/apps\/\{app\}$/, ({ json }) => needsApp(json)],
  ['POST', /\/releases$/, needsRelease],
  ['PATCH', /\/releases\//, ({ status }) => expect(status).toBe(200)],
  ['POST', /\/graphql$/, ({ json }, _run, { query }) => needsData(json, query ?? '')],
];

function holdNeeds(run: Run, call: Recorded, reply: Reply): void {
  if (call.status >= 400) {
    if (call.status === 404 && call.path.endsWith('/lease')) expect(reply.text).toContain('lease not found');
    return;
  }
  NEEDS.find(([method, path]) => method === call.method && path.test(call.path))?.[2](reply, run, call);
}

const LeaseData = z.looseObject({
  nonce: z.string().min(1),
  expires_at: z.int(),
  owner: z.string(),
  version: z.string(),
});
const LeaseAnswer = z.looseObject({ status: z.literal('success'), data: LeaseData });

function needsLease({ json }: Reply, run: Run, { path, nonce }: Recorded): void {
  const { data } = LeaseAnswer.parse(json);
  const name = nameIn(path);
  // A refresh that changed the nonce, or a version that flyctl does not know, would cost it an error or another get.
  if (nonce) expect(data.nonce).toBe(run.nonces.get(name));
  expect(data.version).toBe(truthOf(run, name)?.version);
  expect(data.expires_at * 1000).toBeGreaterThan(run.world.clock.now());
  run.nonces.set(name, data.nonce);
}

function needsMachine(json: unknown): void {
  const machine = Machine.parse(json);
  expect(machine).toMatchObject({ host_status: A_TEXT, instance_id: machine['version'] });
  if (machine.host_status === 'ok') expect(machine.config?.['guest']).toMatchObject(CONFIG.guest);
  for (const check of machine.checks ?? []) expect(check.updated_at).toEqual(A_TEXT);
  for (const event of machine.events ?? []) {
    if (event.type !== 'exit') continue;
    expect(event.request?.exit_event?.exited_at).toMatch(/^\d{4}-\d\d-\d\dT/);
  }
}

function needsCreated({ json }: Reply, run: Run): void {
  const { id, nonce } = Machine.parse(json);
  needsMachine(json);
  run.created.push(id);
  const name = `n${run.created.length}`;
  run.ids.set(name, id);
  if (nonce) run.nonces.set(name, nonce);
}

function needsUpdated({ json }: Reply, run: Run, { path }: Recorded): void {
  const { instance_id: version, state } = Machine.parse(json);
  expect(version).not.toBe(run.versions.get(nameIn(path)));
  expect(state).toBe('replacing');
  run.versions.set(nameIn(path), version);
}

function needsListener(json: unknown): void {
  const listed = z
    .array(z.looseObject({ listen_sockets: z.array(z.looseObject({ address: z.string() })) }))
    .parse(json);
  expect(listed.flatMap(({ listen_sockets: sockets }) => sockets.map(({ address }) => address))).toContain('[::]:8080');
}

function needsApp(json: unknown): void {
  expect(json).toMatchObject({
    status: 'deployed',
    organization: { slug: A_TEXT, name: A_TEXT },
  });
}

function needsRelease({ json }: Reply, run: Run): void {
  const { release } = z.looseObject({ release: z.looseObject({ id: z.string(), version: z.int() }) }).parse(json);
  run.release = release.id;
}

function needsData(json: unknown, query: string): void {
  const unknown = query.startsWith('latestImageDetails');
  if (unknown) expect(json).toMatchObject({ errors: [{ message: 'Unknown repository' }] });
  else expect(json).toEqual({ data: AN_OBJECT });
  if (query === 'app/currentReleaseUnprocessed') {
    expect(json).toMatchObject({ data: { app: { currentRelease: { version: A_NUMBER } } } });
  }
  if (query === 'app/image') {
    const Image = z.looseObject({ digest: z.string(), ref: z.literal(V2), compressedSize: z.string().regex(/^\d+$/) });
    z.looseObject({ data: z.looseObject({ app: z.looseObject({ image: Image }) }) }).parse(json);
  }
}

describe('flyctl’s requests, in their order, get the answers that flyctl needs', () => {
  test.each(traces.map((trace) => [trace.trace, trace] as const))('%s', async (name, trace) => {
    const run = await begin(trace);
    for (const call of trace.calls) await replay(run, name, call);
    const answered = run.world.sim.journal.entries().filter(({ kind }) => kind === 'call');
    expect(answered.length).toBeGreaterThanOrEqual(trace.calls.length);
  });
});
