import { boot } from './life.js';
import { planAfter, unplan } from './planning.js';
import { note, type SimMachine, type World } from './world.js';

/** A request came for the machine: the proxy starts it as soon as it may (fly docs, proxy autostop/autostart). */
export function autostart(world: World, machine: SimMachine): void {
  machine.autostartHeld = false;
  unplan(machine, 'autostart');
  if (machine.due.has('transition') && machine.state !== 'starting') {
    return planAfter(world, machine, 'autostart', 'postponeMs');
  }
  if (machine.state !== 'stopped' && machine.state !== 'suspended') return;
  const leased = machine.lease !== undefined && world.scenario.switches.leaseBlocksAutostart;
  if (leased || machine.cordoned) {
    machine.autostartHeld = true;
    return;
  }
  machine.restarts = 0;
  note(world, machine, 'autostart', { version: machine.version });
  boot(world, machine, 'proxy');
}
