import { setMaxListeners } from 'node:events';
import type { FlyClient } from '../src/fly/client.js';

/** Few enough that a wait for each costs less than looking often. */
export const MOST_AWAITED = 20;

/** Fly's proxy cuts a request at about 60 s. */
const LONGEST_S = 55;

/**
 * Waits on Fly's side until one of the machines has stopped, so that one that rests for two seconds between two jobs
 * is met: a list a minute would miss it for days.
 * @param machines at most `MOST_AWAITED`. @param ms how long at most.
 * @returns whether one has stopped; false at once for none.
 */
export async function untilOneStops(
  machines: readonly { readonly id: string; readonly version: string }[],
  { app, fly, ms, signal }: { app: string; fly: FlyClient; ms: number; signal: AbortSignal },
): Promise<boolean> {
  if (machines.length === 0) return false;
  const timeoutS = Math.min(LONGEST_S, Math.max(1, Math.floor(ms / 1_000)));
  const ended = new AbortController();
  const either = AbortSignal.any([ended.signal, signal]);
  setMaxListeners(0, either);
  try {
    const wait = ({ id, version }: { id: string; version: string }) =>
      fly.waitForMachine(app, id, { state: 'stopped', version, timeoutS }, either);
    await Promise.any(machines.map(wait));
    return true;
  } catch {
    // None has: not in time, or Fly would not wait. The list decides.
    return false;
  } finally {
    ended.abort();
  }
}
