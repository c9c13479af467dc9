import type { Clock } from '../src/clock.js';
import type { Hold } from '../src/domain/hold.js';
import { isUnstarted } from '../src/domain/machine.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import type { FlyClient } from '../src/fly/client.js';
import { FlyError } from '../src/fly/errors.js';
import type { Machine } from '../src/fly/wire.js';
import type { UpdateOrder } from '../src/domain/orders.js';
import { conclude, digestOf } from './conclude.js';
import { factsOf } from './facts.js';
import { heldBack, NOT_FOR_SURE } from './held-back.js';
import { type Held, takeLease } from './lease.js';
import { putRight } from './put-right.js';
import { readMachine, STALE_READ } from './read-machine.js';
import { isToTakeItsTurn, lookAgain, mayBeHeld } from './take-turns.js';
import { drain, pollMsOf } from './in-place.js';
import { standingOf } from './standing-of.js';
import { stopOverdue, type Stopped, untilStopped } from './stop-overdue.js';
import { findTrace } from './trace.js';
import { findWayBack, wasImageOnly } from './way-back.js';
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
  /** On the machine as last read, or set by us since; `unknown` before the first read, where there may be one. */
  hold: Hold | 'unknown' | undefined;
  /** The hold was noted by this attempt. */
  holdsAnew: boolean;
  /** We stopped it while it was working. */
  stopped: boolean;
  /** As last read it was idle. */
  isIdle: boolean;
  /** What we stopped had begun after we last looked: it had not had its time. */
  cutEarly: boolean;
}

/** Fly's trouble is tried again this many times in the slot before the machine rests and another gets it. */
const MOST_ATTEMPTS = 4;

function begin(order: UpdateOrder, { number }: Attempt): Progress {
  const inDoubt = number > 1 || order.inDoubtSince !== undefined;
  const { working, restore } = order.machine;
  const isFollowing = restore === true || inDoubt || working === 'ours';
  return {
    inDoubt,
    readAt: 0,
    hold: isFollowing ? 'unknown' : undefined,
    holdsAnew: false,
    stopped: false,
    isIdle: false,
    cutEarly: false,
  };
}

/**
 * Brings one machine to its target and leaves it in the state it had. The only procedure that writes to a machine:
 * lease, read, assess, write, settle, release; a machine that has had its time is held, cordoned and stopped before,
 * and put right after. Each step may be repeated from the start by a later attempt: the lease fences the older one
 * off, and its traces (its mark in `versions`, an update event, its hold) are looked for first. Called back before its
 * write it returns `calledBack`, and the machine is as it was; after the write it finishes.
 * @throws FlyError when Temporal is to try again.
 */
export async function updateMachine(order: UpdateOrder, deps: UpdateDeps, attempt: Attempt): Promise<UpdateOutcome> {
  const progress = begin(order, attempt);
  const outcome = asMeant(await attemptUpdate(order, deps, attempt, progress), order);
  return {
    ...outcome,
    ...(progress.hold === undefined ? {} : { held: true }),
    ...(progress.stopped ? { stopped: true } : {}),
    ...(progress.cutEarly ? { cutEarly: true } : {}),
  };
}

/** Whoever is updated where it is was meant to be met at work. */
function asMeant(outcome: UpdateOutcome, { context, machine }: UpdateOrder): UpdateOutcome {
  const isMeant = context.inPlace === true && machine.working !== undefined;
  return isMeant && 'interrupted' in outcome ? { ...outcome, interrupted: false } : outcome;
}

async function attemptUpdate(
  order: UpdateOrder,
  deps: UpdateDeps,
  attempt: Attempt,
  progress: Progress,
): Promise<UpdateOutcome> {
  const { app } = order.context;
  const { id } = order.machine;
  const isOurs = await attempt.confirm();
  if (attempt.cancelled.aborted && !progress.inDoubt && !order.machine.restore) return { kind: 'calledBack' };
  if (!isOurs()) return { ...NOT_FOR_SURE, inDoubt: progress.inDoubt };
  try {
    attempt.say('takes the lease');
    const taken = await takeLease(order, deps);
    if (taken.kind === 'held by another') return heldByAnother(taken.retryAfterMs, progress);
    progress.inDoubt ||= taken.lease.fenced;
    const update: Update = { order, deps, attempt, lease: taken.lease, app, id, progress };
    try {
      return await underLease(update);
    } finally {
      await taken.lease.release();
    }
  } catch (error) {
    return outcomeOf(error, attempt, progress, order);
  }
}

const heldByAnother = (retryAfterMs: number, { inDoubt }: Progress): UpdateOutcome => ({
  kind: 'error',
  code: 'lease_held',
  says: 'another holds its lease',
  retryAfterMs,
  inDoubt,
});

/** Which troubles end the order, and which Temporal tries again. */
function outcomeOf(error: unknown, attempt: Attempt, progress: Progress, { machine }: UpdateOrder): UpdateOutcome {
  const { inDoubt } = progress;
  if (!(error instanceof FlyError)) throw error;
  const { code, op, retryAfterMs } = error.failure;
  if (code === 'not_found' && (!inDoubt || machine.restore)) {
    progress.hold = undefined;
    return { kind: 'left', standing: 'gone', inDoubt };
  }
  if (code === 'not_found') return { kind: 'error', code, says: error.message, retryAfterMs: 15_000, inDoubt };
  if (code === 'invalid' && op === 'update')
    return { kind: 'failed', code: 'rejected', says: error.message, at: 0, interrupted: false };
  const transient = error.failure.inDoubt || code === 'rate_limited';
  if (transient && attempt.number < MOST_ATTEMPTS) throw error;
  return { kind: 'error', code, says: error.message, retryAfterMs: retryAfterMs ?? 60_000, inDoubt };
}

/** So often a machine that we stopped waits, stopped, for Fly to let it be updated, before it is started as it was. */
const MOST_WAITS = 3;

/** Nothing is gained by a start on the old version that the next try would have to stop again. */
function isWorthAWait({ order, attempt, progress }: Update, outcome: UpdateOutcome): boolean {
  const isDown = progress.stopped || progress.isIdle;
  if (outcome.kind !== 'error' || !isDown || attempt.cancelled.aborted) return false;
  return (order.machine.tries ?? 0) < MOST_WAITS;
}

/** Whatever becomes of it, what a hold says is put back before the lease is. */
async function underLease(update: Update): Promise<UpdateOutcome> {
  const { order, attempt, progress } = update;
  const machine = await readMachine(update);
  if (machine === undefined) return { ...STALE_READ, inDoubt: true };
  if (order.machine.restore) return restore(update);
  const outcome = await goOn(update, machine).catch((error: unknown) => outcomeOf(error, attempt, progress, order));
  return progress.hold === undefined || isWorthAWait(update, outcome) ? outcome : putRight(update, outcome);
}

/** Nothing is written here but what a hold says; whether an update of ours was written stays as open as it was. */
async function restore(update: Update): Promise<UpdateOutcome> {
  const { progress } = update;
  if (progress.hold === undefined) await lookAgain(update);
  const left = { kind: 'left', standing: 'held', inDoubt: progress.inDoubt } as const;
  return progress.hold === undefined ? left : putRight(update, left);
}

async function goOn(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { order, attempt, progress } = update;
  if (progress.inDoubt) {
    attempt.say('looks for traces of an earlier attempt');
    const trace = await findTrace(update, machine, order.inDoubtSince ?? order.machine.bornAt ?? 0);
    if (trace.kind === 'written') return goOnAfter(update, trace.version, machine);
    if (trace.kind === 'failed') return trace;
    progress.inDoubt = false;
  }
  return assess(update, machine);
}

/** An earlier attempt wrote it. */
async function goOnAfter(update: Update, version: string, { config }: Machine): Promise<UpdateOutcome> {
  const ended = await conclude(update, version, { pollMs: pollMsOf(config) });
  const isBack = update.order.context.back !== undefined && ended.kind === 'updated';
  return isBack && (await wasImageOnly(update)) ? { ...ended, imageOnly: true } : ended;
}

/** At target without a write. */
const AS_IT_WAS = { kind: 'updated', wrote: false, interrupted: false } as const;

/** It was written as one that had crashed, and never started. */
const isLeftDown = ({ order }: Update, machine: Machine): boolean =>
  order.machine.crashed === true && isUnstarted(factsOf(machine, order.context.change));

/** The table once more, on what was just read: what is anything but ready is not written. */
async function assess(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const standing = standingOf(update, machine);
  // Whoever wrote it has counted it: a write that nobody knew of has shown its trace above.
  if (standing === 'atTarget' && isLeftDown(update, machine)) return startAgain(update, machine);
  if (standing === 'atTarget') return { ...AS_IT_WAS, version: machine.instance_id, ...digestOf(machine) };
  if (standing === 'cut') return startAgain(update, machine);
  if (standing === 'ready') return write(update, machine);
  if (standing === 'due') return updateInPlace(update, machine);
  const isStopping = machine.state === 'stopping' && update.progress.hold !== undefined;
  if (standing !== 'overdue' && !isStopping) return { kind: 'left', standing, inDoubt: false };
  if (isToTakeItsTurn(update, machine)) return leave(update, standing);
  return onceStopped(update, isStopping ? await untilStopped(update) : await stopOverdue(update, machine));
}

/** What was stopped for it is updated; where its next start is all that it lacked, what puts it right starts it. */
async function onceStopped(update: Update, stopped: Stopped): Promise<UpdateOutcome> {
  if (stopped.kind !== 'stopped') return stopped;
  const { machine } = stopped;
  const standing = standingOf(update, machine);
  if (standing === 'atTarget') return { ...AS_IT_WAS, version: machine.instance_id, ...digestOf(machine) };
  return standing === 'ready' ? write(update, machine) : { kind: 'left', standing, inDoubt: false };
}

/** Where it is, when it has a slot among those that work: out of the proxy's routing first where the input says so. */
async function updateInPlace(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { machine: listed, drainMs } = update.order;
  const hasSlot = listed.working !== undefined && !isToTakeItsTurn(update, machine);
  if (!hasSlot) return leave(update, 'due');
  if (drainMs === undefined) return write(update, machine);
  const drained = await drain(update, machine, drainMs);
  return drained.kind === 'drained' ? write(update, drained.machine) : drained;
}

/** As it was; where an order before this may have held it a read that lags must not hide that. */
async function leave(update: Update, standing: string): Promise<UpdateOutcome> {
  if (mayBeHeld(update.order)) {
    const again = await lookAgain(update);
    if (again === undefined) return { ...STALE_READ, inDoubt: true };
    if (update.progress.hold !== undefined) return assess(update, again);
  }
  return { kind: 'left', standing, inDoubt: false };
}

async function write(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { config } = machine;
  if (config === null || config === undefined) return { kind: 'left', standing: 'unreachable', inDoubt: false };
  const { back } = update.order.context;
  const way = back === undefined ? undefined : await findWayBack(update, machine);
  if (way?.kind === 'changed') return { kind: 'left', standing: 'foreign', inDoubt: false, changed: true };
  const written = await writeChange(update, machine, way?.config ?? config, way !== undefined);
  if (written.kind !== 'written') return written;
  const ended = await conclude(update, written.version, { events: written.events, pollMs: pollMsOf(config) });
  const isPart = way?.kind === 'image' && ended.kind === 'updated';
  return isPart ? { ...ended, imageOnly: true } : ended;
}

/** An earlier start of this change met it at work and could not finish: it ends started, as it was. */
async function startAgain(update: Update, machine: Machine): Promise<UpdateOutcome> {
  const { app, id, deps, order, attempt, lease } = update;
  attempt.say('starts it again: an earlier update met it at work, or it has crashed');
  const held = await heldBack(attempt);
  if (held !== undefined) return held;
  await deps.fly.startMachine(app, id, lease.nonce());
  return {
    kind: 'updated',
    version: machine.instance_id,
    ...digestOf(machine),
    wrote: false,
    interrupted: order.machine.crashed !== true,
  };
}
