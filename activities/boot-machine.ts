import { FlyError } from '../src/fly/errors.js';
import type { MachineEvent } from '../src/fly/wire.js';
import { heldBack } from './held-back.js';
import type { Update } from './update-machine.js';

/** Whether it was started since its newest update. */
function hasStarted(events: readonly MachineEvent[]): boolean {
  const update = events.findIndex(({ type }) => type === 'update');
  return update >= 0 && events.slice(0, update).some(({ type }) => type === 'start');
}

/**
 * Starts an idle machine on its new version, to see whether that works; once, whatever attempt does it. One that was
 * called back, or that Fly has no room for, stays idle: another is booted instead.
 * @param events its newest ones. @returns whether it runs because of us.
 */
export async function bootMachine(
  { app, id, deps, attempt, lease }: Update,
  events: readonly MachineEvent[],
): Promise<boolean> {
  if (hasStarted(events)) return true;
  if ((await heldBack(attempt)) !== undefined) return false;
  attempt.say('boots it, to see whether the new version works');
  try {
    await lease.fresh();
    await deps.fly.startMachine(app, id, lease.nonce());
    return true;
  } catch (error) {
    if (error instanceof FlyError && error.code === 'capacity') return false;
    throw error;
  }
}
