import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { FlyError } from '../src/fly/errors.js';
import type { Machine } from '../src/fly/wire.js';
import { heldBack, NOT_FOR_SURE } from './held-back.js';
import { STALE_READ } from './read-machine.js';
import { standingOf } from './standing-of.js';
import { readHeld, takeOut } from './take-out.js';
import type { Update } from './update-machine.js';
import { MOST_READ_AGE_MS } from './write.js';

/** As read when it was idle, or why it is not. */
export type Stopped = { readonly kind: 'stopped'; readonly machine: Machine } | UpdateOutcome;

/** Fly lets a machine take 300 s at most (`stop_config.timeout`); a little more for what comes after. */
const LONGEST_STOP_MS = 360_000;

/** Below Fly's longest wait, and short enough to refresh the lease in between. */
const WAIT_S = 25;

/**
 * Stops a machine that has had its time: notes what it was, takes it out of the proxy's routing, reads it once more
 * and asks it to stop by its own `stop_config`. What it finds changed by then it leaves; the caller puts right.
 */
export async function stopOverdue(update: Update, machine: Machine): Promise<Stopped> {
  const { app, id, deps, lease, attempt, progress } = update;
  const called = await takeOut(update, machine, 'it has worked past "forceAfter"');
  if (called !== undefined) return called;
  const fresh = await readHeld(update);
  if (fresh === undefined) return { ...STALE_READ, inDoubt: false };
  const standing = standingOf(update, fresh);
  if (standing !== 'overdue') return { kind: 'left', standing, inDoubt: false };
  const back = await heldBack(attempt);
  if (back !== undefined) return back;
  if (deps.clock.now() - progress.readAt > MOST_READ_AGE_MS) return NOT_FOR_SURE;
  attempt.say('stops it by its own stop_config');
  progress.stopped = true;
  const limit = limitOf(update);
  await deps.fly.stopMachine(app, id, lease.nonce());
  return untilStopped(update, limit);
}

/** Who was started before this has had his time, Fly's ms. */
const limitOf = ({ order, deps }: Update): number => deps.fly.now() - (order.forceAfterMs ?? 0);

/**
 * Waits for a stop of ours to take effect, as long as Fly lets a machine take.
 * @param limit what was started after it had not had its time.
 */
export async function untilStopped(update: Update, limit = limitOf(update)): Promise<Stopped> {
  const { deps, lease, attempt } = update;
  attempt.say('waits for it to stop');
  const deadline = deps.clock.now() + LONGEST_STOP_MS;
  for (;;) {
    const machine = await readHeld(update);
    if (machine === undefined) return { ...STALE_READ, inDoubt: false };
    if (!['started', 'starting', 'stopping'].includes(machine.state)) return stopped(update, machine, limit);
    if (deps.clock.now() >= deadline) {
      const says = `it did not stop within ${LONGEST_STOP_MS / 1_000} s`;
      return { kind: 'error', code: 'not_stopped', says, retryAfterMs: 60_000, inDoubt: false };
    }
    await lease.fresh().catch(() => undefined);
    await waitOnce(update, machine.instance_id);
  }
}

function stopped({ progress }: Update, machine: Machine, limit: number): Stopped {
  const lastStart = (machine.events ?? []).find(({ type }) => type === 'start')?.timestamp ?? 0;
  progress.cutEarly = lastStart > limit;
  return { kind: 'stopped', machine };
}

/** The read decides, not the answer. */
async function waitOnce({ app, id, deps }: Update, version: string): Promise<void> {
  try {
    await deps.fly.waitForMachine(app, id, { state: 'stopped', version, timeoutS: WAIT_S });
  } catch (error) {
    if (!(error instanceof FlyError) || error.code === 'not_found') throw error;
    if (error.code !== 'timeout') await deps.clock.sleep(1_000);
  }
}
