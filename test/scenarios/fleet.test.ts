import { describe, expect, test } from 'vitest';
import { V1, V2 } from '../support/fly.js';
import { expectClean, makeLasting, onV2, operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

const V3 = 'registry.fly.io/encoder:v3';

describe('a fleet that changes under the sweep', () => {
  const place = usePlace({ images: { [V2]: {}, [V3]: {} } });
  const operator = operatorOf(place);

  test.concurrent('a machine destroyed meanwhile is forgotten by nobody and failed by nobody', async () => {
    const app = 'destroyed';
    const working = await makeLasting(place, app);
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'waits', (status) => status.counts.atTarget === 2);
    await place.fly.act(working, 'destroy');
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { selected: 2, atTarget: 2, failed: 0 } } });
    await expectClean(place, app);
  });

  test.concurrent('a machine destroyed between our lease and our write is left', async () => {
    const app = 'destroyed-late';
    const ids = await place.fly.make(app, { count: 3 });
    const victim = ids.toSorted()[0] ?? '';
    await place.fly.fault({ on: 'update', app, machine: victim, effect: { delayMs: 1_500 } });
    await operator.start(app, { id: `${app}-door` });
    await eventually('its lease', async () => (await place.fly.changing(app)).find((call) => call.machine === victim));
    await place.fly.act(victim, 'destroy');
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { selected: 2, atTarget: 2 } } });
    await expectClean(place, app);
  });

  test.concurrent('machines made meanwhile on the old image are updated too', async () => {
    const app = 'created';
    const working = await makeLasting(place, app);
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'waits', (status) => status.counts.atTarget === 2);
    await place.fly.make(app, { count: 2, image: V1 }, { count: 1, image: V2 });
    await eventually('they are updated', async () => (await onV2(place, app))[4]);
    await place.fly.act(working, 'exit');
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { selected: 6, atTarget: 6 }, written: 5 } });
    await expectClean(place, app);
  });

  test.concurrent('every machine gone ends Partial and says so', async () => {
    const app = 'gone';
    const [only = ''] = await place.fly.make(app, { count: 1, running: true });
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'waits', (status) => status.counts.left === 1);
    await place.fly.act(only, 'destroy');
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutPartial' });
    expect(end.message).toContain('every selected machine is gone');
  });

  test.concurrent('a foreign deploy of one machine is counted foreign, left alone, and ends Partial', async () => {
    const app = 'foreign';
    const ids = await place.fly.make(app, { count: 6 });
    const last = ids.toSorted().at(-1) ?? '';
    await place.fly.fault({ on: 'update', app, effect: { delayMs: 500 } });
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'has begun', (status) => status.phase === 'running');
    await place.fly.act(last, 'deploy', { image: V3 });
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ status: 'FAILED', type: 'RolloutPartial' });
    expect(end.message?.split('\n')[0]).toBe('partial: 5 of 6 machines of "foreign" are at target; 1 foreign');
    expect(end.message).toContain(`${last} ord app: foreign`);
    expect(end.details).toMatchObject([{ counts: { foreign: 1, atTarget: 5 } }]);
    expect((await place.fly.written(app))[last]).toBeUndefined();
    expect((await place.fly.machines(app)).find((machine) => machine.id === last)?.image).toContain(':v3');
    await expectClean(place, app);
  });

  test.concurrent('a machine that somebody deploys over our update is foreign, and not written again', async () => {
    const app = 'foreign-after';
    const working = await makeLasting(place, app);
    await operator.start(app, { id: `${app}-door` });
    await operator.when(app, 'waits', (status) => status.counts.atTarget === 2);
    const [ours = ''] = await onV2(place, app);
    await place.fly.act(ours, 'deploy', { image: V3 });
    await place.fly.act(working, 'exit');
    const end = await operator.result(`${app}-door`);
    expect(end).toMatchObject({ type: 'RolloutPartial', details: [{ counts: { foreign: 1, atTarget: 2 } }] });
    expect((await place.fly.written(app))[ours]).toHaveLength(1);
    await expectClean(place, app);
  });

  test.concurrent('a lost host that comes back: its machine is named, waited for, and updated', async () => {
    const app = 'host-back';
    const ids = await place.fly.make(app, { count: 4 });
    const lost = ids.toSorted().at(-1) ?? '';
    await place.fly.act(lost, 'lose-host');
    await operator.start(app, { id: `${app}-door` });
    const waiting = await operator.when(app, 'waits', (s) => s.counts.atTarget === 3 && s.counts.unreachable === 1);
    expect(waiting.machines).toMatchObject([{ id: lost, state: 'unreachable' }]);
    expect(waiting.waits.map((wait) => wait.name)).toContain('sweep:unreachable');
    await place.fly.act(lost, 'restore-host');
    expect(await operator.result(`${app}-door`)).toMatchObject({
      status: 'COMPLETED',
      result: { counts: { atTarget: 4 } },
    });
    await expectClean(place, app);
  });

  test.concurrent('a host lost in the middle of an update, and back: written once', async () => {
    const app = 'host-middle';
    const ids = await place.fly.make(app, { count: 3 });
    const lost = ids.toSorted()[0] ?? '';
    await operator.start(app, { id: `${app}-door` });
    await eventually('its write', async () => (await place.fly.written(app))[lost]);
    await place.fly.act(lost, 'lose-host');
    await operator.when(app, 'in flight', (status) => status.counts.inFlight > 0);
    await place.fly.act(lost, 'restore-host');
    expect(await operator.result(`${app}-door`)).toMatchObject({
      status: 'COMPLETED',
      result: { counts: { atTarget: 3 } },
    });
    expect((await place.fly.written(app))[lost]).toHaveLength(1);
    await expectClean(place, app);
  });

  test.concurrent('a lost host that stays away ends Partial at the deadline, naming its machine', async () => {
    const app = 'host-away';
    const ids = await place.fly.make(app, { count: 3 });
    const lost = ids[1] ?? '';
    await place.fly.act(lost, 'lose-host');
    const end = await operator.endOf(app, { input: { deadline: '6s' } });
    expect(end).toMatchObject({
      status: 'FAILED',
      type: 'RolloutPartial',
      details: [{ counts: { unreachable: 1, atTarget: 2 } }],
    });
    expect(end.message).toContain(`${lost} ord app: unreachable: its host is not ok`);
    await expectClean(place, app);
  });
});

describe('lists that lie', () => {
  const place = usePlace({ images: { [V2]: {} } });
  const operator = operatorOf(place);

  test.concurrent('an app that counts no machine is believed: there is nothing to select', async () => {
    await place.fly.api('POST', '/v1/apps', { name: 'empty', org_slug: 'personal' });
    const end = await operator.endOf('empty');
    expect(end).toMatchObject({ type: 'RolloutRefused' });
    expect(end.message).toBe('only/except: no machine of "empty" is selected; the app has 0 machines');
  });

  test.concurrent('an empty list where the app counts machines is looked at again', async () => {
    await place.fly.make('empty-once', { count: 3 });
    await place.fly.fault({ on: 'list', app: 'empty-once', times: 2, effect: { emptyList: true } });
    expect(await operator.endOf('empty-once')).toMatchObject({
      status: 'COMPLETED',
      result: { counts: { atTarget: 3 } },
    });
  });

  test.concurrent('a list that stays empty refuses the plan', async () => {
    await place.fly.make('empty-plan', { count: 3 });
    await place.fly.fault({ on: 'list', app: 'empty-plan', effect: { emptyList: true } });
    const end = await operator.endOf('empty-plan');
    expect(end).toMatchObject({ type: 'RolloutRefused' });
    expect(end.message).toContain('Fly lists 0 machines of "empty-plan" where it counts 3, three times in a row');
    expect(await place.fly.changing('empty-plan')).toEqual([]);
  });

  test.concurrent.each(['emptyList', 'halfList'] as const)(
    '%s for longer pauses a running rollout as list_suspect; resumed, it ends with every machine updated',
    async (effect) => {
      const app = effect.toLowerCase();
      await place.fly.make(app, { count: 7 });
      await place.fly.fault({ on: 'update', app, effect: { delayMs: 200 } });
      await place.fly.faultFor(15_000, { on: 'list', app, skip: 2, effect: { [effect]: true } });
      await operator.start(app, { id: `${app}-door` });
      const paused = await operator.when(app, 'paused', (status) => status.phase === 'paused');
      expect(paused.reason).toBe('list_suspect');
      expect(paused.message).toContain(`Fly listed ${effect === 'emptyList' ? 0 : 3} machines where it counts 7`);
      const since = await place.fly.next();
      await eventually('the list is whole', async () => {
        const list = (await place.fly.api('GET', `/v1/apps/${app}/machines`)) as unknown[];
        return list.length === 7 ? true : undefined;
      });
      expect(await place.fly.changing(app, since)).toEqual([]);
      await operator.signal(`rollout:${app}`, 'resume');
      expect(await operator.result(`${app}-door`)).toMatchObject({
        status: 'COMPLETED',
        result: { counts: { atTarget: 7 } },
      });
      await expectClean(place, app);
    },
  );
});
