import { z } from 'zod';

/**
 * The shapes of the Fly Machines API that Layover reads and writes, shared by the client and the simulator.
 * Sources: superfly/fly-go @22d6e51 machine_types.go, the OpenAPI text of 2026-05, and answers quoted in public
 * issues; where they disagree the observed answer wins. Fields we do not name are carried through untouched.
 */

/** A machine's config. Only the fields Layover looks at are named; everything else is kept as it came. */
export const MachineConfig = z.looseObject({
  image: z.string().optional(),
  env: z.record(z.string(), z.string()).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  auto_destroy: z.boolean().nullish(),
  schedule: z.string().nullish(),
  standbys: z.array(z.string()).nullish(),
  containers: z.array(z.looseObject({ name: z.string().optional(), image: z.string().optional() })).nullish(),
  checks: z.record(z.string(), z.looseObject({ interval: z.unknown().optional() })).nullish(),
  services: z
    .array(z.looseObject({ checks: z.array(z.looseObject({ interval: z.unknown().optional() })).nullish() }))
    .nullish(),
  stop_config: z.looseObject({ signal: z.string().nullish(), timeout: z.unknown().optional() }).nullish(),
  restart: z.looseObject({ policy: z.string().nullish(), max_retries: z.number().nullish() }).nullish(),
});
export type MachineConfig = z.infer<typeof MachineConfig>;

export const ImageRef = z.looseObject({
  registry: z.string().nullish(),
  repository: z.string().nullish(),
  tag: z.string().nullish(),
  digest: z.string().nullish(),
});
export type ImageRef = z.infer<typeof ImageRef>;

export const ExitEvent = z.looseObject({
  exit_code: z.number().nullish(),
  guest_exit_code: z.number().nullish(),
  guest_signal: z.number().nullish(),
  oom_killed: z.boolean().nullish(),
  requested_stop: z.boolean().nullish(),
  restarting: z.boolean().nullish(),
  signal: z.number().nullish(),
  exited_at: z.unknown().optional(),
});

/** One event of a machine; lists come newest first, `timestamp` in milliseconds (fly-go machine_types.go). */
export const MachineEvent = z.looseObject({
  id: z.string().nullish(),
  type: z.string(),
  status: z.string().nullish(),
  source: z.string().nullish(),
  timestamp: z.number(),
  request: z
    .looseObject({
      exit_event: ExitEvent.nullish(),
      restart_count: z.number().nullish(),
      MonitorEvent: z.looseObject({ exit_event: ExitEvent.nullish() }).nullish(),
    })
    .nullish(),
});
export type MachineEvent = z.infer<typeof MachineEvent>;

/** What an event says of an exit, in whichever of its two places Fly put it. */
export const exitEventOf = ({ request }: MachineEvent): z.infer<typeof ExitEvent> | undefined =>
  request?.exit_event ?? request?.MonitorEvent?.exit_event ?? undefined;

export const CheckStatus = z.looseObject({
  name: z.string(),
  status: z.string(),
  output: z.string().nullish(),
  updated_at: z.string().nullish(),
});
export type CheckStatus = z.infer<typeof CheckStatus>;

/**
 * A machine. `instance_id` is the version (a 26-character ULID); `config` is absent and `incomplete_config` present
 * while its host is not `ok` (fly-go machine_types.go).
 */
export const Machine = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  state: z.string(),
  region: z.string(),
  instance_id: z.string(),
  image_ref: ImageRef.nullish(),
  config: MachineConfig.nullish(),
  incomplete_config: MachineConfig.nullish(),
  events: z.array(MachineEvent).nullish(),
  checks: z.array(CheckStatus).nullish(),
  host_status: z.string().nullish(),
  cordoned: z.boolean().nullish(),
  created_at: z.string().nullish(),
  updated_at: z.string().nullish(),
  nonce: z.string().nullish(),
});
export type Machine = z.infer<typeof Machine>;

/** The list is a bare array: no cursor, no envelope. */
export const MachineList = z.array(Machine);

/** Body of create and update: the whole config each time, never a merge. */
export const LaunchBody = z.looseObject({
  config: MachineConfig,
  name: z.string().optional(),
  region: z.string().optional(),
  current_version: z.string().optional(),
  skip_launch: z.boolean().optional(),
  skip_service_registration: z.boolean().optional(),
  skip_secrets: z.boolean().optional(),
  min_secrets_version: z.number().optional(),
  lease_ttl: z.number().optional(),
});
export type LaunchBody = z.infer<typeof LaunchBody>;

/** Times are RFC 3339. */
export const SecretList = z.looseObject({
  secrets: z
    .array(z.looseObject({ name: z.string(), created_at: z.string().nullish(), updated_at: z.string().nullish() }))
    .nullish(),
});
export type SecretList = z.infer<typeof SecretList>;

/** `expires_at` is in unix seconds; `version` is the machine's instance id as its host knows it. */
export const Lease = z.looseObject({
  nonce: z.string(),
  expires_at: z.number(),
  owner: z.string().nullish(),
  description: z.string().nullish(),
  version: z.string().nullish(),
});
export type Lease = z.infer<typeof Lease>;

/** Leases come in an envelope, whatever the OpenAPI text says (flyctl internal/machine/leasable_machine.go @ad0172f). */
export const LeaseEnvelope = z.looseObject({ status: z.literal('success'), data: Lease });

/** Answer of wait; older hosts send only `ok`. */
export const WaitAnswer = z.looseObject({
  ok: z.boolean().nullish(),
  state: z.string().nullish(),
  version: z.string().nullish(),
});

export const MachineVersion = z.looseObject({ version: z.string(), user_config: MachineConfig.nullish() });
export type MachineVersion = z.infer<typeof MachineVersion>;
export const MachineVersions = z.array(MachineVersion);

export const App = z.looseObject({
  id: z.string().nullish(),
  name: z.string(),
  status: z.string().nullish(),
  machine_count: z.number().nullish(),
  organization: z.looseObject({ slug: z.string().nullish() }).nullish(),
});
export type App = z.infer<typeof App>;

/** The two manifest forms of the OCI distribution spec: an index of platforms, or one image. */
export const ManifestIndex = z.looseObject({
  manifests: z.array(
    z.looseObject({
      digest: z.string(),
      platform: z.looseObject({ os: z.string().nullish(), architecture: z.string().nullish() }).nullish(),
    }),
  ),
});
