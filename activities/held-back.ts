import type { UpdateOutcome } from '../src/domain/outcomes.js';
import type { Attempt } from './update-machine.js';

/** The process stood still, Fly was slow, or the server could not be asked. */
export const NOT_FOR_SURE = {
  kind: 'error',
  code: 'not_for_sure',
  says: 'could not be sure in time that it may still write: Temporal, Fly or its own process was slow',
  retryAfterMs: 5_000,
  inDoubt: false,
} as const;

/** What keeps an attempt from changing a machine now, asked right before it does; undefined when nothing does. */
export async function heldBack(
  attempt: Attempt,
): Promise<Extract<UpdateOutcome, { kind: 'calledBack' | 'error' }> | undefined> {
  const isOurs = await attempt.confirm();
  if (attempt.cancelled.aborted) return { kind: 'calledBack' };
  return isOurs() ? undefined : NOT_FOR_SURE;
}
