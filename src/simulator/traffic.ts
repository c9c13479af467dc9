import { plan, planAfter } from './planning.js';
import { draw } from './random.js';
import type { SimMachine, World } from './world.js';

/** The proxy will want the machine again after (this part of) its idle time, unless it already waits to start it. */
export function awaitTraffic(world: World, machine: SimMachine, part = 1): void {
  const idle = machine.job?.idleMs;
  if (idle === undefined || machine.due.has('autostart') || machine.autostartHeld) return;
  plan(world, machine, 'autostart', world.now + Math.round(draw(machine.random, idle) * part));
}

/** What held the proxy back is gone. */
export function releaseAutostart(world: World, machine: SimMachine): void {
  if (!machine.autostartHeld) return;
  machine.autostartHeld = false;
  planAfter(world, machine, 'autostart', 'postponeMs');
}
