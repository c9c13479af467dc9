import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Program } from '../../src/setup/program.js';
import { startSimulator, startTemporal, startWorker } from '../../src/setup/stack.js';
import { type Fly, flyAt, V2 } from '../support/fly.js';
import { beginLayover, layover, type Running } from '../support/outside.js';
import { eventually } from '../support/place.js';

/** A server that survives its own death: its database is a file, its address stays. */
const folder = mkdtempSync(join(tmpdir(), 'layover-watch-'));
const dbFile = join(folder, 'temporal.db');
const programs: Program[] = [];
let fly: Fly;
let temporal: Awaited<ReturnType<typeof startTemporal>>;
let flyUrl: string;

beforeAll(async () => {
  const [server, simulator] = await Promise.all([
    startTemporal({ dbFile }),
    startSimulator({ timing: { replaceMs: 300, pullMs: 100 }, images: { [V2]: {} } }),
  ]);
  temporal = server;
  flyUrl = simulator.url;
  fly = flyAt(flyUrl);
  programs.push(simulator.program, server.program);
});
afterAll(async () => {
  for (const program of programs.toReversed()) await program.stop('SIGKILL');
  rmSync(folder, { recursive: true });
});

const says = (watch: Running, what: string): Promise<true> =>
  eventually(what, () => (watch.out().includes(what) ? true : undefined), 60_000);

test('a watch outlives its server and its worker: it says what is away, goes on, and ends as the rollout ends', async () => {
  const place = { temporalAddress: temporal.address, flyUrl, pollBusy: '1s', pollCalm: '1s' };
  const worker = await startWorker(place);
  programs.push(worker);
  const [working = ''] = await fly.make('long', { count: 1, running: true }, { count: 1 });
  const connection = await Connection.connect({ address: temporal.address });
  const input = { app: 'long', image: V2 };
  await new Client({ connection }).workflow.start('stoppedSweep', {
    taskQueue: 'layover',
    workflowId: 'long-door',
    args: [input],
  });
  await connection.close();

  const env = { TEMPORAL_ADDRESS: temporal.address };
  const watch = beginLayover(['status', 'long', '--watch'], { env });
  await says(watch, 'waiting for 1 working machine to stop');

  await temporal.program.stop('SIGKILL');
  await says(watch, `Temporal at ${temporal.address} does not answer`);
  const port = Number(temporal.address.split(':')[1]);
  const again = await startTemporal({ dbFile, port });
  programs.push(again.program);
  await eventually(
    'the rollout again',
    () => (/does not answer[^]*running: /.test(watch.out()) ? true : undefined),
    60_000,
  );

  await worker.stop('SIGKILL');
  await says(watch, 'no worker answers');
  const asked = await layover(['status', 'long'], { env });
  expect(asked.code).toBe(4);
  expect(asked.err).toMatch(/^long: a rollout runs since \S+ \(\d+s ago\), and no worker answers for it/);
  programs.push(await startWorker(place));
  await fly.act(working, 'exit');

  const { code, out } = await watch.end;
  expect(code).toBe(0);
  expect(out.trimEnd().split('\n').at(-1)).toMatch(/ ended COMPLETED: /);
});
