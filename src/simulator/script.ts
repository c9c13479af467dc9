import { Refusal } from './answers.js';
import { addFault } from './faults.js';
import { addApp, addBlock } from './fleet.js';
import { loseHost, restoreHost } from './host.js';
import { destroy } from './life.js';
import { exitProcess } from './process.js';
import { autostart } from './proxy.js';
import type { Action, ImageSpec, Target } from './scenario.js';
import { deploy } from './update.js';
import { planAction } from './planning.js';
import type { SimMachine, World } from './world.js';

/** flyctl polls a held lease twice a second for a minute, then gives up (flyctl-traces: `stop-while-leased`). */
const DEPLOY_RETRY_MS = 500;
const DEPLOY_PATIENCE_MS = 60_000;

/** Does one scripted happening; `since` is when it was first tried. */
export function act(world: World, action: Action, since: number): void {
  if (action.createMachines) createMachines(world, action.createMachines);
  if (action.fault) addFault(world, action.fault);
  if (action.clearFaults) world.faults = [];
  if (action.image) moveImage(world, action.image.ref, action.image);
  if (action.destroy) forEach(world, action.destroy, (machine) => destroy(world, machine, 'user'));
  if (action.autostart) forEach(world, action.autostart, (machine) => autostart(world, machine));
  if (action.loseHost) forEach(world, action.loseHost, (machine) => loseHost(world, machine));
  if (action.restoreHost) forEach(world, action.restoreHost, (machine) => restoreHost(world, machine));
  if (action.exit) {
    const { code, oom, ...target } = action.exit;
    forEach(world, target, (machine) => exitIfStarted(world, machine, { code, oom }));
  }
  if (action.deploy) deployPatiently(world, action.deploy, since);
}

export function createMachines(world: World, block: NonNullable<Action['createMachines']>): SimMachine[] {
  const app = world.apps.get(block.app) ?? addApp(world, { name: block.app, org: 'personal', foreignOrg: false });
  return addBlock(world, app, block);
}

/** Puts an image under a reference, or moves its tag to another digest. */
export function moveImage(world: World, ref: string, spec: ImageSpec): void {
  const { digest } = world.images.add(ref, spec);
  world.journal.happening(world.now, { kind: 'image-moved', image: ref, digest });
}

export function exitIfStarted(world: World, machine: SimMachine, exit: { code: number; oom: boolean }): boolean {
  if (machine.state !== 'started') return false;
  exitProcess(world, machine, exit);
  return true;
}

function deployPatiently(world: World, wanted: NonNullable<Action['deploy']>, since: number): void {
  const { image, env, ...target } = wanted;
  forEach(world, target, (machine) => {
    try {
      deploy(world, machine, { image, env });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (world.now - since >= DEPLOY_PATIENCE_MS) return;
      planAction(world, world.now + DEPLOY_RETRY_MS, { deploy: { machine: machine.id, image, env } }, since);
    }
  });
}

function forEach(world: World, target: Target, visit: (machine: SimMachine) => void): void {
  const apps = target.app === undefined ? [...world.apps.keys()] : [target.app];
  const machines = apps
    .flatMap((app) => (world.apps.get(app)?.machines ?? []).filter((_, at) => (target.index ?? at) === at))
    .filter((machine) => (target.machine ?? machine.id) === machine.id)
    .filter((machine) => (target.region ?? machine.region) === machine.region)
    .filter((machine) => target.group === undefined || machine.config.metadata?.['fly_process_group'] === target.group)
    .filter((machine) => machine.state !== 'destroyed' && machine.state !== 'destroying');
  machines.forEach(visit);
}
