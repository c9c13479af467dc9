import type { ScenarioInput } from '../../src/simulator/scenario.js';
import { V2 } from './support.js';

/** The image of machines that a trace creates for a moment. */
export const COMMAND = 'registry.fly.io/encoder:command';

/** What there was when a trace was recorded, as far as its answers depend on it. */
export interface Scene {
  /** States of machines that were not started. */
  readonly states?: Readonly<Record<string, string>>;
  /** A machine that somebody else has leased, and for how long. */
  readonly held?: readonly [machine: string, seconds: number];
  /** What the new image does. */
  readonly image?: NonNullable<ScenarioInput['images']>[string];
  /** Config of machines that the trace creates. */
  readonly created?: object;
  /** Seconds that a machine which the trace creates is leased. */
  readonly leaseTtl?: number;
  readonly at?: ScenarioInput['at'];
  readonly switches?: ScenarioInput['switches'];
  /** A machine whose host is lost. */
  readonly lost?: string;
}

const stopped = (...names: string[]): Scene => ({ states: Object.fromEntries(names.map((name) => [name, 'stopped'])) });
const command = (code: number): Scene => ({
  created: { image: COMMAND, auto_destroy: true, restart: { policy: 'no' } },
  image: { exits: { afterMs: 5000, code } },
});

/** Traces that need more than machines that are started. */
export const SCENES: Readonly<Record<string, Scene>> = {
  'machine-update-stopped': stopped('m1'),
  'machine-start': stopped('m1'),
  'machine-start-2': stopped('m1'),
  'machine-start-suspended': { states: { m1: 'suspended' } },
  'machine-destroy': stopped('m1'),
  'leases-view': { held: ['m1', 60] },
  'leases-clear': { held: ['m1', 60] },
  'update-while-leased': { held: ['m1', 20.3] },
  'stop-while-leased': { held: ['m1', 200] },
  'deploy-lease-held': { held: ['m3', 200] },
  'secrets-deploy': stopped('m3'),
  'deploy-regions': stopped('m1'),
  'deploy-exclude-regions': stopped('m1'),
  'deploy-rolling': stopped('m2', 'm6'),
  'deploy-immediate': stopped('m1', 'm4'),
  'deploy-two-groups': stopped('m1'),
  'deploy-silent-revert': { image: { reverts: true } },
  'machine-update-silent-revert': { image: { reverts: true } },
  'deploy-failed-state': { image: { failsBoot: true } },
  'deploy-after-failed': { states: { m1: 'failed' } },
  'deploy-release-command': command(0),
  'deploy-release-command-fails': command(3),
  'deploy-check-never-passes': { image: { failsChecks: true } },
  'deploy-check-never-passes-retries': { image: { failsChecks: true } },
  // flyctl destroys its canary with the nonce of the lease that it has just released.
  'deploy-canary': { switches: { expiredNonceAccepted: true } },
  // The lease of a created machine lasts as long as flyctl waits for its checks.
  'deploy-canary-fails': { image: { failsChecks: true }, leaseTtl: 0.4 },
  'deploy-bluegreen-fails': { image: { failsChecks: true } },
  'deploy-crash-loop': { image: { exits: { afterMs: 1000, code: 1 } } },
  'deploy-crash-loop-nosmoke': { image: { exits: { afterMs: 1000, code: 1 } } },
  'deploy-autostop-race': {
    at: [{ ms: 20, do: { autostop: { index: 2 } } }],
    switches: { leaseBlocksAutostop: false },
  },
  'deploy-host-unreachable': { lost: 'm2', switches: { lostHostRefusesLeases: false } },
  'fault-ps-500': { held: ['m1', 11.3] },
};

/** flyctl's queries by the name the fixture gives them, in as few words as tell them apart. */
export const QUERIES: Readonly<Record<string, string>> = {
  'appcompact:app': 'query ($appName: String!) { appcompact:app(name: $appName) { id } }',
  app: 'query ($appName: String!) { app(name: $appName) { network } }',
  'app/image': 'query { app(name: $appName) { image(ref: $imageRef) { digest } } }',
  'app/egressIpAddresses': 'query { app(name: $appName) { egressIpAddresses { nodes { ip } } } }',
  'app/currentReleaseUnprocessed':
    'query { app(name:$appName) { currentRelease:currentReleaseUnprocessed { version } } }',
  apps: 'query { apps(type: "container") { nodes { name } } }',
  FlyctlConfigCurrentRelease: 'query { app(name: $appName) { currentReleaseUnprocessed { configDefinition } } }',
  LatestImage: 'query { app(name: $appName) { currentReleaseUnprocessed { imageRef } } }',
  'canPerformBluegreenDeployment/canPerformBluegreenDeployment':
    'query { canPerformBluegreenDeployment(name: $appName) }',
  'latestImageDetails/latestImageDetails': 'query { latestImageDetails(image: $image) { digest } }',
  validateWireGuardPeers: 'mutation { validateWireGuardPeers(input: $input) { invalidPeerIps } }',
};

/** Values of body fields; the fixture has their names only. */
export const VALUES: Readonly<Record<string, unknown>> = {
  region: 'ord',
  skip_secrets: false,
  skip_launch: true,
  skip_service_registration: true,
  lease_ttl: 300,
  values: { K: 'v' },
  id: '',
  timeout: '0s',
  signal: 'SIGTERM',
  cmd: 'true',
  value: 'safe_to_destroy',
  app_name: 'encoder',
  image: V2,
  strategy: 'ROLLING',
  status: 'running',
};
