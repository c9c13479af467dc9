import type { Client } from '@temporalio/client';
import type { Clock } from '../clock.js';
import type { Status } from '../domain/status.js';

/** A running rollout, as metrics show it. */
export interface RolloutSeen {
  readonly app: string;
  /** `unknown` when it did not answer in time. */
  readonly phase: string;
  /** As its status counts them: `atTarget`, `failed` and so on. */
  readonly counts: Readonly<Record<string, number>>;
  readonly waits: readonly { readonly name: string; readonly seconds: number }[];
}

const EVERY_MS = 15_000;
const ANSWER_MS = 5_000;

/** More than one worker looks after: the rest is not counted. */
const MOST_ROLLOUTS = 200;

const RUNNING = 'WorkflowType="rollout" AND ExecutionStatus="Running"';

const appOf = (workflowId: string): string => workflowId.replace(/^rollout:/, '');

async function ask(client: Client, workflowId: string, now: number): Promise<RolloutSeen> {
  const app = appOf(workflowId);
  try {
    const query = () => client.workflow.getHandle(workflowId).query<Partial<Status>>('status');
    const {
      phase = 'unknown',
      counts = {},
      waits = [],
    } = await client.connection.withDeadline(Date.now() + ANSWER_MS, query);
    const age = (since: string) => Math.max(0, (now - Date.parse(since)) / 1_000);
    return {
      app,
      phase,
      counts: { ...counts },
      waits: waits.map(({ name, since }) => ({ name, seconds: age(since) })),
    };
  } catch {
    return { app, phase: 'unknown', counts: {}, waits: [] };
  }
}

/**
 * Asks every running rollout of the namespace for its status: the phases and waits that metrics show. Each worker
 * tells the same, so whoever adds them up takes the greatest, never the sum.
 * @throws whatever Temporal's client throws when the list cannot be had.
 */
async function takeCensus(client: Client, now: number, stopped: AbortSignal): Promise<readonly RolloutSeen[]> {
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: RUNNING })) {
    ids.push(workflowId);
    if (ids.length === MOST_ROLLOUTS) break;
  }
  const seen: RolloutSeen[] = [];
  // A worker that ends answers no queries: each of them would run out of time.
  for (const id of ids) if (!stopped.aborted) seen.push(await ask(client, id, now));
  return seen;
}

/** Takes the census again and again until `stopped`; one that fails is left out, and the next one tells. */
export async function keepCensus(
  client: Client,
  tell: (seen: readonly RolloutSeen[]) => void,
  clock: Clock,
  stopped: AbortSignal,
): Promise<void> {
  while (!stopped.aborted) {
    try {
      const seen = await takeCensus(client, clock.now(), stopped);
      if (!stopped.aborted) tell(seen);
    } catch {
      // Temporal is away, which the SDK's own metrics and /readyz show.
    }
    await clock.sleep(EVERY_MS, stopped).catch(() => undefined);
  }
}
