import { setMaxListeners } from 'node:events';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { freePort, type Program } from '../setup/program.js';
import { BUILT, startSimulator, startTemporal, startWorker, type TemporalServer } from '../setup/stack.js';
import { type Figure, figure } from './judge.js';
import { openJudge } from './judge-server.js';
import { openSinks, type SinkServer } from './sink-server.js';
import { type Planted, poison } from './poison.js';
import { sayFigure } from './report.js';
import { CANARY, SECRET_ROLLOUTS, type SecretRollout, secretsScenario, WRITTEN } from './secrets-fleet.js';
import { roomOf } from './sweep.js';
import { type Searcher, searcherFor } from './texts.js';

export interface SecretsReport {
  readonly figures: readonly Figure[];
  readonly planted: Planted;
  /** Events that carry what the operator wrote, by kind. */
  readonly writtenIn: readonly string[];
}

interface Watch {
  readonly client: Client;
  readonly temporal: TemporalServer;
  /** Where the worker shows its metrics and its health. */
  readonly shown: readonly string[];
  /** Those who are told. */
  readonly sinks: SinkServer;
  readonly flyUrl: string;
  readonly canary: Searcher;
  readonly written: Searcher;
  readonly signal: AbortSignal;
}

const POLL_MS = 800;
const HISTORY = 'event histories';
/** A program keeps the last of its output: a longer one would not have been searched whole. */
const MOST_LOG = 190_000;

const look = ({ canary, written }: Watch, place: string, value: unknown): void => {
  canary.look(place, value);
  written.look(place, value);
};

/** What an operator sees of Temporal's CLI, whatever it says and however it ends. */
const type = (watch: Watch, ...args: readonly string[]): Promise<void> =>
  typeInto(watch, watch.temporal.cli, args, "what Temporal's CLI prints");

/** The same of our own. */
const layover = (watch: Watch, ...args: readonly string[]): Promise<void> =>
  typeInto(watch, process.execPath, [join(BUILT, 'src/cli/main.js'), ...args], 'what our own CLI prints');

async function typeInto(watch: Watch, program: string, args: readonly string[], place: string): Promise<void> {
  const fly = { FLY_API_TOKEN: CANARY, FLY_FLAPS_BASE_URL: watch.flyUrl };
  const env = { ...process.env, ...fly, TEMPORAL_ADDRESS: watch.temporal.address, NO_COLOR: '1' };
  const said = await new Promise<string>((resolve) => {
    execFile(program, [...args], { env, timeout: 60_000 }, (_error, out, err) => resolve(out + err));
  });
  look(watch, place, said);
}

/** Everything that the server and a worker show of a workflow while it runs. */
async function lookAtRoom(watch: Watch, app: string): Promise<string | undefined> {
  const room = watch.client.workflow.getHandle(roomOf(app));
  const described = await room.describe().catch(() => undefined);
  if (described === undefined) return undefined;
  // The heartbeats and last failures of what runs are here, beside memo and search attributes.
  look(watch, 'descriptions with heartbeats, last failures and memo', described.raw);
  const status = await room.query<{ phase?: string }>('status').catch(() => undefined);
  look(watch, 'status answers', status);
  look(watch, 'current details', await room.query('__temporal_workflow_metadata').catch(() => undefined));
  return described.status.name === 'RUNNING' ? status?.phase : undefined;
}

/** Runs one rollout as an operator would: who accepts the first two pauses, and aborts at the third. */
async function runOne(watch: Watch, { app, input, type: kind = 'stoppedSweep' }: SecretRollout): Promise<string> {
  const door = `secrets-${app}`;
  const args = [{ app, ...(kind === 'stoppedSweep' && { deadline: '5m' }), ...input }];
  const handle = await watch.client.workflow.start(kind, { taskQueue: 'layover', workflowId: door, args });
  const verbs = ['retry', 'resume', 'resume', 'abort'];
  while ((await handle.describe()).status.name === 'RUNNING') {
    const phase = await lookAtRoom(watch, app);
    if (phase === 'paused') {
      const verb = verbs.shift() ?? 'abort';
      await type(watch, 'workflow', 'update', 'execute', '--workflow-id', roomOf(app), '--name', verb);
    }
    await delay(POLL_MS, undefined, { signal: watch.signal });
  }
  await lookAtRoom(watch, app);
  await type(watch, 'workflow', 'result', '--workflow-id', door);
  await layover(watch, 'status', app);
  await layover(watch, 'explain', app);
  await layover(watch, 'explain', app, '--json');
  return handle.result().then(() => 'completed', sayEnd);
}

function sayEnd(error: unknown): string {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? cause.message) : String(cause);
}

/** The raw events of every workflow that ever ran, each kind of event a place of its own for what the operator wrote. */
async function lookAtHistories(watch: Watch): Promise<void> {
  for await (const { workflowId, runId } of watch.client.workflow.list()) {
    const { events } = await watch.client.workflow.getHandle(workflowId, runId).fetchHistory();
    watch.canary.look(HISTORY, events);
    const attributes = (events ?? [])
      .flatMap((event) => Object.entries(event))
      .filter(([kind]) => kind.endsWith(SUFFIX));
    for (const [kind, value] of attributes) watch.written.look(kind, value);
  }
}

const SUFFIX = 'EventAttributes';

/** Inputs of workflows and activities; and the plan, which says what will be written. */
const MAY_BE_WRITTEN = [
  'workflowExecutionStartedEventAttributes',
  'startChildWorkflowExecutionInitiatedEventAttributes',
  'activityTaskScheduledEventAttributes',
  'activityTaskCompletedEventAttributes',
];

function judge({ canary, written }: Watch, log: string, ends: readonly string[]): Figure[] {
  const strays = written.found.filter(({ says }) => !MAY_BE_WRITTEN.includes(says));
  const searched = strays.reduce((sum, { texts }) => sum + texts, 0);
  return [
    ...canary.found.map(({ says, hits, texts, bytes }) =>
      figure(`hits of the canary in ${says}`, hits, texts, `texts (${Math.round(bytes / 1_024)} KB)`),
    ),
    figure(
      'hits of what the operator wrote outside inputs and the plan',
      strays.flatMap(({ says, hits }) => hits.map((hit) => `${says}: ${hit}`)),
      searched,
      'texts',
    ),
    figure('logs too long to be searched whole', log.length > MOST_LOG ? [`${log.length} characters`] : [], 1, 'log'),
    figure('rollouts that did not end as they were meant to', ends, SECRET_ROLLOUTS.length, 'rollouts'),
  ];
}

async function watchAll(watch: Watch, worker: Program): Promise<Omit<SecretsReport, 'planted'>> {
  const ends = await Promise.all(
    SECRET_ROLLOUTS.map(async (rollout) => {
      const end = await runOne(watch, rollout);
      return rollout.ends.some((meant) => meant === end) ? [] : [`${rollout.app} (${rollout.because}): ${end}`];
    }),
  );
  await lookAtHistories(watch);
  for (const url of watch.shown) look(watch, `the worker's ${new URL(url).pathname}`, await (await fetch(url)).text());
  // Their headers hold their tokens; all that they are told is in the bodies.
  look(
    watch,
    'notifications',
    watch.sinks.arrived.map(({ path, text }) => `${path} ${text}`),
  );
  await worker.stop();
  const log = worker.output();
  look(watch, "the worker's log", log);
  const found = watch.written.found.filter(({ says, hits }) => MAY_BE_WRITTEN.includes(says) && hits.length > 0);
  return { figures: judge(watch, log, ends.flat()), writtenIn: found.map(({ says }) => says) };
}

/**
 * Rollouts with failures of every kind over machines full of secrets, on a real server with a real worker, behind a
 * Fly that repeats secrets wherever an answer has room; and everything anybody can read of it afterwards.
 */
export async function proveSecrets(signal: AbortSignal): Promise<SecretsReport> {
  setMaxListeners(0, signal);
  const [temporal, simulator] = await Promise.all([startTemporal(), startSimulator(secretsScenario)]);
  const poisoned = await poison(simulator.url, CANARY);
  const judge = await openJudge(({ headers }) => {
    poisoned.planted.judgeTokens += headers.authorization?.includes(CANARY) === true ? 1 : 0;
    return CANARY;
  });
  const sinks = await openTellTales(poisoned.planted);
  const folder = await mkdtemp(join(tmpdir(), 'layover-secrets-'));
  const config = join(folder, 'layover.json');
  const gates = { checkout: { url: judge.url, tokenFrom: 'JUDGE_TOKEN' } };
  await writeFile(config, JSON.stringify({ gates, notify: notifyTo(sinks.url) }));
  const connection = await Connection.connect({ address: temporal.address });
  const programs = [temporal.program, simulator.program];
  try {
    const [metrics, health] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const own = { FLY_API_TOKEN: CANARY, JUDGE_TOKEN: CANARY, SINK_TOKEN: CANARY, LAYOVER_CONFIG: config };
    const env = { ...own, LAYOVER_METRICS: metrics, LAYOVER_HEALTH: health };
    const place = { temporalAddress: temporal.address, flyUrl: poisoned.url, env };
    const worker = await startWorker(place);
    programs.unshift(worker);
    const client = new Client({ connection });
    const shown = [`http://${metrics}/metrics`, `http://${health}/readyz`];
    const watch = {
      client,
      temporal,
      shown,
      sinks,
      flyUrl: poisoned.url,
      canary: searcherFor(CANARY),
      written: searcherFor(WRITTEN),
      signal,
    };
    return { ...(await watchAll(watch, worker)), planted: { ...poisoned.planted } };
  } finally {
    await connection.close();
    for (const program of programs) await program.stop('SIGKILL');
    await poisoned.close();
    judge.close();
    sinks.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Slack, GitHub and a webhook that repeat the canary in a good part of their answers. */
async function openTellTales(planted: Planted): Promise<SinkServer> {
  const sinks = await openSinks();
  let asked = 0;
  sinks.fault(({ headers }) => {
    asked += 1;
    planted.sinkTokens += headers['authorization']?.includes(CANARY) === true ? 1 : 0;
    const isWrong = asked % 5 === 0;
    planted.sinkAnswers += isWrong ? 1 : 0;
    return isWrong
      ? { status: asked % 2 === 0 ? 500 : 200, body: JSON.stringify({ ok: false, error: CANARY }) }
      : undefined;
  });
  return sinks;
}

const notifyTo = (url: string): object => ({
  team: { kind: 'slack', tokenFrom: 'SINK_TOKEN', channel: 'C0123456', api: `${url}/slack` },
  code: {
    kind: 'github',
    tokenFrom: 'SINK_TOKEN',
    api: `${url}/github`,
    repositories: Object.fromEntries(SECRET_ROLLOUTS.map(({ app }) => [app, `acme/${app}`])),
  },
  audit: { kind: 'webhook', url: `${url}/audit`, secretFrom: 'SINK_TOKEN' },
});

const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** One line a figure. */
export const saySecrets = ({ figures, planted, writtenIn }: SecretsReport): string[] => [
  `given to the worker with the canary: ${Object.entries(planted)
    .map(([kind, count]) => `${words(kind)} ${count}`)
    .join(', ')}`,
  ...figures.flatMap(sayFigure),
  `what the operator wrote is in: ${writtenIn.map((kind) => words(kind.replace(SUFFIX, ''))).join(', ')}`,
];

/** Whether nothing was seen, and there was something to be seen. */
export const isSecret = ({ figures, planted, writtenIn }: SecretsReport): boolean =>
  figures.every(({ wrong }) => wrong === 0) &&
  Object.values(planted).every((count: number) => count > 0) &&
  writtenIn.length > 0;
