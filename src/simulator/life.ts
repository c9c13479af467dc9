import { specOn } from './images.js';
import { beginChecks } from './checks.js';
import { exitEvent } from './exits.js';
import { beginJob, cutJob, loseSnapshot, resumeJob } from './jobs.js';
import { change, withEvent } from './machine.js';
import { planAfter, unplan } from './planning.js';
import { awaitTraffic } from './traffic.js';
import { note, type MachineState, type SimMachine, type World } from './world.js';

/** The new version was made: pull the image, then boot. */
export function launch(world: World, machine: SimMachine, source: string): void {
  change(world, machine, { state: 'created' });
  machine.startSource = source;
  planAfter(world, machine, 'pulled', 'pullMs');
}

/** Boots what is stopped or suspended; with its memory kept it only goes on. A restart has a say of its own. */
export function boot(world: World, machine: SimMachine, source: string): void {
  if (machine.snapshot === undefined && machine.state !== 'restarting') readSecrets(world, machine);
  change(world, machine, { state: 'starting' });
  machine.startSource = source;
  planAfter(world, machine, 'booted', machine.snapshot === undefined ? 'bootMs' : 'resumeMs');
}

/** The boot is over: the process runs, its checks and its work begin. */
export function becomeStarted(world: World, machine: SimMachine): void {
  const { snapshot } = machine;
  machine.snapshot = undefined;
  if (snapshot === undefined && specOn(machine.image, machine)?.failsBoot === true) {
    change(world, machine, { events: withEvent(world, machine, exitEvent(world, machine, { code: 1 })) });
    return rest(world, machine, 'failed');
  }
  const event = { type: 'start', status: 'started', source: machine.startSource };
  change(world, machine, { state: 'started', events: withEvent(world, machine, event) });
  note(world, machine, 'settled', { state: 'started', version: machine.version });
  beginChecks(world, machine);
  if (snapshot?.left !== undefined) resumeJob(world, machine, snapshot.left);
  else beginJob(world, machine, 1);
}

/** What a cold boot reads of the app's secrets (docs, apps/secrets: when a machine boots). */
export function readSecrets(world: World, machine: SimMachine): void {
  const version = world.apps.get(machine.app)?.secrets.version ?? 0;
  machine.secretsVersion = machine.skipSecrets ? 0 : version;
}

/** The machine is in a state that lasts. */
export function rest(world: World, machine: SimMachine, state: MachineState): void {
  change(world, machine, { state });
  note(world, machine, 'settled', { state, version: machine.version });
  if (state !== 'stopped') return;
  if (machine.config.auto_destroy === true && machine.events[0]?.type === 'exit')
    return destroy(world, machine, 'flyd');
  awaitTraffic(world, machine);
}

/** Destroys a machine, whatever it does. */
export function destroy(world: World, machine: SimMachine, source: string): void {
  if (machine.state === 'destroying') return;
  machine.stopping = undefined;
  cutJob(world, machine, 'destroyed');
  loseSnapshot(world, machine, 'destroyed');
  unplan(machine, 'autostart');
  machine.autostartHeld = false;
  const event = { type: 'destroy', status: 'destroying', source };
  change(world, machine, { state: 'destroying', events: withEvent(world, machine, event) });
  planAfter(world, machine, 'destroyed', 'destroyMs');
}

/** A destroyed machine stays readable for a while: flyctl reads its last exit event (machines_releasecommand.go). */
export function becomeDestroyed(world: World, machine: SimMachine): void {
  const event = { type: 'destroy', status: 'destroyed', source: 'flyd' };
  change(world, machine, { state: 'destroyed', events: withEvent(world, machine, event) });
  machine.lease = undefined;
  unplan(machine, 'lease');
  note(world, machine, 'destroyed', { version: machine.version });
  planAfter(world, machine, 'gone', 'destroyedReadableMs');
}
