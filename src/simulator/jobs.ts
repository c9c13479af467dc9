import { specOn } from './images.js';
import { endChecks } from './checks.js';
import type { Exit } from './exits.js';
import { plan, unplan } from './planning.js';
import { draw } from './random.js';
import { note, type SimMachine, type World } from './world.js';

/** Starts the machine's work; `part` is the share of it that is still to be done. */
export function beginJob(world: World, machine: SimMachine, part: number): void {
  const length = specOn(machine.image, machine)?.exits?.afterMs ?? machine.job?.lengthMs;
  if (length === undefined) return;
  machine.run = { startedAt: world.now, endsAt: world.now + Math.round(draw(machine.random, length) * part) };
  note(world, machine, 'job-started', { version: machine.version });
  plan(world, machine, 'exited', machine.run.endsAt);
}

/** The process freezes where it is, with the machine's memory. */
export function pauseJob(world: World, machine: SimMachine): void {
  endChecks(world, machine);
  unplan(machine, 'job');
  const { run } = machine;
  machine.snapshot = { left: run === undefined ? undefined : Math.max(0, run.endsAt - world.now) };
  machine.run = undefined;
  if (run !== undefined) note(world, machine, 'job-paused', { version: machine.version });
}

/** The process goes on where it was. */
export function resumeJob(world: World, machine: SimMachine, left: number): void {
  machine.run = { startedAt: world.now, endsAt: world.now + left };
  note(world, machine, 'job-resumed', { version: machine.version });
  plan(world, machine, 'exited', machine.run.endsAt);
}

/** The memory of a suspended machine is gone, and with it the work it held: the next start boots cold. */
export function loseSnapshot(world: World, machine: SimMachine, why: string): void {
  if (machine.snapshot === undefined) return;
  const { left } = machine.snapshot;
  machine.snapshot = undefined;
  note(world, machine, 'snapshot-lost', { why, version: machine.version });
  if (left !== undefined) note(world, machine, 'job-cut', { why, version: machine.version });
}

/** How the machine's work ends when nothing disturbs it: as its image or its job asks for. */
export function ownExit(machine: SimMachine): Exit {
  return specOn(machine.image, machine)?.exits ?? { code: machine.job?.exitCode ?? 0 };
}

/** Something ends the machine's work before its time. */
export function cutJob(world: World, machine: SimMachine, why: string): void {
  endChecks(world, machine);
  unplan(machine, 'job');
  if (machine.run === undefined) return;
  machine.run = undefined;
  note(world, machine, 'job-cut', { why, version: machine.version, ...askedBy(machine) });
}

/** The machine's work is done, with this exit code. */
export function finishJob(world: World, machine: SimMachine, exitCode: number): void {
  unplan(machine, 'job');
  endChecks(world, machine);
  if (machine.run !== undefined) {
    note(world, machine, 'job-ended', { exitCode, version: machine.version, ...askedBy(machine) });
  }
  machine.run = undefined;
}

// A stop that is under way is what ends the job, whenever that comes.
function askedBy({ stopping }: SimMachine) {
  if (stopping === undefined) return {};
  return { signal: stopping.signal, ...(stopping.by && { by: stopping.by }) };
}
