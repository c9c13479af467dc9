import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { setTimeout as delay } from 'node:timers/promises';

/** Sweeps as an operator starts them: through a door, under any workflow id, and again when one was terminated. */

export interface SweepOrder {
  readonly app: string;
  /** Unique for a change: part of every door's id. */
  readonly name: string;
  readonly input: object;
  /** Left out: a stoppedSweep. */
  readonly type?: string;
  /** A refusal that says that there is nothing left to do: a start before this one, terminated, had done it. */
  readonly nothingLeft?: string;
  /** The type of failure that it is to end with; left out: it is to complete. */
  readonly endsAs?: string;
  /** Whether a terminated one is started again; left out: always. */
  readonly again?: () => boolean;
}

export interface SweepLog {
  /** A sweep that was terminated and is started again with the same input. */
  restarted(app: string): void;
  /** An end or a pause that no kill explains. */
  unexpected(says: string): void;
}

/** Starts after an end that was not asked for: something is wrong then, and the proof goes on to show what. */
const MOST_DEVIATIONS = 3;
const POLL_MS = 500;
const STATUS_EVERY = 20;

export const roomOf = (app: string): string => `rollout:${app}`;

/** Asks until the server answers: it is down for seconds at a time here. */
async function persist<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (isAnswer(error)) throw error;
      await delay(POLL_MS, undefined, { signal });
    }
  }
}

const isAnswer = (error: unknown): boolean =>
  error instanceof WorkflowFailedError ||
  error instanceof WorkflowNotFoundError ||
  error instanceof WorkflowExecutionAlreadyStartedError;

/** Runs one sweep to the end that is meant, however often it is terminated meanwhile. */
export async function sweep(client: Client, order: SweepOrder, log: SweepLog, signal: AbortSignal): Promise<void> {
  let deviations = 0;
  for (let start = 1; ; start += 1) {
    const door = `prove-${order.name}-${start}`;
    await openDoor(client, door, order, signal);
    const end = await followDoor(client, door, order, { log, signal });
    if (isMeant(end, order)) return;
    if (end === 'terminated') log.restarted(order.app);
    else {
      log.unexpected(`${order.name}: ${end}`);
      deviations += 1;
      if (deviations === MOST_DEVIATIONS) throw new Error(`the sweep ${order.name} does not complete: ${end}`);
    }
  }
}

function isMeant(end: string, { endsAs, nothingLeft, again }: SweepOrder): boolean {
  if (end === 'terminated') return again?.() === false;
  if (nothingLeft !== undefined && end.includes(nothingLeft)) return true;
  return endsAs === undefined ? end === 'completed' : end.startsWith(`${endsAs}: `);
}

async function openDoor(client: Client, door: string, order: SweepOrder, signal: AbortSignal): Promise<void> {
  const options = { taskQueue: 'layover', workflowId: door, args: [order.input] };
  const start = () =>
    client.withDeadline(Date.now() + 5_000, () => client.workflow.start(order.type ?? 'stoppedSweep', options));
  try {
    await persist(start, signal);
  } catch (error) {
    // An answer that was lost with the server: the door stands already.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

async function followDoor(
  client: Client,
  door: string,
  { app }: SweepOrder,
  { log, signal }: { log: SweepLog; signal: AbortSignal },
): Promise<string> {
  const handle = client.workflow.getHandle(door);
  for (let poll = 1; ; poll += 1) {
    const ask = () => client.withDeadline(Date.now() + 5_000, () => handle.describe());
    const { status } = await persist(ask, signal);
    if (status.name === 'COMPLETED') return 'completed';
    if (status.name !== 'RUNNING') return sayEnd(await persist(() => failureOf(client, door), signal));
    if (poll % STATUS_EVERY === 0) await resumeIfPaused(client, app, log);
    await delay(POLL_MS, undefined, { signal });
  }
}

async function failureOf(client: Client, door: string): Promise<unknown> {
  try {
    await client.workflow.getHandle(door).result();
    return undefined;
  } catch (error) {
    if (error instanceof WorkflowFailedError) return error.cause;
    throw error;
  }
}

function sayEnd(cause: unknown): string {
  if (!(cause instanceof ApplicationFailure)) return String(cause);
  return cause.type === 'RolloutTerminated' ? 'terminated' : `${cause.type ?? 'failed'}: ${cause.message}`;
}

/** Nobody pauses here, so a paused rollout is a finding; it is noted, and helped on so that the proof comes to its end. */
async function resumeIfPaused(client: Client, app: string, log: SweepLog): Promise<void> {
  const room = client.workflow.getHandle(roomOf(app));
  try {
    const status = await client.withDeadline(Date.now() + 2_000, () =>
      room.query<{ phase: string; message: string }>('status'),
    );
    if (status.phase !== 'paused') return;
    log.unexpected(`${app} paused: ${status.message}`);
    await room.signal('retry');
    await room.signal('resume');
  } catch {
    // No worker, or no server, or no rollout at this moment: the next look will do.
  }
}
