import { refuse } from './answers.js';
import { goDuration } from './durations.js';
import { exitEvent, killedBy, type Exit } from './exits.js';
import { cutJob, finishJob, loseSnapshot, ownExit } from './jobs.js';
import { boot, readSecrets, rest } from './life.js';
import { change, withEvent } from './machine.js';
import { plan, planAfter } from './planning.js';
import { draw } from './random.js';
import { stopSignalOf, type Signal } from './signals.js';
import type { SimMachine, Stopping, World } from './world.js';

/** Signal and timeout when neither the call nor the config names one (machines docs, stop_config). */
const DEFAULT_SIGNAL: Signal = 'SIGINT';
const DEFAULT_TIMEOUT_MS = 5000;
const LONGEST_TIMEOUT_MS = 300_000;

/** How a machine is to be stopped. */
export interface StopOrder {
  readonly signal: Signal;
  /** So long after the signal the process is killed. */
  readonly timeoutMs: number;
}

/**
 * What a call asks for, else the machine's own `stop_config` (what Fly would not take there counts as not named), else
 * Fly's defaults. A timeout of 0 names none: flyctl sends `"0s"` when nobody gave one (flyctl-traces, `machine-stop`).
 * Throws 400 for a signal in the call that a stop does not take, and for what is no duration.
 */
export function stopOrderOf(
  machine: SimMachine,
  asked: { readonly signal?: string | undefined; readonly timeout?: unknown },
): StopOrder {
  const { signal: ownSignal, timeout: ownTimeout } = machine.config.stop_config ?? {};
  const signal = asked.signal ? stopSignalOf(asked.signal) : (stopSignalOf(ownSignal ?? '') ?? DEFAULT_SIGNAL);
  if (signal === undefined) throw refuse(400, `invalid_argument: invalid stop signal '${asked.signal}'`);
  const askedMs = goDuration(asked.timeout || '0');
  if (askedMs === undefined) throw refuse(400, 'invalid_argument: invalid stop timeout');
  const timeoutMs = askedMs || goDuration(ownTimeout) || DEFAULT_TIMEOUT_MS;
  return { signal, timeoutMs: Math.min(timeoutMs, LONGEST_TIMEOUT_MS) };
}

/** Stops a machine that runs; answered at once. Its process may go on until the timeout, then it is killed. */
export function stop(world: World, machine: SimMachine, { signal, timeoutMs, source }: StopOrder & { source: string }) {
  loseSnapshot(world, machine, 'stopped');
  const event = { type: 'stop', status: 'stopping', source };
  change(world, machine, { state: 'stopping', events: withEvent(world, machine, event) });
  sendStop(world, machine, { signal, timeoutMs });
}

/** Stops the machine's process and boots it again, under the same version. */
export function restart(world: World, machine: SimMachine, order: StopOrder): void {
  const event = { type: 'restart', status: 'restarting', source: 'user' };
  change(world, machine, { state: 'restarting', events: withEvent(world, machine, event) });
  sendStop(world, machine, order);
}

function sendStop(world: World, machine: SimMachine, { signal, timeoutMs }: StopOrder): void {
  machine.restarts = 0;
  machine.stopping = { signal, by: world.cause, killAt: world.now + timeoutMs, exit: undefined };
  const endsAt = endOf(world, machine);
  if (endsAt === undefined || endsAt <= world.now) return endStopped(world, machine);
  plan(world, machine, 'stop-ends', endsAt);
}

/** When the process ends on its stop signal; undefined = at once. */
function endOf(world: World, machine: SimMachine): number | undefined {
  const { run, stopping } = machine;
  const onStop = machine.job?.onStop;
  if (run === undefined || stopping === undefined || stopping.signal === 'SIGKILL' || onStop === undefined) {
    return undefined;
  }
  const handled = onStop === 'ignore' ? Infinity : world.now + draw(machine.random, onStop.afterMs);
  return Math.min(run.endsAt, handled, stopping.killAt);
}

/** The process has ended: by itself, by handling the signal, or killed. What is left is taken down. */
export function endStopped(world: World, machine: SimMachine): void {
  const { stopping } = machine;
  if (stopping === undefined) return;
  const exit = exitOnStop(world, machine, stopping);
  if (exit.signal === undefined) finishJob(world, machine, exit.code);
  else cutJob(world, machine, 'stopped');
  machine.stopping = { ...stopping, exit };
  planAfter(world, machine, 'came-to-rest', 'stopMs');
}

/** A machine without work ends cleanly on any signal but SIGKILL. */
function exitOnStop(world: World, machine: SimMachine, { signal, killAt }: Stopping): Exit {
  const { run, job } = machine;
  if (signal === 'SIGKILL') return killedBy(signal);
  if (run === undefined) return { code: 0 };
  if (job?.onStop === undefined) return killedBy(signal);
  if (world.now >= run.endsAt) return ownExit(machine);
  if (job.onStop === 'ignore' || world.now >= killAt) return killedBy('SIGKILL');
  return { code: job.onStop.exitCode };
}

/** The end of a stop or of a restart's first half, and of a creation with `skip_launch`. */
export function comeToRest(world: World, machine: SimMachine): void {
  const { state, stopping } = machine;
  if (state === 'created') return rest(world, machine, world.scenario.switches.skipLaunchCreateState);
  const restarting = state === 'restarting';
  const exit = { code: 0, ...stopping?.exit, requested: true, restarting };
  machine.stopping = undefined;
  change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, exit)) });
  if (!restarting) return rest(world, machine, 'stopped');
  if (world.scenario.switches.restartReadsSecrets) readSecrets(world, machine);
  boot(world, machine, 'user');
}
