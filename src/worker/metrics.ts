import type { MetricMeter } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Activities } from '../../activities/contract.js';
import type { FlyClient } from '../fly/client.js';
import { FlyError } from '../fly/errors.js';
import type { RolloutSeen } from './census.js';

/**
 * Layover's own metrics, made with Temporal's meter, so that one exporter serves these and the SDK's. Counters get
 * `_total` from the exporter. No tag ever holds what an operator or a machine wrote: apps, codes and our own words.
 */
export const METRICS = {
  flyCalls: { name: 'layover_fly_calls', says: 'Calls of the Fly Machines API', tags: ['op', 'status'] },
  machines: { name: 'layover_machine_updates', says: 'Ends of machine updates', tags: ['app', 'outcome', 'code'] },
  rollouts: { name: 'layover_rollouts', says: 'Running rollouts, 1 for the phase each is in', tags: ['app', 'phase'] },
  progress: { name: 'layover_rollout_machines', says: 'Machines of running rollouts', tags: ['app', 'state'] },
  waits: { name: 'layover_wait_seconds', says: 'How long a wait has gone on, 0 when over', tags: ['app', 'wait'] },
} as const;

/** What the rest of the worker tells. */
export interface Metrics {
  flyCall(op: string, status: string): void;
  machine(app: string, outcome: string, code: string): void;
  /** Every rollout there is: what the last census saw and this one does not is over. */
  rollouts(seen: readonly RolloutSeen[]): void;
}

/** @param meter Temporal's: `Runtime.instance().metricMeter`. */
export function createMetrics(meter: MetricMeter): Metrics {
  const flyCalls = meter.createCounter(METRICS.flyCalls.name, undefined, METRICS.flyCalls.says);
  const machines = meter.createCounter(METRICS.machines.name, undefined, METRICS.machines.says);
  const rollouts = lastingGauge(meter, METRICS.rollouts);
  const progress = lastingGauge(meter, METRICS.progress);
  const waits = lastingGauge(meter, METRICS.waits);
  return {
    flyCall: (op, status) => flyCalls.add(1, { op, status }),
    machine: (app, outcome, code) => machines.add(1, { app, outcome, code }),
    rollouts: (seen) => {
      rollouts(seen.map(({ app, phase }) => ({ tags: { app, phase }, value: 1 })));
      progress(
        seen.flatMap(({ app, counts }) =>
          Object.entries(counts).map(([state, value]) => ({ tags: { app, state }, value })),
        ),
      );
      waits(
        seen.flatMap(({ app, waits: own }) =>
          own.map(({ name, seconds }) => ({ tags: { app, wait: name }, value: seconds })),
        ),
      );
    },
  };
}

interface Point {
  readonly tags: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A gauge keeps its last value for ever, so whatever is not in the newest set is put to zero once. */
function lastingGauge(meter: MetricMeter, { name, says }: { name: string; says: string }) {
  const gauge = meter.createGauge(name, 'float', undefined, says);
  let before = new Map<string, Point['tags']>();
  return (points: readonly Point[]): void => {
    const now = new Map(points.map(({ tags }) => [JSON.stringify(tags), tags]));
    for (const [key, tags] of before) if (!now.has(key)) gauge.set(0, tags);
    for (const { tags, value } of points) gauge.set(value, tags);
    before = now;
  };
}

const statusOf = (error: unknown): string =>
  error instanceof FlyError ? String(error.failure.status ?? error.code) : 'aborted';

type Method = (...args: unknown[]) => unknown;

/** The same client, each of whose calls is counted by its name and its end; what is no call passes as it is. */
export function countCalls(fly: FlyClient, metrics: Pick<Metrics, 'flyCall'>): FlyClient {
  const counted =
    (op: string, method: Method): Method =>
    (...args) => {
      const answer = method(...args);
      if (answer instanceof Promise) {
        answer.then(
          () => metrics.flyCall(op, 'ok'),
          (error: unknown) => metrics.flyCall(op, statusOf(error)),
        );
      }
      return answer;
    };
  const methods = Object.entries(fly) as [string, Method][];
  // The same names with the same types: what Object.fromEntries cannot say.
  return Object.fromEntries(methods.map(([op, method]) => [op, counted(op, method)])) as unknown as FlyClient;
}

/**
 * Counts the end of each machine's update where every activity passes. An attempt that Temporal repeats is `retried`.
 * (Interceptors are Temporal's own place for this: sdk-typescript packages/worker/src/interceptors.ts.)
 */
export const countUpdates =
  (metrics: Pick<Metrics, 'machine'>): ActivityInterceptorsFactory =>
  ({ info }) => ({
    inbound: {
      execute: async (input, next) => {
        if (info.activityType !== UPDATE) return next(input);
        // What the contract says this activity takes and gives.
        const [{ context }] = input.args as Parameters<Activities[typeof UPDATE]>;
        try {
          const outcome = (await next(input)) as Outcome;
          metrics.machine(context.app, outcome.kind, codeOf(outcome));
          return outcome;
        } catch (error) {
          metrics.machine(context.app, 'retried', '');
          throw error;
        }
      },
    },
  });

const UPDATE = 'updateMachine' satisfies keyof Activities;

type Outcome = Awaited<ReturnType<Activities[typeof UPDATE]>>;

function codeOf(outcome: Outcome): string {
  if (outcome.kind === 'left') return outcome.standing;
  return outcome.kind === 'failed' || outcome.kind === 'error' ? outcome.code : '';
}
