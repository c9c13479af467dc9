import type { Client } from '@temporalio/client';

/** What one run of a workflow cost, read from its history. */
export interface History {
  readonly runId: string;
  readonly events: number;
  readonly bytes: number;
  readonly payloadBytes: number;
  readonly observationBytes: number;
  readonly planBytes: number;
}

type RawHistory = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;
type RawEvent = NonNullable<RawHistory['events']>[number];

/** The histories of a workflow and of all the runs that it continued as, first to last. */
export async function readChain(client: Client, workflowId: string): Promise<History[]> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const first = raw.workflowExecutionInfo?.firstRunId ?? undefined;
  const chain: History[] = [];
  for (let runId = first; runId !== undefined;) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const events = history.events ?? [];
    chain.push(measure(runId, events));
    runId = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }
  return chain;
}

function measure(runId: string, events: readonly RawEvent[]): History {
  const typeOf = new Map<string, string>();
  let observationBytes = 0;
  let planBytes = 0;
  let payloadBytes = 0;
  for (const event of events) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) typeOf.set(String(event.eventId), scheduled.activityType?.name ?? '');
    const bytes = bytesIn(event);
    payloadBytes = Math.max(payloadBytes, bytes);
    const completed = event.activityTaskCompletedEventAttributes;
    const type = completed && typeOf.get(String(completed.scheduledEventId));
    if (type === 'observeFleet') observationBytes = Math.max(observationBytes, bytes);
    if (type === 'planRollout') planBytes = Math.max(planBytes, bytes);
  }
  const bytes = events.reduce((sum, event) => sum + bytesIn(event), 0);
  return { runId, events: events.length, bytes, payloadBytes, observationBytes, planBytes };
}

/** The payload bytes an event carries, wherever in it: every `data` that is binary. */
function bytesIn(value: unknown): number {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, inner: unknown) => sum + bytesIn(inner), 0);
}
