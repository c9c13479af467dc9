import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.js';
import { lookOrder } from '../../src/domain/look.js';
import { begin } from '../../src/domain/state.js';
import type { World } from '../../src/proof/world.js';
import { callsOf, INPUT, oneMachine, orderOf, plan, truth } from './support.js';

const SECRET = 'hunter2';

/** What Temporal would be told. */
async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(failure instanceof ApplicationFailure)) throw new Error(`no ApplicationFailure: ${String(failure)}`);
  return failure;
}

const within = (world: World, attempt = 1) => {
  const environment = new MockActivityEnvironment({ attempt });
  return { environment, activities: createActivities(world.deps) };
};

const answering = (on: string, status: number, headers: object = {}) =>
  oneMachine({
    machine: { env: { PASSWORD: SECRET } },
    faults: [{ on, effect: { answer: { status, error: `echo of your config: ${SECRET}`, headers } } }],
  } as Parameters<typeof oneMachine>[0]);

describe('what an activity tells Temporal', () => {
  test('a refusal is final, typed, and carries every problem', async () => {
    const { environment, activities } = within(oneMachine());
    const order = { type: 'stoppedSweep', input: { app: 'encoder', nope: 1, deadline: '1' }, start: 'aaaaaaaa' };
    const failure = await failureOf(environment.run(activities.planRollout, order));
    expect(failure).toMatchObject({ type: 'RolloutRefused', nonRetryable: true });
    expect(failure.details).toEqual([{ problems: failure.message.split('\n') }]);
  });

  test.each([
    { on: 'get', status: 429, headers: { 'retry-after': '7' }, type: 'rate_limited', ms: 7_000 },
    { on: 'get', status: 429, headers: {}, type: 'rate_limited', ms: 2_000 },
    { on: 'get', status: 503, headers: {}, type: 'unavailable', ms: 5_000 },
    { on: 'lease', status: 408, headers: {}, type: 'timeout', ms: 2_000 },
  ])(
    '$on answered $status $headers is tried again at the time the table or Fly names, quietly',
    async ({ on, status, headers, type, ms }) => {
      const world = answering(on, status, headers);
      const { environment, activities } = within(world);
      const failure = await failureOf(environment.run(activities.updateMachine, await orderOf(world)));
      expect(failure).toMatchObject({ type, category: 'BENIGN', nextRetryDelay: ms, nonRetryable: false });
      expect(failure.details).toEqual([{ status, requestId: expect.stringContaining('-ord') as string }]);
      expect(JSON.stringify([failure.message, failure.details, String(failure.cause)])).not.toContain(SECRET);
    },
  );

  test('a look that finds nothing to do, and waits for the last machines in vain, is a benign failure with the time of the next', async () => {
    const world = oneMachine({ machine: { running: true } });
    const { plan: made } = await plan(world);
    const order = {
      ...lookOrder(begin(made, world.clock.now()), {
        pace: 'calm',
        errors: 'told',
        after: 0,
        since: world.clock.now(),
        stale: world.clock.now() + 300_000,
        until: world.clock.now() + 600_000,
      }),
      counts: 'as before',
    };
    const { environment, activities } = within(world);
    const failure = await failureOf(environment.run(activities.observeFleet, order));
    expect(failure).toMatchObject({ type: 'NothingToDo', category: 'BENIGN', nextRetryDelay: 5_000 });
    expect(failure.message).toBe('1 machines left: 1 working, 0 between two states, 0 unreachable, 0 taken');
    const called = new MockActivityEnvironment();
    const work = called.run(activities.observeFleet, order);
    called.cancel();
    await expect(work).rejects.toBeInstanceOf(CancelledFailure);
  });

  test('a look returns nothing of a config, an env or a body', async () => {
    const world = oneMachine({ machine: { env: { PASSWORD: SECRET }, config: { init: { cmd: ['run', SECRET] } } } });
    const { plan: made } = await plan(world);
    const order = lookOrder(begin(made, 0), { pace: 'busy', errors: 'told', since: 0, after: 0, stale: 0, until: 0 });
    const { environment, activities } = within(world);
    const look = await environment.run(activities.observeFleet, order);
    expect(look).toMatchObject({ kind: 'seen', observation: { candidates: [{ id: truth(world).id }] } });
    expect(JSON.stringify([look, made])).not.toContain(SECRET);
  });

  test('an update beats, and its beats say what it is doing', async () => {
    const world = oneMachine();
    const { environment, activities } = within(world);
    const outcome = await environment.run(activities.updateMachine, await orderOf(world, {}, INPUT));
    expect(outcome).toMatchObject({ kind: 'updated' });
    expect(callsOf(world, 'release')).toHaveLength(1);
  });

  test('cancelled before its write it says so as a result: the rollout must know how each machine ended', async () => {
    const world = oneMachine();
    const { environment, activities } = within(world);
    environment.cancel();
    expect(await environment.run(activities.updateMachine, await orderOf(world))).toEqual({ kind: 'calledBack' });
  });
});
