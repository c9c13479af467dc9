import { Refusal } from './answers.js';
import { holdChecks } from './checks.js';
import { addFault } from './faults.js';
import { addApp, addBlock } from './fleet.js';
import { loseHost, restoreHost } from './host.js';
import { loseSnapshot } from './jobs.js';
import { destroy } from './life.js';
import { exitProcess } from './process.js';
import { autostart, autostop, request } from './proxy.js';
import { Target, type Action, type ImageSpec } from './scenario.js';
import { setSecrets } from './secrets.js';
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
  if (action.secrets) setAppSecrets(world, action.secrets);
  if (action.deploy) deployPatiently(world, action.deploy, since);
  if (action.request) request(world, targeted(world, action.request));
  for (const [verb, target] of Object.entries(action)) {
    const does = TO_EACH[verb];
    if (does !== undefined) forEach(world, Target.loose().parse(target), (machine) => does(world, machine, action));
  }
}

/** What is done to each machine of a target. */
const TO_EACH: Readonly<Record<string, (world: World, machine: SimMachine, action: Action) => unknown>> = {
  destroy: (world, machine) => destroy(world, machine, 'user'),
  autostart,
  autostop,
  loseHost,
  restoreHost,
  loseSnapshot: (world, machine) => loseSnapshot(world, machine, 'lost'),
  exit: (world, machine, { exit }) => exit && exitIfStarted(world, machine, exit),
  checks: (world, machine, { checks }) => checks && holdChecks(world, machine, checks.status),
};

/** Sets secrets of an app, as `fly secrets set --stage` does. */
export function setAppSecrets(world: World, { app, values }: NonNullable<Action['secrets']>): boolean {
  const found = world.apps.get(app);
  if (found !== undefined) setSecrets(world, found, values);
  return found !== undefined;
}

/** Makes machines as a scenario's blocks do, in a new app if need be. */
export function createMachines(world: World, block: NonNullable<Action['createMachines']>): SimMachine[] {
  const app = world.apps.get(block.app) ?? addApp(world, { name: block.app, org: 'personal' });
  return addBlock(world, app, block);
}

/** Puts an image under a reference, or moves its tag to another digest. */
export function moveImage(world: World, ref: string, spec: ImageSpec): void {
  const { digest } = world.images.add(ref, spec);
  world.journal.happening(world.now, { kind: 'image-moved', image: ref, digest });
}

/** Ends the process of a machine that runs; false when it does not. */
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
  targeted(world, target).forEach(visit);
}

function targeted(world: World, target: Target): readonly SimMachine[] {
  const apps = target.app === undefined ? [...world.apps.keys()] : [target.app];
  return apps
    .flatMap((app) => (world.apps.get(app)?.machines ?? []).filter((_, at) => (target.index ?? at) === at))
    .filter((machine) => (target.machine ?? machine.id) === machine.id)
    .filter((machine) => (target.region ?? machine.region) === machine.region)
    .filter((machine) => target.group === undefined || machine.config.metadata?.['fly_process_group'] === target.group)
    .filter((machine) => machine.state !== 'destroyed' && machine.state !== 'destroying');
}
