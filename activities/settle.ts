import { healthyOf, REPLACING } from '../src/domain/machine.js';
import { classify } from '../src/domain/table.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { FlyError } from '../src/fly/errors.js';
import type { Machine } from '../src/fly/wire.js';
import { factsOf } from './facts.js';
import { metAtWork } from './met-at-work.js';
import type { Update } from './update-machine.js';

/** Fly's longest wait is 60 s; less leaves room to refresh the lease in between. */
const WAIT_S = 25;

/** A mismatch counts only when a second look, this much later, shows it too: replicas lag. */
const SECOND_LOOK_MS = 5_000;

const UNDER_WAY = [...REPLACING, 'replaced'];

export type Settled =
  { readonly kind: 'settled' } | Extract<UpdateOutcome, { kind: 'updated' | 'failed' | 'left' | 'error' }>;

/** A host that is not ok is no evidence against an image: the machine rests, and its traces are read when it is back. */
const HOST_AWAY = {
  kind: 'error',
  code: 'unreachable',
  says: 'its host went away after the write',
  retryAfterMs: 60_000,
  inDoubt: true,
} as const satisfies Settled;

/**
 * Waits until `version` rests. Fly restores the old version when the new one cannot come up, and then reports
 * success under the old version (staff in flyctl PRs 4878 and 4921): so the version is compared, never the state
 * alone. A machine that rests on another version ends the order: see `wentElsewhere`.
 */
export async function settle(update: Update, version: string): Promise<Settled> {
  const { order, deps, lease } = update;
  const deadline = deps.clock.now() + healthyOf(order.context, order.machine).withinMs;
  for (;;) {
    if (await waitOnce(update, version)) return { kind: 'settled' };
    const seen = await compare(update, version);
    if (seen !== undefined) return seen;
    const now = deps.clock.now();
    if (now >= deadline) {
      const says = `version ${version} had not settled in time`;
      return { kind: 'failed', code: 'not_settled', says, at: deps.fly.now(), interrupted: false };
    }
    // Watching needs no lease, so one that cannot be refreshed ends nothing.
    await lease.fresh().catch(() => undefined);
  }
}

/** Whether Fly says that this very version rests; anything less certain is looked at. */
async function waitOnce({ app, id, deps }: Update, version: string): Promise<boolean> {
  try {
    const answer = await deps.fly.waitForMachine(app, id, { state: 'settled', version, timeoutS: WAIT_S });
    return answer.version === version;
  } catch (error) {
    const uncertain = ['timeout', 'invalid', 'conflict', 'precondition', 'not_found'];
    if (error instanceof FlyError && uncertain.includes(error.code)) return false;
    throw error;
  }
}

/** Looks at the machine itself; undefined while the new version may still be on its way. */
export async function compare(update: Update, version: string): Promise<Settled | undefined> {
  const { app, id, deps } = update;
  const first = await deps.fly.getMachine(app, id);
  if (!factsOf(first, update.order.context.change).hostOk) return HOST_AWAY;
  if (first.instance_id === version) return UNDER_WAY.includes(first.state) ? undefined : { kind: 'settled' };
  await deps.clock.sleep(SECOND_LOOK_MS);
  const second = await deps.fly.getMachine(app, id);
  if (!factsOf(second, update.order.context.change).hostOk) return HOST_AWAY;
  if (second.instance_id === version || UNDER_WAY.includes(second.state)) return undefined;
  return wentElsewhere(update, second);
}

/**
 * Our version was written and the machine rests on another: at target all the same (somebody helped), changed by
 * somebody else, or, where it shows no foreign hand, gone back by Fly. That last is a failure, never a reason to
 * write again.
 */
function wentElsewhere({ order, deps }: Update, machine: Machine): Settled {
  const facts = factsOf(machine, order.context.change);
  const { standing } = classify(facts, order.context);
  if (standing === 'atTarget') {
    return {
      kind: 'updated',
      version: facts.version,
      wrote: true,
      interrupted: false,
      ...(facts.digest === undefined ? {} : { digest: facts.digest }),
    };
  }
  if (standing === 'foreign' || standing === 'gone') return { kind: 'left', standing, inDoubt: false };
  if (standing === 'unreachable') return HOST_AWAY;
  const says = `Fly went back to version ${facts.version} after the update; the new one could not come up`;
  const events = machine.events ?? [];
  const at = events[0]?.timestamp ?? deps.fly.now();
  return { kind: 'failed', code: 'reverted', says, at, interrupted: metAtWork(events) !== 'idle' };
}
