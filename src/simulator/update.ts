import type { MachineConfig } from '../fly/wire.js';
import { refuse } from './answers.js';
import { guard } from './leases.js';
import { replace } from './replace.js';
import type { SimMachine, World } from './world.js';

/** An update as it was asked for. */
export interface Update {
  readonly config: MachineConfig;
  readonly nonce: string | undefined;
  readonly currentVersion: string | undefined;
  readonly skipLaunch: boolean;
  readonly source: string;
  readonly forceRevert: boolean;
}

/** Checks the rules of an update in Fly's order and begins it; returns the new version. */
export function update(world: World, machine: SimMachine, asked: Update): string {
  requireHost(machine);
  guard(world, machine, asked.nonce);
  if (machine.state === 'destroying') throw refuse(412, 'failed_precondition: machine is being destroyed');
  // Text of flyctl PR 4825.
  if (machine.state === 'replacing') throw refuse(409, 'aborted: machine is replacing: concurrent update in progress');
  // 409 according to Fly staff (community 15555); the text is ours.
  const enforced = world.scenario.switches.currentVersionEnforced && asked.currentVersion !== undefined;
  if (enforced && asked.currentVersion !== machine.version) {
    throw refuse(409, `aborted: current_version mismatch: machine is at version ${machine.version}`);
  }
  return replace(world, machine, asked);
}

/** A write to a machine whose host is lost cannot be done. The status is an inference (machines docs name none). */
export function requireHost(machine: SimMachine): void {
  if (machine.host !== 'ok') throw refuse(503, `unavailable: host of machine ${machine.id} is unreachable`);
}

/** What `fly deploy` of somebody else does to a machine: its config with another image or env, under Fly's rules. */
export function deploy(
  world: World,
  machine: SimMachine,
  wanted: { image?: string | undefined; env?: Record<string, string> | undefined },
): string {
  const image = wanted.image ?? machine.config.image ?? '';
  if (world.images.resolve(image) === undefined) world.images.add(image);
  const config = { ...machine.config, image, env: wanted.env ?? machine.config.env };
  return update(world, machine, {
    config,
    nonce: undefined,
    currentVersion: undefined,
    // flyctl machines_launchinput.go:shouldSkipLaunch @ad0172f.
    skipLaunch: !['started', 'starting', 'failed'].includes(machine.state),
    source: 'user',
    forceRevert: false,
  });
}
