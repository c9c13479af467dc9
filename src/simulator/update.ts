import { isDeepStrictEqual } from 'node:util';
import type { MachineConfig } from '../fly/wire.js';
import { refuse } from './answers.js';
import { guard, requireHost } from './leases.js';
import { replace } from './replace.js';
import type { SimApp, SimMachine, World } from './world.js';

/** An update as it was asked for. */
export interface Update {
  readonly config: MachineConfig;
  readonly nonce: string | undefined;
  readonly currentVersion: string | undefined;
  readonly skipLaunch: boolean;
  readonly skipSecrets: boolean;
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
  requireVersion(world, machine, asked.currentVersion);
  machine.skipSecrets = asked.skipSecrets;
  const changes = world.scenario.switches.identicalMintsVersion || !isDeepStrictEqual(asked.config, machine.config);
  return changes ? replace(world, machine, asked) : machine.version;
}

// 409 according to Fly staff (community 15555); the text is ours.
function requireVersion(world: World, machine: SimMachine, expected: string | undefined): void {
  const { currentVersionEnforced, currentVersionStatus: status } = world.scenario.switches;
  if (!currentVersionEnforced || expected === undefined || expected === machine.version) return;
  const kind = status === 409 ? 'aborted' : 'failed_precondition';
  throw refuse(status, `${kind}: current_version mismatch: machine is at version ${machine.version}`);
}

/** Refuses what needs newer secrets than the app has: a host that lags must not boot old ones (flyctl minvers.go). */
export function requireSecrets(world: World, app: SimApp, least: number): void {
  if (app.secrets.version >= least) return;
  const status = world.scenario.switches.secretsBehindStatus;
  const kind = status === 412 ? 'failed_precondition' : 'unavailable';
  throw refuse(status, `${kind}: secrets are at version ${app.secrets.version}, ${least} is needed`);
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
    skipSecrets: machine.skipSecrets,
    source: 'user',
    forceRevert: false,
  });
}
