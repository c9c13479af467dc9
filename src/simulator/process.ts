import { exitEvent, killedBy, type Exit } from './exits.js';
import { cutJob, finishJob, ownExit } from './jobs.js';
import { rest } from './life.js';
import { change, withEvent } from './machine.js';
import { plan, planAfter } from './planning.js';
import { draw } from './random.js';
import type { Signal } from './signals.js';
import { note, type SimMachine, type World } from './world.js';

/** Restart tries when the config names none (machines docs, "restart policy": on-failure, 10 tries). */
const DEFAULT_RETRIES = 10;

/** The work is done, or has crashed. */
export function endJob(world: World, machine: SimMachine): void {
  exitProcess(world, machine, ownExit(machine));
}

/** The main process ends by itself; the restart policy decides what comes next (machines docs, machine states). */
export function exitProcess(world: World, machine: SimMachine, exit: Exit): void {
  finishJob(world, machine, exit.code);
  const restarting = restarts(machine, exit.code);
  machine.restarts = restarting ? machine.restarts + 1 : exit.code === 0 ? 0 : machine.restarts;
  change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, { ...exit, restarting })) });
  if (!restarting) return rest(world, machine, 'stopped');
  note(world, machine, 'restarted', { exitCode: exit.code, version: machine.version });
  change(world, machine, { state: 'starting' });
  machine.startSource = 'flyd';
  planAfter(world, machine, 'booted', 'restartMs');
}

/** A signal reaches the main process, and no stop goes with it: an end by it is one the restart policy sees. */
export function deliver(world: World, machine: SimMachine, signal: Signal): void {
  const { run, job } = machine;
  const handled = signal === 'SIGKILL' || run === undefined ? undefined : job?.onStop;
  if (handled === 'ignore') return;
  if (run !== undefined && handled !== undefined) {
    const endsAt = world.now + draw(machine.random, handled.afterMs);
    if (endsAt < run.endsAt) plan(world, machine, 'signal-ends', endsAt);
    return;
  }
  if (run === undefined && signal !== 'SIGKILL') return exitProcess(world, machine, { code: 0 });
  cutJob(world, machine, 'signalled');
  exitProcess(world, machine, killedBy(signal));
}

/** A job that was sent a signal has put its work away. */
export function endSignalled(world: World, machine: SimMachine): void {
  const onStop = machine.job?.onStop;
  exitProcess(world, machine, { code: typeof onStop === 'object' ? onStop.exitCode : 0 });
}

function restarts(machine: SimMachine, code: number): boolean {
  const { policy, max_retries: retries } = machine.config.restart ?? {};
  if (policy === 'always') return true;
  return (policy ?? 'on-failure') === 'on-failure' && code !== 0 && machine.restarts < (retries ?? DEFAULT_RETRIES);
}
