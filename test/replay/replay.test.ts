import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { HISTORIES } from './histories.js';
import { recordHistories } from './record.js';

interface Event {
  readonly eventType: string;
  readonly activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}

interface Stored {
  readonly workflowId: string;
  readonly history: { readonly events: Event[] };
}

const BUNDLE = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

const stored = (name: string): Stored => JSON.parse(readFileSync(new URL(`${name}.json`, HISTORIES), 'utf8')) as Stored;

const replay = ({ workflowId, history }: Stored): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: BUNDLE } }, history, workflowId);

const typesOf = (name: string): string[] => stored(name).history.events.map(({ eventType }) => eventType);

function replayHistories(): void {
  beforeAll(() => Runtime.install({ logger: new DefaultLogger('ERROR') }));

  const names = readdirSync(HISTORIES).map((file) => file.replace(/\.json$/, ''));

  test.each(names)('%s, as it was recorded, is followed by the workflow of today', async (name) => {
    await expect(replay(stored(name))).resolves.toBeUndefined();
  });

  test('among them is a sweep that was running, with updates in flight, when it was recorded', () => {
    const types = typesOf('running-with-updates');
    const count = (type: string) => types.filter((found) => found === type).length;
    const ended = count('EVENT_TYPE_ACTIVITY_TASK_COMPLETED');
    expect(count('EVENT_TYPE_ACTIVITY_TASK_SCHEDULED')).toBeGreaterThan(ended + 1);
    expect(types.some((type) => type.startsWith('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED'))).toBe(false);
  });

  test('and one that continued as new', () => {
    expect(typesOf('continued-first').at(-1)).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
    expect(typesOf('continued-last').at(-1)).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED');
  });

  test('a history that today’s workflow would not have written is noticed', async () => {
    const altered = stored('completed');
    const [scheduled] = altered.history.events.flatMap((event) => event.activityTaskScheduledEventAttributes ?? []);
    if (scheduled === undefined) throw new Error('it scheduled nothing');
    scheduled.activityType.name = 'planSomethingElse';
    await expect(replay(altered)).rejects.toThrow(/Nondeterminism|DeterminismViolation/);
  });

  test.each(names)('%s holds nothing of the machine that recorded it', (name) => {
    const text = readFileSync(new URL(`${name}.json`, HISTORIES), 'utf8');
    const payloads = [...text.matchAll(/"data":"([^"]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString(),
    );
    const all = [text, ...payloads].join('\n');
    const traces = [
      /"identity":"(?!layover")[^"]*/g,
      /"stackTrace":"[^"]+/g,
      /\d+@(?!sha256:)\w+/g,
      /\/(home|Users|work|root|tmp|node_modules)\/[^"]*/g,
      /127\.0\.0\.1|localhost/g,
    ];
    expect(traces.flatMap((trace) => all.match(trace) ?? [])).toEqual([]);
  });
}

describe('stored histories', () => {
  if (process.env['RECORD_HISTORIES'] === '1') recordHistories();
  else replayHistories();
});
