import { describe, expect, test } from 'vitest';
import { V2 } from '../support/fly.js';
import { expectClean, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';

const BAD = 'registry.fly.io/encoder:bad';

describe.each([true, false])('where Fly keeps the version it went back from: %s', (versionsKeepReverted) => {
  const place = usePlace({ images: { [V2]: {}, [BAD]: { reverts: true } }, switches: { versionsKeepReverted } });
  const operator = operatorOf(place);

  test.concurrent(
    'a silent revert is a failure with its evidence; the first one pauses, accepted it ends Partial',
    async () => {
      const app = 'revert';
      await place.fly.make(app, { count: 4 });
      await place.fly.fault({ on: 'update', app, times: 1, effect: { revert: true } });
      await operator.start(app, { id: `${app}-door` });
      const paused = await operator.when(app, 'paused', (status) => status.phase === 'paused');
      expect(paused).toMatchObject({ reason: 'failures', counts: { failed: 1 } });
      expect(paused.message).toContain('Fly went back to version');
      const [failed] = paused.machines;
      await operator.signal(`rollout:${app}`, 'resume', { by: 'ann' });
      const end = await operator.result(`${app}-door`);
      expect(end).toMatchObject({ type: 'RolloutPartial', details: [{ counts: { atTarget: 3, failed: 1 } }] });
      expect(end.message).toContain(`${failed?.id} ord app: failed: reverted: Fly went back to version`);
      expect((await place.fly.written(app))[failed?.id ?? '']).toHaveLength(1);
      await expectClean(place, app);
    },
  );

  test.concurrent('an image that never boots reaches one machine', async () => {
    const app = 'bad-image';
    await place.fly.make(app, { count: 6 });
    await operator.start(app, { id: `${app}-door`, input: { image: BAD } });
    await operator.when(app, 'paused', (status) => status.phase === 'paused');
    expect(Object.keys(await place.fly.written(app))).toHaveLength(1);
    await operator.signal(`rollout:${app}`, 'abort', { reason: 'bad image' });
    expect(await operator.result(`${app}-door`)).toMatchObject({ type: 'RolloutAborted' });
    await expectClean(place, app);
  });

  test.concurrent('a revert whose write lost its answer is still one write and one failure', async () => {
    const app = 'lost-revert';
    await place.fly.make(app, { count: 2 });
    await place.fly.fault({ on: 'update', app, effect: { loseAnswer: true } });
    await operator.start(app, { id: `${app}-door`, input: { image: BAD } });
    const paused = await operator.when(app, 'paused', (status) => status.phase === 'paused', 60_000);
    expect(paused).toMatchObject({ reason: 'failures', counts: { failed: 1 } });
    expect(Object.values(await place.fly.written(app)).map((marks) => marks.length)).toEqual([1]);
    await operator.signal(`rollout:${app}`, 'abort');
    expect(await operator.result(`${app}-door`)).toMatchObject({ type: 'RolloutAborted' });
    await expectClean(place, app);
  });
});
