import type { Clock } from '../src/clock.js';
import { classify } from '../src/domain/machine.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { ulidTime } from '../src/domain/ulid.js';
import type { FlyClient } from '../src/fly/client.js';
import { FlyError } from '../src/fly/errors.js';
import type { Machine, MachineEvent } from '../src/fly/wire.js';
import type { UpdateOrder } from '../src/domain/orders.js';
import { factsOf } from './facts.js';
import { heldBack, NOT_FOR_SURE } from './held-back.js';
import { type Held, takeLease } from './lease.js';
import { metAtWork } from './met-at-work.js';
import { settle } from './settle.js';
import { findTrace } from './trace.js';
import { writeChange } from './write.js';

/** One attempt, as Temporal runs it. */
export interface Attempt {
  /** From 1; more than 1 means that a predecessor may have written. */
  readonly number: number;
  /** Aborted when the rollout calls back what is not yet written, or the worker stops. */
  readonly cancelled: AbortSignal;
  /**
   * Asks the server, which alone knows whether it has given this attempt up (and started another, or let the rollout
   * say `paused`): a process may have been frozen before or after it got the task. Aborts `cancelled` where the
   * rollout calls back. The answer holds for some seconds, and says so: ask it right before the write.
   */
  readonly confirm: () => Promise<() => boolean>;
  /** What it is doing, for the UI. */
  readonly say: (doing: string) => void;
}

export interface UpdateDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
}

/** Everything the steps of one update share. */
export interface Update {
  readonly order: UpdateOrder;
  readonly deps: UpdateDeps;
  readonly attempt: Attempt;
  readonly lease: Held;
  readonly app: string;
  readonly id: string;
  readonly progress: Progress;
}

interface Progress {
  /** A write of this attempt, or of one before, may have taken effect: then nobody may write without a look. */
  inDoubt: boolean;
  /** When the machine was last asked for, by the worker's clock. */
  readAt: number;
}

/** Fly's trouble is tried again this many times in the slot before the machine rests and another gets it. */
const MOST_ATTEMPTS = 4;

/** Looks at a machine whose lease names another version than the GET does. */
const MOST_READS = 5;

/**
 * Brings one machine to its target and leaves it in the state it had. The only procedure that writes to a machine:
 * lease, read, assess, write, settle, release. Each step may be repeated from the start by a later attempt: the
 * lease fences the older one off, and its traces (its mark in `versions`, an update event) are looked for first.
 * Called back before its write it returns `calledBack`, and the machine is untouched; after the write it finishes.
 * @throws FlyError when Temporal is to try again.
 */
export async function updateMachine(order: UpdateOrder, deps: UpdateDeps, attempt: Attempt): Promise<UpdateOutcome> {
  const { app } = order.context;
  const { id } = order.machine;
  const progress = { inDoubt: attempt.number > 1 || order.inDoubtSince !== undefined, readAt: 0 };
  const isOurs = await attempt.confirm();
  if (attempt.cancelled.aborted && !progress.inDoubt) return { kind: 'calledBack' };
  if (!isOurs()) return { ...NOT_FOR_SURE, inDoubt: progress.inDoubt };
  try {
    attempt.say('takes the lease');
    const taken = await takeLease(order, deps);
    if (taken.kind === 'held by another') return heldByAnother(taken.retryAfterMs, progress);
    progress.inDoubt ||= taken.lease.fenced;
    try {
      return await underLease({ order, deps, attempt, lease: taken.lease, app, id, progress });
    } finally {
      await taken.lease.release();
    }
  } catch (error) {
    return outcomeOf(error, attempt, progress);
  }
}

const STALE_READ = {
  kind: 'error',
  code: 'stale_read',
  says: 'Fly still shows an older version of it than its host does',
  retryAfterMs: 10_000,
  inDoubt: true,
} as const;

const heldByAnother = (retryAfterMs: number, { inDoubt }: Progress): UpdateOutcome => ({
  kind: 'error',
  code: 'lease_held',
  says: 'another holds its lease',
  retryAfterMs,
  inDoubt,
});

/** Which troubles end the order, and which Temporal tries again. */
function outcomeOf(error: unknown, attempt: Attempt, { inDoubt }: Progress): UpdateOutcome {
  if (!(error instanceof FlyError)) throw error;
  const { code, op, retryAfterMs } = error.failure;
  if (code === 'not_found' && !inDoubt) return { kind: 'left', standing: 'gone', inDoubt };
  if (code === 'not_found') return { kind: 'error', code, says: error.message, retryAfterMs: 15_000, inDoubt };
  if (code === 'invalid' && op === 'update')
    return { kind: 'failed', code: 'rejected', says: error.message, at: 0, interrupted: false };
  const transient = error.failure.inDoubt || code === 'rate_limited';
  if (transient && attempt.number < MOST_ATTEMPTS) throw error;
  return { kind: 'error', code, says: error.message, retryAfterMs: retryAfterMs ?? 60_000, inDoubt };
}

async function underLease(update: Update): Promise<UpdateOutcome> {
  const { order, attempt, progress } = update;
  const machine = await readMachine(update);
  if (machine === undefined) return STALE_READ;
  if (progress.inDoubt) {
    attempt.say('looks for traces of an earlier attempt');
    const trace = await findTrace(update, machine, order.inDoubtSince ?? order.machine.bornAt ?? 0);
    if (trace.kind === 'written') return conclude(update, trace.version, undefined);
    if (trace.kind === 'failed') return trace;
    progress.inDoubt = false;
  }
  return assess(update, machine);
}

/** The table once more, on what was just read: what is anything but ready is not written. */
async function assess(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { order } = update;
  const facts = factsOf(machine, order.context.change);
  const { standing } = classify(facts, order.context);
  // Whoever wrote it has counted it: a write that nobody knew of has shown its trace above.
  if (standing === 'atTarget')
    return { kind: 'updated', version: facts.version, ...digestOf(machine), wrote: false, interrupted: false };
  if (standing === 'cut') return startAgain(update, machine);
  const { config } = machine;
  if (standing !== 'ready' || config === null || config === undefined)
    return { kind: 'left', standing, inDoubt: false };
  const written = await writeChange(update, machine, config);
  if (written.kind !== 'written') return written;
  return conclude(update, written.version, written.events);
}

/** The lease's answer names the version its host knows: a GET that says otherwise comes from a lagging replica. */
async function readMachine({ app, id, deps, lease, progress }: Update): Promise<Machine | undefined> {
  for (let look = 1; ; look += 1) {
    progress.readAt = deps.clock.now();
    const machine = await deps.fly.getMachine(app, id);
    const lags = lease.version !== undefined && lease.version !== machine.instance_id;
    if (!lags) return machine;
    // Without a doubt the write's current_version guards it; with one, nothing that lags may be taken for the truth.
    if (look === MOST_READS) return progress.inDoubt ? undefined : machine;
    await deps.clock.sleep(1_000);
  }
}

/** An earlier start of this change met it at work and could not finish: it ends started, as it was. */
async function startAgain(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { app, id, deps, attempt, lease } = update;
  attempt.say('starts it again: an earlier update met it at work');
  const held = await heldBack(attempt);
  if (held !== undefined) return held;
  await deps.fly.startMachine(app, id, lease.nonce());
  return { kind: 'updated', version: machine.instance_id, ...digestOf(machine), wrote: false, interrupted: true };
}

const digestOf = (machine: Machine): { digest?: string } => {
  const digest = machine.image_ref?.digest;
  return digest ? { digest } : {};
};

/** The answer's events hold the update's own: without it they would be read as if an older one were ours. */
const tellsOf = (events: readonly MachineEvent[], version: string): boolean =>
  events.some((event) => event.type === 'update' && event.timestamp >= ulidTime(version) - 1_000);

/**
 * After the write: waits until the new version has settled, and says how it ended. A machine that was started
 * between read and write is started again: an update must leave it as it was.
 * @param events those of the write's answer, where it came and had some.
 */
async function conclude(
  update: Update,
  version: string,
  events: readonly MachineEvent[] | undefined,
): Promise<UpdateOutcome> {
  const { app, id, deps, order, attempt, lease } = update;
  attempt.say(`waits for version ${version} to settle`);
  const settled = await settle(update, version);
  if (settled.kind !== 'settled') return settled;
  const { pin, change } = order.context;
  const told = events !== undefined && tellsOf(events, version) && (pin !== undefined || change.image === undefined);
  const after = told ? undefined : await deps.fly.getMachine(app, id);
  const met = metAtWork(after?.events ?? events ?? []);
  if (met === 'stopped by us') {
    attempt.say('starts it again: it was started between our read and our write');
    await deps.fly.startMachine(app, id, lease.nonce());
  }
  const digest = after === undefined ? (pin === undefined ? {} : { digest: pin }) : digestOf(after);
  return { kind: 'updated', version, ...digest, wrote: true, interrupted: met !== 'idle' };
}
