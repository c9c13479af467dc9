import type { MachineConfig } from '../fly/wire.js';
import { imageRefOf, specOn } from './images.js';
import { cutJob, loseSnapshot } from './jobs.js';
import { becomeStarted, launch, rest } from './life.js';
import { change, withEvent } from './machine.js';
import { planAfter, unplan } from './planning.js';
import { note, type MachineState, type SimMachine, type World } from './world.js';

/** What a machine between two states would have been without the update. */
const RESTS_AS: Partial<Record<MachineState, MachineState>> = { stopping: 'stopped', suspending: 'suspended' };

/** An accepted update. */
export interface Replacement {
  readonly config: MachineConfig;
  readonly skipLaunch: boolean;
  readonly source: string;
  /** A fault wants this update to be reverted. */
  readonly forceRevert: boolean;
}

/**
 * Begins to replace the machine's version and returns the new one. A machine that was not running stays stopped even
 * with `skip_launch` false (flyctl PR 4754); `failed` is booted again (flyctl machines_launchinput.go:shouldSkipLaunch).
 */
export function replace(world: World, machine: SimMachine, to: Replacement): string {
  const ran = wasRunning(machine);
  machine.stopping = undefined;
  cutJob(world, machine, 'updated');
  loseSnapshot(world, machine, 'updated');
  const ref = to.config.image ?? '';
  const image = world.images.resolve(ref);
  const version = world.ids.ulid(world.now);
  machine.replacing = {
    version: machine.version,
    config: machine.config,
    image: machine.image,
    imageRef: machine.imageRef,
    state: ran ? 'started' : (RESTS_AS[machine.state] ?? machine.state),
    launch: !to.skipLaunch && (ran || machine.state === 'failed'),
    restsAs: ran && to.skipLaunch ? world.scenario.switches.skipLaunchUpdateState : 'stopped',
    reverts: whyReverted(machine, to, specOn(image, machine)?.reverts),
  };
  machine.restarts = 0;
  change(world, machine, {
    state: 'replacing',
    version,
    config: to.config,
    image,
    imageRef: imageRefOf(ref, image),
    versions: [{ version, config: to.config, hidden: false }, ...machine.versions],
    events: withEvent(world, machine, { type: 'update', status: 'replacing', source: to.source }),
  });
  planAfter(world, machine, 'replaced', 'replaceMs');
  return version;
}

/** The new version is in place, or has turned out not to come up. */
export function becomeReplaced(world: World, machine: SimMachine): void {
  const { replacing } = machine;
  if (replacing === undefined) return;
  machine.replacing = undefined;
  if (replacing.reverts !== undefined) return revert(world, machine, replacing);
  if (replacing.launch) return launch(world, machine, 'flyd');
  rest(world, machine, replacing.restsAs);
}

/**
 * Fly restores the version before when the new one cannot come up, and says nothing: the old version reports its
 * old state under the old id (Fly staff in flyctl PRs 4878 and 4921).
 */
function revert(world: World, machine: SimMachine, former: NonNullable<SimMachine['replacing']>): void {
  const lost = machine.version;
  const versions = machine.versions.map((version) =>
    version.version === lost ? { ...version, hidden: !world.scenario.switches.versionsKeepReverted } : version,
  );
  const { version, config, image, imageRef } = former;
  change(world, machine, { version, config, image, imageRef, versions });
  note(world, machine, 'reverted', { lost, version, ...(former.reverts !== undefined && { why: former.reverts }) });
  unplan(machine, 'transition');
  if (former.state !== 'started') return rest(world, machine, former.state);
  machine.startSource = 'flyd';
  becomeStarted(world, machine);
}

function wasRunning(machine: SimMachine): boolean {
  if (machine.state === 'created') return isLaunching(machine);
  return ['started', 'starting', 'restarting'].includes(machine.state);
}

function isLaunching(machine: SimMachine): boolean {
  const due = machine.due.get('transition')?.item;
  return due?.kind === 'machine' && due.what === 'pulled';
}

function whyReverted(machine: SimMachine, to: Replacement, reverts: boolean | number | undefined): string | undefined {
  if (to.forceRevert) return 'fault';
  if (reverts === undefined) return 'image cannot be pulled';
  if (reverts === true) return 'image cannot boot';
  return typeof reverts === 'number' && machine.random.next() < reverts ? 'image cannot boot' : undefined;
}
