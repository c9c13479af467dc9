import { passChecks, reportChecks, turnChecks } from './checks.js';
import { isFrozen, loseHost, restoreHost } from './host.js';
import { expireLease } from './leases.js';
import { becomeDestroyed, becomeStarted, boot } from './life.js';
import { wake } from './machine.js';
import { endJob, endSignalled } from './process.js';
import { autostart, autostopPass } from './proxy.js';
import { becomeReplaced } from './replace.js';
import { act } from './script.js';
import { comeToRest, endStopped } from './stop.js';
import { becomeSuspended } from './suspend.js';
import type { Due, SimMachine, What, World } from './world.js';

const HAPPENINGS: Record<What, (world: World, machine: SimMachine) => void> = {
  replaced: becomeReplaced,
  pulled: (world, machine) => boot(world, machine, machine.startSource),
  booted: becomeStarted,
  'came-to-rest': comeToRest,
  suspended: becomeSuspended,
  destroyed: becomeDestroyed,
  gone: forget,
  exited: endJob,
  'stop-ends': endStopped,
  'signal-ends': endSignalled,
  autostart,
  'checks-report': reportChecks,
  'checks-pass': passChecks,
  'checks-turn': turnChecks,
  'lease-ends': expireLease,
  'host-lost': loseHost,
  'host-back': restoreHost,
};

/** Catches up with everything that was due until now, in time order: a world does nothing while nobody looks. */
export function advance(world: World): void {
  const until = world.clock.now();
  world.cause = undefined;
  for (let entry = world.agenda.take(until); entry !== undefined; entry = world.agenda.take(until)) {
    world.now = Math.max(world.now, entry.at);
    happen(world, entry.item);
  }
  world.now = Math.max(world.now, until);
}

function happen(world: World, due: Due): void {
  if (due.kind !== 'machine') {
    for (let at = world.scripted.length - 1; at >= 0; at -= 1)
      if (!world.scripted[at]?.live) world.scripted.splice(at, 1);
    return due.kind === 'script' ? act(world, due.action, due.since) : autostopPass(world, due.app);
  }
  const { machine, what } = due;
  for (const [slot, entry] of machine.due) if (!entry.live) machine.due.delete(slot);
  if (isFrozen(machine, what)) machine.frozen = [...machine.frozen, what];
  else HAPPENINGS[what](world, machine);
}

function forget(world: World, machine: SimMachine): void {
  world.machines.delete(machine.id);
  const app = world.apps.get(machine.app);
  app?.machines.splice(app.machines.indexOf(machine), 1);
  app?.gone.push(machine);
  wake(machine);
}
