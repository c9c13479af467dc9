import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort, type Program, startProgram } from '../../src/setup/program.js';
import { type RunningSimulator, startSimulator, startTemporal, type TemporalServer } from '../../src/setup/stack.js';
import { METRICS } from '../../src/worker/metrics.js';
import { ROOT } from '../house/files.js';
import { alertExpressions, dashboardExpressions } from '../deploy/metrics-files.js';
import { selectorsOf } from '../deploy/promql.js';
import { type Fly, flyAt, V2 } from '../support/fly.js';
import { eventually } from '../support/place.js';

/** The program as people start it in a clone. */
const PROGRAM = join(ROOT, 'src/setup/layover.mjs');

let simulator: RunningSimulator;
let temporal: TemporalServer;
let client: Client;
let fly: Fly;
const programs: Program[] = [];

/** How long any one thing may take on a machine that is busy with other work; a good run waits for none of it. */
const PATIENCE_MS = 60_000;
vi.setConfig({ testTimeout: 5 * PATIENCE_MS }); // several such waits in a row

beforeAll(async () => {
  [simulator, temporal] = await Promise.all([
    startSimulator({ timing: { replaceMs: 2_500, pullMs: 100, bootMs: 200 }, images: { [V2]: {} } }),
    startTemporal(),
  ]);
  fly = flyAt(simulator.url);
  client = new Client({ connection: await Connection.connect({ address: temporal.address }) });
});
afterAll(async () => {
  await client.connection.close();
  // A test that failed leaves its worker; the program in a clone cannot hand a SIGKILL on to the one it has started.
  await Promise.all(programs.map((program) => program.stop('SIGTERM', PATIENCE_MS)));
  for (const { program } of [simulator, temporal]) await program.stop('SIGKILL');
}, 2 * PATIENCE_MS);

type Env = Record<string, string>;

function begin(env: Env): Program {
  const program = startProgram({
    name: 'worker',
    command: process.execPath,
    args: [PROGRAM, 'worker'],
    env: {
      TEMPORAL_ADDRESS: temporal.address,
      FLY_API_TOKEN: 'canary-token',
      FLY_FLAPS_BASE_URL: simulator.url,
      LAYOVER_REGISTRY_URL: simulator.url,
      LAYOVER_POLL_BUSY: '1s',
      LAYOVER_POLL_CALM: '1s',
      LAYOVER_GRACE: '1s',
      ...env,
    },
  });
  programs.push(program);
  return program;
}

/** Runs to its end. */
const run = (env: Env): Promise<{ code: number; text: string }> =>
  new Promise((resolve) => {
    const all = { ...process.env, FLY_API_TOKEN: 'x', TEMPORAL_ADDRESS: temporal.address, ...env };
    const child = execFile(process.execPath, [PROGRAM, 'worker'], { env: all, timeout: PATIENCE_MS }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, text: out + err }),
    );
  });

const get = async (port: number, path: string): Promise<string> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${answer.status} ${await answer.text()}`;
};

const start = (app: string) =>
  client.workflow.start('stoppedSweep', {
    taskQueue: 'layover',
    workflowId: `${app}-door`,
    args: [{ app, image: V2 }],
  });

describe('a worker that cannot start says why, and connects to nothing', () => {
  test('wrong settings of every kind, all at once, end 2', async () => {
    const { code, text } = await run({ FLY_API_TOKEN: '', LAYOVER_GRACE: 'long', TEMPORAL_TLS: 'yes' });
    expect(code).toBe(2);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(['FLY_API_TOKEN', 'LAYOVER_GRACE', 'TEMPORAL_TLS']);
  });

  test.each(['LAYOVER_METRICS', 'LAYOVER_HEALTH'])('an address for %s that another has ends 1', async (name) => {
    const { port } = new URL(simulator.url);
    const { code, text } = await run({ [name]: `127.0.0.1:${port}` });
    expect(text).toContain(`${name} names an address that cannot be listened on`);
    expect(code).toBe(1);
  });
});

test('a worker waits for its server with a growing pause and says so; health tells the two apart; SIGTERM ends it 0', async () => {
  const [port, health] = [await freePort(), await freePort()];
  const worker = begin({ TEMPORAL_ADDRESS: `127.0.0.1:${port}`, LAYOVER_HEALTH: `127.0.0.1:${health}` });
  await worker.printed(/trying again in 200 ms[^]*trying again in 500 ms[^]*trying again in 1000 ms/, PATIENCE_MS);
  expect(await get(health, '/healthz')).toBe('200 alive\n');
  expect(await get(health, '/readyz')).toBe('503 connecting to Temporal\n');
  const server = await startTemporal({ port });
  programs.push(server.program);
  await worker.printed(
    /layover worker: Temporal 127\.0\.0\.1:\d+ \(plain text\) namespace default queue layover; /,
    PATIENCE_MS,
  );
  await eventually('ready', async () => ((await get(health, '/readyz')) === '200 polling\n' ? true : undefined));
  await server.program.stop('SIGKILL');
  await eventually('not ready', async () =>
    (await get(health, '/readyz')) === '503 Temporal does not answer\n' ? true : undefined,
  );
  expect(await get(health, '/healthz')).toBe('200 alive\n');
  await worker.stop('SIGTERM', PATIENCE_MS);
  expect(worker.code()).toBe(0);
});

test('SIGTERM ends a worker that still waits for its server, at once and with 0', async () => {
  const worker = begin({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` });
  await worker.printed(/trying again/, PATIENCE_MS);
  const began = Date.now();
  await worker.stop('SIGTERM', 20_000);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(worker.code()).toBe(0);
});

test('a namespace that is not there is said with the command that makes it, and taken up when it has come', async () => {
  const worker = begin({ TEMPORAL_NAMESPACE: 'late' });
  await worker.printed(/has no namespace "late"; .*temporal operator namespace create --namespace late/, PATIENCE_MS);
  await client.workflowService.registerNamespace({
    namespace: 'late',
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await worker.printed(/layover worker: .* namespace late /, PATIENCE_MS);
  await worker.stop();
  expect(worker.code()).toBe(0);
});

test('a worker that is told to stop finishes the update in flight: written once, no lease left', async () => {
  const worker = begin({ LAYOVER_GRACE: '30s' });
  await worker.printed(/state: 'RUNNING'/, PATIENCE_MS);
  const [id] = await fly.make('graceful', { count: 1 });
  await start('graceful');
  await eventually('the write', async () =>
    (await fly.calls('graceful')).some(({ op }) => op === 'update') ? true : undefined,
  );
  await worker.stop('SIGTERM', PATIENCE_MS);
  expect(worker.output()).toContain("state: 'STOPPED'");
  const [machine] = await fly.machines('graceful');
  expect(worker.code()).toBe(0);
  expect(machine?.id).toBe(id);
  expect(machine?.image).toContain(V2);
  expect(machine?.lease).toBeUndefined();
  expect(Object.values(await fly.written('graceful')).flat()).toHaveLength(1);
  await client.workflow.getHandle('rollout:graceful').terminate('the test is over');
});

/** Names and labels of a page of metrics in the Prometheus text format. */
function exposed(page: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of page.split('\n')) {
    const [, name, labels = ''] = /^([a-z_]\w*)(?:\{(.*)\})? /i.exec(line) ?? [];
    if (name === undefined) continue;
    const own = found.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) own.add(label);
    found.set(name, own);
  }
  return found;
}

/** A census tells of its moment: how far a sweep is at the first one depends on how busy this machine is. */
const AFTER_THE_UPDATES = [
  /layover_rollouts\{app="measured",phase="running"\} 1/,
  /layover_rollout_machines\{app="measured",state="atTarget"\} 3/,
  /layover_wait_seconds\{app="measured",wait="sweep:stragglers"\} \d/,
  /layover_machine_updates_total\{app="measured",code="",outcome="updated"\} 3/,
  /layover_fly_calls_total\{op="updateMachine",status="ok"\} 3/,
];

test('every metric and label that the dashboard and the alerts ask for is one that a worker at work exposes', async () => {
  const metrics = await freePort();
  const worker = begin({ LAYOVER_METRICS: `127.0.0.1:${metrics}` });
  await worker.printed(/state: 'RUNNING'/, PATIENCE_MS);
  const [working = ''] = await fly.make('measured', { count: 1, running: true }, { count: 3 });
  await start('measured');
  const page = await eventually(
    'a census after the updates',
    async () => {
      const text = await get(metrics, '/metrics');
      return AFTER_THE_UPDATES.every((line) => line.test(text)) ? text : undefined;
    },
    PATIENCE_MS,
  );
  expect(page).not.toContain('canary-token');
  expect(worker.output()).not.toContain('canary-token');

  const names = exposed(page);
  for (const { name, tags } of Object.values(METRICS)) {
    const [own = ''] = [name, `${name}_total`].filter((known) => names.has(known));
    expect(new Set([...(names.get(own) ?? []), 'service_name'])).toEqual(new Set([...tags, 'service_name']));
  }
  const asked = [...dashboardExpressions(), ...alertExpressions()].flatMap(({ expr }) => selectorsOf(expr));
  // `instance` comes from Prometheus itself.
  const missing = asked.filter(({ metric, labels }) => {
    const own = names.get(metric);
    return own === undefined || labels.some((label) => label !== 'instance' && !own.has(label));
  });
  expect(missing).toEqual([]);
  await fly.act(working, 'exit');
  await client.workflow.getHandle('rollout:measured').result();
  await eventually(
    'a census that finds it over',
    async () =>
      /layover_rollouts\{app="measured",phase="running"\} 0/.test(await get(metrics, '/metrics')) ? true : undefined,
    PATIENCE_MS,
  );
  await worker.stop('SIGTERM', PATIENCE_MS);
  expect(worker.code()).toBe(0);
});

test('the bin of package.json is the program, and its help names every command', async () => {
  const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  expect(join(ROOT, bin['layover'] ?? '')).toBe(PROGRAM);
  const help = await new Promise<string>((resolve) => {
    execFile(process.execPath, [PROGRAM, '--help'], (_, out) => resolve(out));
  });
  for (const command of ['plan', 'status', 'schema', 'worker', 'simulate', 'demo'])
    expect(help).toContain(`  ${command} `);
});
