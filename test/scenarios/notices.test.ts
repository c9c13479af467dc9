import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Notice } from '../../src/domain/notices.js';
import { openSinks } from '../../src/proof/sink-server.js';
import { V2 } from '../support/fly.js';
import { operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';
import { toldOf } from '../support/told.js';

/** Who watches a rollout on the real server: each sink in its own time, whatever dies. */

const sinks = await openSinks();
const config = join(await mkdtemp(join(tmpdir(), 'layover-notices-')), 'layover.json');
const COMMIT = 'c'.repeat(40);

await writeFile(
  config,
  JSON.stringify({
    notify: {
      team: { kind: 'slack', tokenFrom: 'SLACK_TOKEN', channel: 'C0123456', api: `${sinks.url}/slack` },
      github: {
        kind: 'github',
        tokenFrom: 'GITHUB_TOKEN',
        api: `${sinks.url}/github`,
        repositories: { 'told-all': 'acme/shop' },
      },
      audit: { kind: 'webhook', url: `${sinks.url}/audit`, secretFrom: 'AUDIT_SECRET' },
    },
  }),
);
/** The webhook refuses all of these apps, or one kind of notice of theirs: `app`, `app kind`. */
const away = new Set<string>();
sinks.fault(({ path, body }) => {
  const app = String(body['app']);
  return path === '/audit' && (away.has(app) || away.has(`${app} ${String(body['kind'])}`))
    ? { status: 503 }
    : undefined;
});
afterAll(() => sinks.close());

const place = usePlace(
  { images: { [V2]: {} } },
  {},
  {
    LAYOVER_CONFIG: config,
    SLACK_TOKEN: 'xoxb-1',
    GITHUB_TOKEN: 'ghp-1',
    AUDIT_SECRET: 's3cret',
  },
);
const operator = operatorOf(place);

const make = (app: string) =>
  place.fly.make(app, { count: 2, region: 'ams', running: true }, { count: 2, region: 'ord', running: true });

const canary = (app: string, more: object = {}) =>
  operator.start(app, {
    id: `${app}-door`,
    type: 'regionalCanary',
    input: { regions: ['ams', '*'], batches: [1], bake: '2s', healthy: { for: '1s' }, gates: ['approval'], ...more },
  });

const boardOf = (app: string) =>
  sinks.messages.find(({ text, thread }) => thread === undefined && text.includes(` of ${app} `));
const repliesTo = (app: string) =>
  sinks.messages.filter(({ thread }) => thread !== undefined && thread === boardOf(app)?.ts);

const ended = (app: string) =>
  eventually('everybody knows the end', () => (toldOf(sinks, app).at(-1) === 'finished' ? true : undefined), 60_000);

test.concurrent(
  'state changes reach every sink once, also over the death of a worker, and a sink that is away delays nothing',
  async () => {
    const app = 'told-all';
    await make(app);
    away.add(app);
    await canary(app, { source: { commit: COMMIT, pullRequest: 7 } });
    await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
    await eventually('Slack is asked', () => repliesTo(app)[0]);
    await place.stopWorker();
    await place.startWorker();
    await operator.signal(`rollout:${app}`, 'proceed', { at: 'ams:approval' });
    expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
    expect(toldOf(sinks, app)).not.toContain('finished');
    away.delete(app);
    await ended(app);
    expect(toldOf(sinks, app)).toEqual(['started', 'waiting', 'resumed', 'finished']);
    await eventually('Slack knows the end', () =>
      boardOf(app)?.text.includes('has ended: completed') ? true : undefined,
    );
    expect(repliesTo(app).map(({ text }) => text.split('*')[1])).toEqual([
      `regionalCanary of ${app} waits for a person`,
      `regionalCanary of ${app} goes on`,
      `regionalCanary of ${app} has ended: completed`,
    ]);
    expect(repliesTo(app)[0]?.text).toContain(`--workflow-id rollout:${app} --name proceed`);
    expect(sinks.deployments.map(({ sha, statuses }) => [sha, statuses.at(-1)?.state])).toEqual([[COMMIT, 'success']]);
    expect(sinks.comments).toHaveLength(1);
    const notices = await place.json(`workflow list --query WorkflowType="notices"`);
    expect(JSON.stringify(notices)).toContain(`notices:${app}:`);
  },
);

test.concurrent('a rollout that is terminated is told of too, and a pause once, with its reason', async () => {
  const app = 'told-killed';
  await make(app);
  await canary(app);
  await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  await operator.signal(`rollout:${app}`, 'pause', { reason: '5xx spike', by: 'ann' });
  await eventually('the pause is told', () => (toldOf(sinks, app).includes('paused') ? true : undefined));
  await place.cli(`workflow terminate --workflow-id rollout:${app}`);
  await ended(app);
  expect(toldOf(sinks, app)).toEqual(['started', 'waiting', 'paused', 'finished']);
  const last = sinks.arrived.findLast(({ body }) => body['app'] === app && body['kind'] === 'finished');
  expect(last?.body).toMatchObject({ reason: 'terminated' });
  const paused = sinks.arrived.find(({ body }) => body['app'] === app && body['kind'] === 'paused');
  expect(paused?.body['says']).toContain('5xx spike');
});

test.concurrent('of a rollout that died before another word its beginning and its end are told', async () => {
  const app = 'told-early';
  const counts = { selected: 4, atTarget: 0, verified: 0, notRunYet: 0, failed: 0, foreign: 0, left: 4, inFlight: 0 };
  const first: Notice = {
    number: 1,
    kind: 'started',
    at: new Date().toISOString(),
    app,
    type: 'regionalCanary',
    rollout: `${app}.1`,
    target: V2,
    phase: 'running',
    reason: 'looking',
    says: 'looking at the fleet',
    step: 'ams',
    counts: { ...counts, resting: 0, working: 0, unreachable: 0 },
    canType: [],
  };
  const arg = { v: 1, rollout: `rollout:${app}`, firstRunId: 'dead', sinks: ['audit'], source: {}, first };
  const line = `workflow start --type notices --task-queue layover --workflow-id notices:${app}:1`;
  expect(await place.cli(line, '--input', JSON.stringify(arg))).toMatchObject({ exit: 0 });
  await ended(app);
  expect(toldOf(sinks, app)).toEqual(['started', 'finished']);
});

test.concurrent('a question that was answered while a sink refused it is told there as what was', async () => {
  const app = 'told-answered';
  await make(app);
  away.add(`${app} waiting`);
  await canary(app);
  const questions = () => sinks.arrived.filter(({ body }) => body['app'] === app && body['kind'] === 'waiting');
  await eventually('the question was tried', () => (questions().length > 1 ? true : undefined), 60_000);
  await operator.signal(`rollout:${app}`, 'proceed', { at: 'ams:approval' });
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  away.delete(`${app} waiting`);
  await ended(app);
  expect(toldOf(sinks, app)).toEqual(['started', 'waiting', 'resumed', 'finished']);
  expect(questions().at(-1)?.body).toMatchObject({ asks: false, canType: [] });
});

test.concurrent('who tells can be canceled: then nobody is told, and the rollout goes on', async () => {
  const app = 'told-nobody';
  await make(app);
  await canary(app);
  await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  await eventually('the question is told', () => (toldOf(sinks, app).includes('waiting') ? true : undefined));
  const { rollout } = await operator.status(app);
  const teller = place.client.workflow.getHandle(`notices:${app}:${rollout}`);
  await teller.cancel();
  await eventually('nobody tells', async () =>
    (await teller.describe()).status.name === 'CANCELLED' ? true : undefined,
  );
  await operator.signal(`rollout:${app}`, 'proceed', { at: 'ams:approval' });
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  expect(toldOf(sinks, app)).toEqual(['started', 'waiting']);
});

test.concurrent('a rollout that goes back is one rollout to who watches, under one name', async () => {
  const app = 'told-back';
  await make(app);
  await canary(app);
  await operator.when(app, 'waits for a person', (status) => status.phase === 'waiting', 60_000);
  await operator.signal(`rollout:${app}`, 'rollback', { reason: '5xx spike', by: 'ann' });
  await ended(app);
  expect(toldOf(sinks, app)).toEqual(['started', 'waiting', 'goingBack', 'finished']);
  const told = sinks.arrived.filter(({ path, body }) => path === '/audit' && body['app'] === app);
  expect(new Set(told.map(({ body }) => body['rollout'])).size).toBe(1);
  await eventually('Slack knows the end', () =>
    boardOf(app)?.text.includes('has ended: rolledBack') ? true : undefined,
  );
  expect(
    sinks.messages.filter(({ text, thread }) => thread === undefined && text.includes(` of ${app} `)),
  ).toHaveLength(1);
});
