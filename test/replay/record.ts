import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { type Operator, operatorOf } from '../support/operator.js';
import { eventually, type Place, usePlace } from '../support/place.js';
import { HISTORIES } from './histories.js';

/** A machine that Fly has no room for rests. */
const NO_ROOM = { status: 503, error: 'insufficient_capacity' };

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Strings that name the process or the machine that recorded: `123@host`, `temporal-cli:user@host`, sticky queues. */
const OF_THIS_MACHINE = /^(temporal-cli:)?[\w.-]+@[\w.-]+$/;

/** The same history without anything of the machine it was recorded on; nothing of it is looked at by a replay. */
function scrub(value: Json, key = ''): Json {
  if (typeof value === 'string') {
    if (key === 'stackTrace') return '';
    return key === 'identity' || OF_THIS_MACHINE.test(value) ? 'layover' : value;
  }
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map((inner) => scrub(inner));
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, scrub(inner, name)]));
}

async function keep(place: Place, name: string, workflowId: string, runId?: string): Promise<void> {
  const run = runId === undefined ? '' : ` --run-id ${runId}`;
  const history = (await place.json(`workflow show --workflow-id ${workflowId}${run}`)) as Json;
  const file = new URL(`${name}.json`, HISTORIES);
  await writeFile(file, `${JSON.stringify({ workflowId, history: scrub(history) })}\n`);
}

/** Ends with one machine at work, so that a sweep lasts until it exits. */
async function makeLasting(place: Place, operator: Operator, app: string, idle = 2): Promise<string> {
  const [working = ''] = await place.fly.make(app, { count: 1, running: true }, { count: idle });
  await operator.start(app, { id: `${app}-door` });
  return working;
}

async function recordAll(place: Place): Promise<void> {
  const operator = operatorOf(place);
  const atWork = (app: string, atTarget = 2) =>
    operator.when(app, 'waits for the working machine', (status) => status.counts.atTarget === atTarget);

  const working = await makeLasting(place, operator, 'completed');
  await atWork('completed');
  await place.fly.act(working, 'exit');
  await operator.result('completed-door');
  await keep(place, 'completed', 'rollout:completed');
  await keep(place, 'door', 'completed-door');

  await makeLasting(place, operator, 'aborted');
  await atWork('aborted');
  await operator.update('rollout:aborted', 'pause', { reason: 'to look', by: 'ann' });
  await operator.signal('rollout:aborted', 'halt');
  await operator.signal('aborted-door', 'resume');
  await operator.when('aborted', 'resumed', (status) => status.phase === 'running');
  await operator.signal('rollout:aborted', 'abort', { reason: 'enough' });
  await operator.result('aborted-door');
  await keep(place, 'paused-resumed-aborted', 'rollout:aborted');

  await place.fly.fault({ on: 'update', app: 'retried', times: 1, effect: { revert: true } });
  await place.fly.fault({ on: 'lease', app: 'retried', skip: 2, times: 1, effect: { answer: NO_ROOM } });
  await makeLasting(place, operator, 'retried', 3);
  await operator.when('retried', 'paused', (status) => status.phase === 'paused');
  await operator.update('rollout:retried', 'retry');
  await operator.signal('rollout:retried', 'resume');
  await operator.when('retried', 'has a machine that rests', (status) => status.counts.resting === 1);
  await place.cli('workflow cancel --workflow-id retried-door');
  await operator.result('retried-door');
  await keep(place, 'retried-canceled', 'rollout:retried');
  await keep(place, 'door-canceled', 'retried-door');

  const endless = {
    running: true,
    job: { lengthMs: 1e9, onStop: { afterMs: 2_000 } },
    config: { stop_config: { timeout: '30s' } },
  };
  await place.fly.make('forced', { count: 3 }, endless);
  await operator.start('forced', { id: 'forced-door', input: { forceAfter: '3s', bootFirst: 1 } });
  await eventually('a stop', async () => (await place.fly.calls('forced')).find(({ op }) => op === 'stop'));
  await keep(place, 'stopping', 'rollout:forced');
  await operator.result('forced-door');
  await keep(place, 'stopped-and-booted', 'rollout:forced');

  await operator.endOf('refused', { id: 'refused-door', input: { nope: 1 } });
  await keep(place, 'refused', 'rollout:refused');

  await place.fly.fault({ on: 'wait', app: 'running', skip: 3, effect: { delayMs: 5_000 } });
  await makeLasting(place, operator, 'running', 8);
  await operator.when('running', 'has updates in flight', (s) => s.counts.atTarget > 0 && s.counts.inFlight > 1);
  await keep(place, 'running-with-updates', 'rollout:running');
  await keep(place, 'door-running', 'running-door');
  await operator.when('running', 'only looks', (s) => s.counts.atTarget === 8 && s.counts.inFlight === 0, 60_000);
  await keep(place, 'running-and-looking', 'rollout:running');
}

/** Canaries that bake, wait for a person, go back when told to, and a rollback by itself. */
async function recordCanaries(place: Place): Promise<void> {
  const operator = operatorOf(place);
  const canary = { type: 'regionalCanary', input: { regions: ['ams', '*'], bake: '2s', gates: ['approval'] } };
  const isAsked = ({ phase }: { readonly phase: string }) => phase === 'waiting';
  const make = (app: string) =>
    place.fly.make(app, { count: 2, running: true, region: 'ams' }, { count: 2, running: true, region: 'ord' });

  await make('judged');
  await operator.start('judged', { ...canary, id: 'judged-door' });
  await operator.when('judged', 'waits for a person', isAsked, 60_000);
  await keep(place, 'canary-waiting', 'rollout:judged');
  await operator.signal('rollout:judged', 'proceed', { at: 'ams:approval', by: 'ann' });
  await operator.result('judged-door');
  await keep(place, 'canary-completed', 'rollout:judged');

  await operator.start('judged', { type: 'rollback', id: 'back-door', input: { image: undefined } });
  await operator.result('back-door');
  await keep(place, 'rollback', 'rollout:judged');

  await make('turned');
  await operator.start('turned', { ...canary, id: 'turned-door' });
  await operator.when('turned', 'waits for a person', isAsked, 60_000);
  await operator.update('rollout:turned', 'rollback', { reason: 'enough' });
  await operator.result('turned-door');
  await keep(place, 'canary-turned', 'rollout:turned');
}

/** Process groups, with a person between them. */
async function recordGroups(place: Place): Promise<void> {
  const operator = operatorOf(place);
  await place.fly.make(
    'grouped',
    { count: 2, running: true, group: 'lead' },
    { count: 2, running: true, group: 'rest' },
  );
  const input = {
    groups: ['lead', 'approval', { group: 'rest', maxUnavailable: 1 }],
    bake: '2s',
    healthy: { for: '1s' },
  };
  await operator.start('grouped', { type: 'processGroup', input, id: 'grouped-door' });
  await operator.when('grouped', 'waits for a person', ({ phase }) => phase === 'waiting', 60_000);
  await operator.signal('rollout:grouped', 'proceed', { at: 'lead:approval', by: 'ann' });
  await operator.result('grouped-door');
  await keep(place, 'groups-completed', 'rollout:grouped');
}

/** A sweep whose server suggests to continue as new after a few events: its first run, and its last. */
async function recordContinued(place: Place): Promise<void> {
  const operator = operatorOf(place);
  const working = await makeLasting(place, operator, 'continued', 12);
  const room = place.client.workflow.getHandle('rollout:continued');
  const first = await eventually('the first run', async () => (await room.describe().catch(() => undefined))?.runId);
  await operator.when('continued', 'waits', (s) => s.counts.atTarget === 12 && s.counts.inFlight === 0, 60_000);
  await place.fly.act(working, 'exit');
  await operator.result('continued-door');
  await keep(place, 'continued-first', 'rollout:continued', first);
  await keep(place, 'continued-last', 'rollout:continued');
  await keep(place, 'door-continued', 'continued-door');
}

/** Registers the tests that record every history again. */
export function recordHistories(): void {
  const place = usePlace({ images: { [V2]: {} } });
  const short = usePlace({ images: { [V2]: {} } }, { continueAsNewAt: 60 });
  test('record', { timeout: 300_000 }, async () => {
    await mkdir(HISTORIES, { recursive: true });
    for (const file of await readdir(HISTORIES)) await rm(new URL(file, HISTORIES));
    await recordAll(place);
    await recordCanaries(place);
    await recordGroups(place);
    await recordContinued(short);
    expect(await readdir(HISTORIES)).toHaveLength(19);
  });
}
