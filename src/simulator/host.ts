import { change } from './machine.js';
import { plan } from './planning.js';
import { note, type SimMachine, type What, type World } from './world.js';

/** The machine's host is lost: answers show less, writes are refused, and nothing moves until it is back. */
export function loseHost(world: World, machine: SimMachine): void {
  if (machine.host !== 'ok') return;
  change(world, machine, { host: 'unreachable' });
  note(world, machine, 'host-lost');
  if (machine.hostBackAt !== undefined) plan(world, machine, 'host-back', machine.hostBackAt);
}

/** The host is back, and what came due meanwhile happens now. */
export function restoreHost(world: World, machine: SimMachine): void {
  if (machine.host === 'ok') return;
  change(world, machine, { host: 'ok' });
  note(world, machine, 'host-back');
  const { frozen } = machine;
  machine.frozen = [];
  for (const what of frozen) plan(world, machine, what, world.now);
}

/** A lease and the host itself live on without the host; everything else waits for it. */
export function isFrozen(machine: SimMachine, what: What): boolean {
  return machine.host !== 'ok' && what !== 'host-back' && what !== 'lease-ends' && what !== 'gone';
}
