import { expect } from 'vitest';
import type { Status } from '../../src/domain/status.js';
import { V2 } from './fly.js';
import { eventually, type Place, type Said } from './place.js';

/** The end of a workflow as `--output json` shows it. */
export interface End {
  readonly status: string;
  readonly type: string | undefined;
  readonly message: string | undefined;
  readonly details: readonly unknown[];
  readonly result: unknown;
}

interface ShownEnd {
  readonly status: string;
  readonly result?: unknown;
  readonly closeEvent?: {
    readonly workflowExecutionFailedEventAttributes?: {
      readonly failure?: {
        readonly message?: string;
        readonly applicationFailureInfo?: { readonly type?: string; readonly details?: readonly unknown[] };
      };
    };
  };
}

export interface StartOptions {
  readonly id?: string;
  readonly type?: string;
  readonly flags?: readonly string[];
  readonly input?: object;
}

/** What operators type, for one place. */
export function operatorOf(place: Place) {
  type Typed = [line: string, ...more: string[]];
  const verb = (what: 'start' | 'execute', app: string, options: StartOptions): Typed => [
    `workflow ${what} --task-queue layover --type ${options.type ?? 'stoppedSweep'}`,
    ...(options.id === undefined ? [] : ['--workflow-id', options.id]),
    '--input',
    JSON.stringify({ app, image: V2, ...options.input }),
    ...(options.flags ?? []),
  ];
  const argument = (input: unknown): string[] => (input === undefined ? [] : ['--input', JSON.stringify(input)]);
  const end = (shown: ShownEnd): End => {
    const failure = shown.closeEvent?.workflowExecutionFailedEventAttributes?.failure;
    const { type, details } = failure?.applicationFailureInfo ?? {};
    return { status: shown.status, type, message: failure?.message, details: details ?? [], result: shown.result };
  };
  const status = async (app: string): Promise<Status> => {
    const answer = (await place.json(`workflow query --workflow-id rollout:${app} --name status`)) as {
      queryResult: readonly [Status];
    };
    return answer.queryResult[0];
  };

  return {
    start: (app: string, options: StartOptions = {}): Promise<Said> => place.cli(...verb('start', app, options)),
    execute: (app: string, options: StartOptions = {}): Promise<Said> => place.cli(...verb('execute', app, options)),
    /** Starts, follows, and says how it ended. */
    endOf: async (app: string, options: StartOptions = {}): Promise<End> =>
      end((await place.json(...verb('execute', app, options))) as ShownEnd),
    /** How the latest run of an id ended; waits until it has. */
    result: async (id: string): Promise<End> =>
      end((await place.json(`workflow result --workflow-id ${id}`)) as ShownEnd),
    signal: (id: string, name: string, input?: unknown): Promise<Said> =>
      place.cli(`workflow signal --workflow-id ${id} --name ${name}`, ...argument(input)),
    update: (id: string, name: string, input?: unknown): Promise<Said> =>
      place.cli(`workflow update execute --workflow-id ${id} --name ${name} --output json`, ...argument(input)),
    status,
    /** Polls the status until it is as wanted; by the client, since a process for each look would be slow. */
    when: (app: string, what: string, is: (status: Status) => boolean, timeoutMs?: number): Promise<Status> =>
      eventually(
        `${app}: ${what}`,
        async () => {
          const room = place.client.workflow.getHandle(`rollout:${app}`);
          const now = await room.query<Status>('status').catch(() => undefined);
          return now !== undefined && 'counts' in now && is(now) ? now : undefined;
        },
        timeoutMs,
      ),
  };
}

export type Operator = ReturnType<typeof operatorOf>;

/** The status that an update's answer carries. */
export const answered = (said: Said): Status => (JSON.parse(said.out) as { result: Status }).result;

/** A sweep that goes on until its one working machine stops: two idle machines, then a wait. Returns that machine. */
export async function makeLasting(place: Place, app: string): Promise<string> {
  const [working = ''] = await place.fly.make(app, { count: 1, running: true }, { count: 2 });
  return working;
}

/**
 * What holds at every end: nothing written twice for one change, no job cut by us, no lease of ours left (one
 * that a killed worker held, or that Fly would not take back, runs out within its minute).
 */
export async function expectClean(
  place: Place,
  app: string,
  leases: 'released' | 'run out' = 'released',
): Promise<void> {
  const { fly } = place;
  const twice = Object.entries(await fly.written(app)).filter(([, marks]) => {
    const orders = marks.map((mark) => `${mark.split('.')[0]}#${mark.split('#')[1]}`);
    return new Set(orders).size < orders.length;
  });
  expect(twice, 'machines written twice for one change').toEqual([]);
  const cut = (await fly.happened(app)).filter((entry) => entry.kind === 'job-cut' && entry.by?.op === 'update');
  expect(cut, 'jobs cut').toEqual([]);
  const latest = leases === 'released' ? 0 : Date.now() + 60_000;
  const leased = (await fly.machines(app)).flatMap(({ id, lease }) =>
    lease?.description?.startsWith('layover') && lease.expiresAt > latest ? [{ id, ...lease }] : [],
  );
  expect(leased, 'leases left').toEqual([]);
}

/** Ids of the machines of an app that run v2. */
export async function onV2(place: Place, app: string): Promise<string[]> {
  const machines = await place.fly.machines(app);
  return machines.filter((machine) => machine.image.startsWith(V2)).map((machine) => machine.id);
}
