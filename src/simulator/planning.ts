import { draw } from './random.js';
import type { Action, Scenario } from './scenario.js';
import type { SimApp, SimMachine, Slot, What, World } from './world.js';

const SLOTS: Record<What, Slot> = {
  replaced: 'transition',
  pulled: 'transition',
  booted: 'transition',
  'came-to-rest': 'transition',
  suspended: 'transition',
  destroyed: 'transition',
  gone: 'gone',
  exited: 'job',
  'stop-ends': 'job',
  'signal-ends': 'job',
  autostart: 'autostart',
  'checks-report': 'checks',
  'checks-pass': 'checks',
  'checks-turn': 'checks',
  'lease-ends': 'lease',
  'host-lost': 'host',
  'host-back': 'host',
};

/** Plans something for a machine, instead of what was planned in the same slot. */
export function plan(world: World, machine: SimMachine, what: What, at: number): void {
  unplan(machine, SLOTS[what]);
  machine.due.set(SLOTS[what], world.agenda.add(at, { kind: 'machine', what, machine }));
}

/** Plans something after a duration drawn from the machine's own stream. */
export function planAfter(world: World, machine: SimMachine, what: What, timing: keyof Scenario['timing']): void {
  plan(world, machine, what, world.now + draw(machine.random, world.scenario.timing[timing]));
}

/** Takes off the agenda what is planned in a slot. */
export function unplan(machine: SimMachine, slot: Slot): void {
  const entry = machine.due.get(slot);
  if (entry === undefined) return;
  entry.live = false;
  machine.due.delete(slot);
}

/** Plans a scripted happening. */
export function planAction(world: World, at: number, action: Action, since: number): void {
  world.scripted.push(world.agenda.add(at, { kind: 'script', action, since }));
}

/** Plans the next pass of the proxy over an app's machines. */
export function planPass(world: World, app: SimApp): void {
  if (app.autostopMs === undefined) return;
  const at = world.now + draw(app.random, app.autostopMs);
  world.scripted.push(world.agenda.add(at, { kind: 'autostop-pass', app }));
}

/** The next time at which something may change for this machine without a call; undefined when nothing is due. */
export function nextFor(world: World, machine: SimMachine): number | undefined {
  let next = Infinity;
  for (const entry of machine.due.values()) next = Math.min(next, entry.at);
  for (const entry of world.scripted) if (entry.live) next = Math.min(next, entry.at);
  return next === Infinity ? undefined : next;
}
