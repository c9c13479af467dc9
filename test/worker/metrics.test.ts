import type { Context } from '@temporalio/activity';
import { noopMetricMeter, type MetricMeter, type MetricTags } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { createWorld } from '../../src/proof/world.js';
import { countCalls, countUpdates, createMetrics } from '../../src/worker/metrics.js';

/** A meter that keeps the last value of each series, as an exporter does. */
function recorder() {
  const series = new Map<string, number>();
  const key = (name: string, tags: MetricTags = {}) => `${name} ${JSON.stringify(tags)}`;
  const meter: MetricMeter = {
    createHistogram: (name) => noopMetricMeter.createHistogram(name),
    withTags: (tags) => noopMetricMeter.withTags(tags),
    createCounter: (name) => ({
      ...noopMetricMeter.createCounter(name),
      add: (value, tags) => void series.set(key(name, tags), (series.get(key(name, tags)) ?? 0) + value),
    }),
    createGauge: (name) => ({
      ...noopMetricMeter.createGauge(name),
      set: (value, tags) => void series.set(key(name, tags), value),
    }),
  };
  return { meter, series, shown: () => Object.fromEntries(series) };
}

describe('calls of the Fly API are counted by name and end', () => {
  const world = createWorld({ apps: [{ name: 'encoder' }, { name: 'theirs', foreignOrg: true }] });

  test.each([
    ['getApp', 'encoder', 'ok'],
    ['getApp', 'nobody', '404'],
    ['getApp', 'theirs', '403'],
    ['listMachines', 'encoder', 'ok'],
  ] as const)('%s of %s ends %s', async (op, app, status) => {
    const seen: string[] = [];
    const fly = countCalls(world.deps.fly, { flyCall: (...call) => void seen.push(call.join(' ')) });
    await fly[op](app).catch(() => undefined);
    expect(seen).toEqual([`${op} ${status}`]);
  });

  test('what is no call of the API passes as it is, and uncounted', () => {
    const seen: string[] = [];
    const fly = countCalls(world.deps.fly, { flyCall: (...call) => void seen.push(call.join(' ')) });
    expect(fly.now()).toBe(world.deps.fly.now());
    expect(Object.keys(fly)).toEqual(Object.keys(world.deps.fly));
    expect(seen).toEqual([]);
  });

  test('an answer that never came is counted by our own word for it', async () => {
    const seen: string[] = [];
    const cut = world.depsOver(() => Promise.reject(new Error('cut')));
    const fly = countCalls(cut.fly, { flyCall: (...call) => void seen.push(call.join(' ')) });
    await expect(fly.getApp('encoder')).rejects.toThrow('could not be reached');
    expect(seen).toEqual(['getApp connection']);
  });
});

describe('ends of updates are counted by app, outcome and code', () => {
  /** Passes one activity through the counter; gives what was counted, and what came back. */
  async function passed(activityType: string, work: () => Promise<unknown>) {
    const seen: string[] = [];
    const interceptors = countUpdates({ machine: (...end) => void seen.push(end.join(' ')) })({
      info: { activityType },
    } as Context);
    const input = { args: [{ context: { app: 'encoder' } }], headers: {} };
    const answer = await interceptors.inbound?.execute?.(input, work).catch((error: unknown) => error);
    return { seen, answer };
  }

  test.each([
    [{ kind: 'updated', version: 'v', wrote: true, interrupted: false }, 'encoder updated '],
    [{ kind: 'failed', code: 'reverted', says: 'x', at: 0, interrupted: false }, 'encoder failed reverted'],
    [{ kind: 'error', code: 'capacity', says: 'x', retryAfterMs: 1, inDoubt: false }, 'encoder error capacity'],
    [{ kind: 'left', standing: 'foreign', inDoubt: false }, 'encoder left foreign'],
    [{ kind: 'calledBack' }, 'encoder calledBack '],
  ] satisfies [UpdateOutcome, string][])('%j', async (outcome, counted) => {
    expect(await passed('updateMachine', () => Promise.resolve(outcome))).toEqual({ seen: [counted], answer: outcome });
  });

  test('an attempt that Temporal will repeat is no end', async () => {
    const again = new Error('again');
    expect(await passed('updateMachine', () => Promise.reject(again))).toEqual({
      seen: ['encoder retried '],
      answer: again,
    });
  });

  test('other activities pass uncounted', async () => {
    expect(await passed('observeFleet', () => Promise.resolve('seen'))).toEqual({ seen: [], answer: 'seen' });
  });
});

test('a phase that was left, a wait that is over and a rollout that has ended are zero, not what they last were', () => {
  const { meter, shown } = recorder();
  const metrics = createMetrics(meter);
  const waits = [{ name: 'sweep:stragglers', seconds: 40 }];
  metrics.rollouts([{ app: 'encoder', phase: 'running', counts: { failed: 1 }, waits }]);
  metrics.rollouts([{ app: 'encoder', phase: 'paused', counts: { failed: 2 }, waits: [] }]);
  const running = 'layover_rollouts {"app":"encoder","phase":"running"}';
  const paused = 'layover_rollouts {"app":"encoder","phase":"paused"}';
  const failed = 'layover_rollout_machines {"app":"encoder","state":"failed"}';
  const wait = 'layover_wait_seconds {"app":"encoder","wait":"sweep:stragglers"}';
  expect(shown()).toEqual({ [running]: 0, [paused]: 1, [failed]: 2, [wait]: 0 });
  metrics.rollouts([]);
  expect(shown()).toEqual({ [running]: 0, [paused]: 0, [failed]: 0, [wait]: 0 });
});
