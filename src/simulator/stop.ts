import { refuse } from './answers.js';
import { goDuration } from './durations.js';
import { exitEvent, killedBy, type Exit } from './exits.js';
import { cutJob, finishJob, ownExit } from './jobs.js';
import { rest } from './life.js';
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
 * What a call asks for, else the machine's own `stop_config`, else Fly's defaults. A timeout of 0 names none: flyctl
 * sends `"0s"` when nobody gave one (flyctl-traces, `machine-stop`).
 * Throws 400 for a signal that a stop does not take, and for what is no duration.
 */
export function stopOrderOf(
  machine: SimMachine,
  asked: { readonly signal?: string | undefined; readonly timeout?: unknown },
): StopOrder {
  const own = machine.config.stop_config;
  const signal = stopSignalOf(asked.signal || own?.signal || DEFAULT_SIGNAL);
  if (signal === undefined) throw refuse(400, `invalid_argument: invalid stop signal '${asked.signal ?? ''}'`);
  const askedMs = asked.timeout === undefined || asked.timeout === '' ? 0 : goDuration(asked.timeout);
  if (askedMs === undefined) throw refuse(400, 'invalid_argument: invalid stop timeout');
  const timeoutMs = askedMs || goDuration(own?.timeout) || DEFAULT_TIMEOUT_MS;
  return { signal, timeoutMs: Math.min(timeoutMs, LONGEST_TIMEOUT_MS) };
}

/** Stops a machine that runs; answered at once. Its process may go on until the timeout, then it is killed. */
export function stop(world: World, machine: SimMachine, { signal, timeoutMs, source }: StopOrder & { source: string }) {
  machine.restarts = 0;
  machine.stopping = { signal, by: world.cause, killAt: world.now + timeoutMs, exit: undefined };
  const event = { type: 'stop', status: 'stopping', source };
  change(world, machine, { state: 'stopping', events: withEvent(world, machine, event) });
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

/** The process has ended: by itself, because it handled the signal, or killed. What is left is taken down. */
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

/** The end of a stop, and of a creation with `skip_launch`. */
export function comeToRest(world: World, machine: SimMachine): void {
  if (machine.state === 'stopping') {
    const exit = { code: 0, ...machine.stopping?.exit, requested: true };
    machine.stopping = undefined;
    change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, exit)) });
  }
  rest(world, machine, 'stopped');
}
