import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openSinks } from '../../src/proof/sink-server.js';
import { V2 } from '../support/fly.js';
import { operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';
import { toldOf } from '../support/told.js';

/** Sinks of which one is away, over histories so short that who tells them continues as new all the time. */

const sinks = await openSinks();
const config = join(await mkdtemp(join(tmpdir(), 'layover-away-')), 'layover.json');
await writeFile(
  config,
  JSON.stringify({
    notify: {
      team: { kind: 'slack', tokenFrom: 'SLACK_TOKEN', channel: 'C0123456', api: `${sinks.url}/slack` },
      audit: { kind: 'webhook', url: `${sinks.url}/audit`, secretFrom: 'AUDIT_SECRET' },
    },
  }),
);
afterAll(() => sinks.close());

const place = usePlace(
  { images: { [V2]: {} } },
  { continueAsNewAt: 60 },
  { LAYOVER_CONFIG: config, SLACK_TOKEN: 'xoxb-1', AUDIT_SECRET: 's3cret' },
);
const operator = operatorOf(place);

const make = (app: string) =>
  place.fly.make(app, { count: 2, region: 'ams', running: true }, { count: 2, region: 'ord', running: true });

const input = { regions: ['ams', '*'], batches: [1], bake: '2s', healthy: { for: '1s' }, gates: ['approval'] };
const canary = (app: string) => operator.start(app, { id: `${app}-door`, type: 'regionalCanary', input });

test('one that is away keeps nobody else from the end, and is told all of it when it is back', async () => {
  const app = 'told-late';
  await make(app);
  let isAway = true;
  sinks.fault(({ path }) => (isAway && path === '/audit' ? { status: 503 } : undefined));
  await canary(app);
  await operator.when(app, 'waits for a person', ({ phase }) => phase === 'waiting', 60_000);
  for (let round = 0; round < 6; round += 1) {
    await operator.update(`rollout:${app}`, 'pause', { reason: `round ${round}` });
    await operator.when(app, 'is paused', ({ phase }) => phase === 'paused');
    await operator.update(`rollout:${app}`, 'resume', {});
    await operator.when(app, 'goes on', ({ phase }) => phase === 'waiting');
  }
  await operator.signal(`rollout:${app}`, 'proceed', { at: 'ams:approval' });
  expect(await operator.result(`${app}-door`)).toMatchObject({ status: 'COMPLETED' });
  const board = () => sinks.messages.find(({ thread }) => thread === undefined);
  await eventually('Slack knows the end', () => (board()?.text.includes('has ended') ? true : undefined), 60_000);
  expect(sinks.messages.filter(({ thread }) => thread === undefined)).toHaveLength(1);
  isAway = false;
  await eventually(
    'the webhook knows the end',
    () => (toldOf(sinks, app).at(-1) === 'finished' ? true : undefined),
    90_000,
  );
  expect(toldOf(sinks, app).filter((kind) => kind === 'paused')).toHaveLength(6);
  // Questions that were answered long ago are told as what was.
  const last = sinks.arrived.findLast(({ path, body }) => path === '/audit' && body['kind'] === 'paused');
  expect(last?.body).toMatchObject({ asks: false, canType: [] });
});
