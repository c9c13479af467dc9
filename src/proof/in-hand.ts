import type { Client } from '@temporalio/client';
import { roomOf } from './sweep.js';

export interface InHand {
  readonly machine: string;
  /** Tells two attempts at one machine apart. */
  readonly startedAt: string;
}

/** `PENDING_ACTIVITY_STATE_STARTED` of temporal.api.enums.v1, whose enums the SDK exports as types only. */
const STARTED = 2;

/**
 * An app's updates whose running attempt the server has given to the worker with this pid. One that it handed to a
 * frozen worker is among them: it cannot tell, until the heartbeat timeout.
 */
export async function updatesInHand(client: Client, app: string, pid: number): Promise<InHand[]> {
  const { raw } = await client.workflow.getHandle(roomOf(app)).describe();
  return (raw.pendingActivities ?? [])
    .filter(({ activityType, state }) => activityType?.name === 'updateMachine' && Number(state) === STARTED)
    .filter(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`) === true) // the SDK's pid@host
    .map(({ activityId, lastStartedTime: at }) => ({
      machine: activityId ?? '',
      startedAt: `${String(at?.seconds ?? '')}.${at?.nanos ?? ''}`,
    }));
}
