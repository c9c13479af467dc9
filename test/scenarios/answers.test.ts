import { expect, test } from 'vitest';
import { type Fly, V2 } from '../support/fly.js';
import { expectClean, onV2, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

type Fault = Parameters<Fly['fault']>[0];
const answer = (status: number, error: string, headers: Record<string, string> = {}) => ({
  answer: { status, error, headers },
});

/** What Fly may do to a call, and to which; each sweep ends with every machine updated once. */
const BAD_DAYS: readonly (readonly [title: string, faults: readonly Fault[]])[] = [
  [
    '429 with a time to come back',
    [
      { on: 'update', times: 2, effect: answer(429, 'rate limit exceeded', { 'retry-after': '1' }) },
      { on: 'list', skip: 1, times: 1, effect: answer(429, 'rate limit exceeded') },
      { on: 'lease', skip: 1, times: 1, effect: answer(429, 'rate limit exceeded') },
    ],
  ],
  ['408 after the write took effect', [{ on: 'update', times: 2, effect: { late408: true } }]],
  ['the answer to a write lost', [{ on: 'update', skip: 1, times: 2, effect: { loseAnswer: true } }]],
  [
    '409 because somebody changes the machine',
    [{ on: 'update', times: 2, effect: answer(409, 'aborted: machine is replacing: concurrent update in progress') }],
  ],
  ['412', [{ on: 'update', times: 2, effect: answer(412, 'failed_precondition: machine is being created') }]],
  [
    'no capacity',
    [{ on: 'update', times: 1, effect: answer(503, 'unavailable: insufficient resources', { 'retry-after': '1' }) }],
  ],
  ['a write that never arrives', [{ on: 'update', times: 2, effect: { cut: true } }]],
  [
    'connections cut on every other call',
    [
      { on: 'list', skip: 1, times: 1, effect: { cut: true } },
      { on: 'get', times: 1, effect: { cut: true } },
      { on: 'wait', times: 2, effect: { cut: true } },
      { on: 'release', times: 1, effect: { cut: true } },
    ],
  ],
  ['a lease whose answer is lost', [{ on: 'lease', skip: 1, times: 2, effect: { loseAnswer: true } }]],
  [
    'malformed JSON on every kind of call',
    [
      { on: 'update', times: 1, effect: { malformed: true } },
      { on: 'list', skip: 1, times: 1, effect: { malformed: true } },
      { on: 'lease', skip: 2, times: 1, effect: { malformed: true } },
      { on: 'get', skip: 2, times: 1, effect: { malformed: true } },
      { on: 'wait', skip: 2, times: 1, effect: { malformed: true } },
    ],
  ],
  [
    'reads that lag behind',
    [
      { on: 'list', effect: { staleReadMs: 2_500 } },
      { on: 'get', share: 0.5, effect: { staleReadMs: 2_500 } },
    ],
  ],
];

test.concurrent.each(BAD_DAYS.map(([title, faults], index) => ({ title, faults, app: `day-${index}` })))(
  '$title: every machine is updated once, and the rollout completes',
  async ({ faults, app }) => {
    await place.fly.make(app, { count: 3 }, { count: 2, region: 'ams' });
    for (const fault of faults) await place.fly.fault({ ...fault, app });
    const end = await operator.endOf(app);
    expect(end).toMatchObject({ status: 'COMPLETED', result: { counts: { selected: 5, atTarget: 5, failed: 0 } } });
    expect(await onV2(place, app)).toHaveLength(5);
    expect(Object.values(await place.fly.written(app)).map((marks) => marks.length)).toEqual(Array(5).fill(1));
    await expectClean(place, app);
  },
);

test.concurrent('5xx for some seconds holds the sweep up and fails nothing', async () => {
  const app = 'unavailable';
  await place.fly.make(app, { count: 4 });
  await operator.start(app, { id: `${app}-door` });
  await operator.when(app, 'has begun', (status) => status.written > 0);
  await place.fly.faultFor(8_000, { on: 'any', app, effect: answer(503, 'service unavailable') });
  expect(await operator.result(`${app}-door`)).toMatchObject({
    status: 'COMPLETED',
    result: { counts: { atTarget: 4 } },
  });
  expect(Object.values(await place.fly.written(app)).map((marks) => marks.length)).toEqual([1, 1, 1, 1]);
  await expectClean(place, app, 'run out');
});

test.concurrent('a lease held by another is waited for until it runs out, and named while it is', async () => {
  const app = 'leased';
  const [held = ''] = await place.fly.make(app, { count: 4 });
  await place.fly.api('POST', `/v1/apps/${app}/machines/${held}/lease`, { ttl: 12, description: 'fly deploy' });
  await operator.start(app, { id: `${app}-door` });
  const resting = await operator.when(app, 'rests', (s) => s.counts.atTarget === 3 && s.counts.resting === 1);
  expect(resting.machines).toMatchObject([{ id: held, state: 'resting' }]);
  expect(resting.machines[0]?.says).toContain('another holds its lease');
  expect(resting.message).toContain('1 machine that Fly would not update just now');
  expect(resting.waits.map((wait) => wait.name)).toEqual(['sweep:resting']);
  expect(await operator.result(`${app}-door`)).toMatchObject({
    status: 'COMPLETED',
    result: { counts: { atTarget: 4 } },
  });
  await expectClean(place, app);
});

test.concurrent('a bad token in the middle pauses as fly_auth and fails nothing, and resume goes on', async () => {
  const app = 'token';
  await place.fly.make(app, { count: 3 });
  await place.fly.fault({ on: 'update', app, times: 3, effect: answer(401, 'Authenticate: token validation error') });
  await operator.start(app, { id: `${app}-door` });
  for (let refusal = 0; refusal < 3; refusal += 1) {
    const paused = await operator.when(app, 'is paused', ({ phase }) => phase === 'paused');
    expect(paused).toMatchObject({ reason: 'fly_auth', counts: { failed: 0, atTarget: 0 } });
    expect(paused.message).toContain('does not accept the token');
    expect(paused.message).toContain('give the worker a token that may do this, then resume');
    await operator.update(`rollout:${app}`, 'resume');
  }
  expect(await operator.result(`${app}-door`)).toMatchObject({
    status: 'COMPLETED',
    result: { counts: { atTarget: 3 } },
  });
  await expectClean(place, app);
});
