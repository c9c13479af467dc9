import {
  type Client,
  isGrpcServiceError,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { Phase, Status } from '../domain/status.js';
import { rolloutId } from '../domain/names.js';

/** What the query answers while the plan is being made has the first few of these only. */
export type StatusAnswer = Pick<Status, 'app' | 'type' | 'message'> & { readonly phase: Phase } & Partial<Status>;

/** How Temporal calls an end that is none of a running workflow's. */
export type EndName = 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TERMINATED' | 'TIMED_OUT';

/** What a question about an app's rollout is answered with. */
export type Answer =
  | { readonly kind: 'running'; readonly status: StatusAnswer }
  /** `status` is left out where the rollout itself did not come to an end, or no worker answers any more. */
  | {
      readonly kind: 'ended';
      readonly how: EndName;
      readonly at: string;
      readonly says: string;
      readonly status?: StatusAnswer;
      /** What it said last, where it was ended before it could say how. */
      readonly last?: StatusAnswer;
    }
  | { readonly kind: 'no worker'; readonly since: string; readonly doing: readonly string[] }
  | { readonly kind: 'none' }
  /** `final`: trying again cannot help. */
  | { readonly kind: 'away'; readonly says: string; readonly final: boolean };

const DESCRIBE_MS = 5_000;

/** A worker answers in milliseconds, and may have to read a long history first. */
const QUERY_MS = 10_000;

const NOT_FOUND = 5;

/** gRPC status codes (grpc/grpc doc/statuscodes.md) that trying again does not change. */
const FINAL_CODES: Readonly<Record<number, string>> = {
  3: 'does not understand the question',
  [NOT_FOUND]: 'has no such namespace; correct TEMPORAL_NAMESPACE',
  7: 'does not let us in; check TEMPORAL_API_KEY and TEMPORAL_NAMESPACE',
  16: 'does not know us; check TEMPORAL_API_KEY or the TLS settings',
};

function codeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  if (error instanceof NamespaceNotFoundError) return NOT_FOUND;
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : undefined;
}

const messageOf = (error: unknown): string => {
  const inner = error instanceof ServiceError && error.cause !== undefined ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
};

function awayBecause(error: unknown): Answer {
  const final = FINAL_CODES[codeOf(error) ?? -1];
  return final === undefined
    ? { kind: 'away', says: `does not answer: ${messageOf(error)}`, final: false }
    : { kind: 'away', says: `${final} (${messageOf(error)})`, final: true };
}

type Described = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;

async function query(client: Client, app: string): Promise<StatusAnswer> {
  return client.connection.withDeadline(Date.now() + QUERY_MS, () =>
    client.workflow.getHandle(rolloutId(app)).query<StatusAnswer>('status'),
  );
}

/** What Temporal itself knows of the work in hand. */
function doingOf({ raw }: Described): string[] {
  return (raw.pendingActivities ?? []).map(({ activityId, activityType, attempt }) => {
    const name = activityType?.name ?? 'activity';
    return `${name} ${activityId ?? ''}: attempt ${String(attempt ?? 1)}`;
  });
}

async function endOf(client: Client, app: string, described: Described): Promise<Answer> {
  const how = described.status.name as EndName;
  const at = (described.closeTime ?? described.startTime).toISOString();
  const asked = await query(client, app).catch(() => undefined);
  // Of a rollout that was refused or terminated it is only what was said before.
  const status = asked?.phase === 'done' ? asked : undefined;
  const said = status === undefined ? (asked === undefined ? {} : { last: asked }) : { status };
  const known = { kind: 'ended', how, at, ...said } as const;
  if (how === 'COMPLETED') return { ...known, says: status?.message ?? 'completed' };
  const handle = client.workflow.getHandle(rolloutId(app), described.runId);
  const says = await handle.result().then(
    () => 'completed',
    (error: unknown) =>
      error instanceof WorkflowFailedError ? (error.cause?.message ?? error.message) : String(error),
  );
  return { ...known, says };
}

/** The server names this when it knows of no worker, else a query just runs out of time. */
const NO_WORKER_CODES = [1, 4, 9];

/**
 * Asks for an app's rollout once: Temporal first, which needs no worker, then the rollout itself.
 * @returns never throws: each way of not knowing is an answer of its own.
 */
export async function askStatus(client: Client, app: string): Promise<Answer> {
  let described: Described;
  try {
    described = await client.connection.withDeadline(Date.now() + DESCRIBE_MS, () =>
      client.workflow.getHandle(rolloutId(app)).describe(),
    );
    if (described.status.name !== 'RUNNING') return await endOf(client, app, described);
  } catch (error) {
    return error instanceof WorkflowNotFoundError ? { kind: 'none' } : awayBecause(error);
  }
  try {
    return { kind: 'running', status: await query(client, app) };
  } catch (error) {
    if (!NO_WORKER_CODES.includes(codeOf(error) ?? -1)) return awayBecause(error);
    return { kind: 'no worker', since: described.startTime.toISOString(), doing: doingOf(described) };
  }
}
