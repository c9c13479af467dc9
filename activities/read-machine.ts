import { type Hold, readHold } from '../src/domain/hold.js';
import type { Machine } from '../src/fly/wire.js';
import type { Update } from './update-machine.js';

/** Looks at a machine whose lease names another version than the GET does. */
const MOST_READS = 5;

/** Why nothing is done where `readMachine` returns nothing. */
export const STALE_READ = {
  kind: 'error',
  code: 'stale_read',
  says: 'Fly still shows an older version of it than its host does',
  retryAfterMs: 10_000,
} as const;

/** What is held of it, where that is known. */
export const knownHold = ({ hold }: Update['progress']): Hold | undefined => (hold === 'unknown' ? undefined : hold);

/** Nothing runs on it, whatever brought it there. */
export const isAtRest = ({ state }: Machine): boolean => ['stopped', 'failed', 'created', 'suspended'].includes(state);

/**
 * Reads the machine and what is held of it. The lease's answer names the version its host knows: a GET that says
 * otherwise comes from a lagging replica.
 * @returns undefined where nothing that lags may be taken for the truth.
 */
export async function readMachine(update: Update): Promise<Machine | undefined> {
  const { app, id, deps, lease, progress } = update;
  for (let look = 1; ; look += 1) {
    progress.readAt = deps.clock.now();
    const machine = await deps.fly.getMachine(app, id);
    const lags = lease.version !== undefined && lease.version !== machine.instance_id;
    // Without a doubt the write's current_version guards it; with one it does not.
    if (!lags || (look === MOST_READS && !progress.inDoubt)) {
      const { metadata } = machine.config ?? machine.incomplete_config ?? {};
      progress.hold = readHold(id, metadata);
      progress.isIdle = isAtRest(machine);
      return machine;
    }
    if (look === MOST_READS) return undefined;
    await deps.clock.sleep(1_000);
  }
}
