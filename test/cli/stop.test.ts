import { expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { expectClean, onV2, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

/** Works for ever, and takes so long to put its work away. */
const endless = (afterMs = 0) => ({
  running: true,
  job: { lengthMs: 1e9, onStop: { afterMs } },
  config: { stop_config: { timeout: '60s' } },
});

const isHeld = async (app: string): Promise<boolean> =>
  (await place.fly.machines(app)).some(({ metadata }) => 'layover_hold' in metadata);

async function expectRight(app: string): Promise<void> {
  for (const { state, cordoned, metadata } of await place.fly.machines(app)) {
    expect({ state, cordoned }).toEqual({ state: 'started', cordoned: false });
    expect(metadata).not.toHaveProperty('layover_hold');
  }
  await expectClean(place, app);
}

test.concurrent('a machine that never rests is stopped past "forceAfter", and the report names it', async () => {
  const [idle] = await place.fly.make('forced', { count: 1 });
  const [working] = await place.fly.make('forced', endless());
  const said = await operator.execute('forced', { id: 'forced-door', input: { forceAfter: '4s' } });
  expect(said.exit).toBe(0);
  const { result } = await operator.result('forced-door');
  expect(result).toMatchObject({ reason: 'completed', stopped: [working], written: 2 });
  expect(await onV2(place, 'forced')).toHaveLength(2);
  await place.fly.act(idle ?? '', 'destroy');
  const ops = (await place.fly.changing('forced')).filter(({ machine }) => machine === working).map(({ op }) => op);
  expect(ops.filter((op) => !['lease', 'refresh', 'release'].includes(op))).toEqual([
    'cordon',
    'stop',
    'update',
    'start',
    'uncordon',
  ]);
});

test.concurrent(
  'a pause while a machine is held puts it right first: pausing, then paused, and it works as before',
  async () => {
    await place.fly.make('held', endless(4_000));
    await operator.start('held', { input: { forceAfter: '3s' } });
    await eventually('a machine is held', async () => (await isHeld('held')) || undefined);
    await operator.signal('rollout:held', 'pause', { reason: 'not now' });
    const paused = await operator.when('held', 'is paused', ({ phase }) => phase === 'paused');
    expect(paused).toMatchObject({ counts: { atTarget: 0 }, written: 0 });
    await expectRight('held');
    expect(await onV2(place, 'held')).toEqual([]);
    await operator.signal('rollout:held', 'abort');
    expect(await operator.result('rollout:held')).toMatchObject({ type: 'RolloutAborted' });
  },
);

test.concurrent('with "bootFirst" an image that never works reaches one machine', async () => {
  const broken = 'registry.fly.io/encoder:broken';
  await place.fly.image(broken, { exits: { afterMs: 500, code: 1 } });
  await place.fly.make('boot', { count: 6 });
  await operator.start('boot', { input: { image: broken, bootFirst: 1 } });
  const paused = await operator.when('boot', 'pauses', ({ phase }) => phase === 'paused');
  expect(paused).toMatchObject({ reason: 'failures', written: 1, counts: { failed: 1 } });
  await operator.signal('rollout:boot', 'abort');
  await operator.result('rollout:boot');
  expect(Object.keys(await place.fly.written('boot'))).toHaveLength(1);
});

test.concurrent('waiting for a working machine writes no events, however often it is looked at', async () => {
  await place.fly.make('calm', { count: 1 }, { running: true });
  await operator.start('calm');
  await operator.when('calm', 'waits', ({ counts, reason }) => counts.atTarget === 1 && reason === 'waiting');
  const lists = async () => (await place.fly.calls('calm')).filter(({ op }) => op === 'list').length;
  const seen = await lists();
  const events = async () => (await place.client.workflow.getHandle('rollout:calm').describe()).historyLength;
  const before = await events();
  await eventually('ten looks', async () => (await lists()) >= seen + 10 || undefined);
  // One look may have given way to another when the update landed.
  expect((await events()) - before).toBeLessThanOrEqual(6);
  await operator.signal('rollout:calm', 'abort');
});
