import { type Change, containersOf, envMatches, imageText, MARK_KEY, parseImage } from '../src/domain/change.js';
import { readHold } from '../src/domain/hold.js';
import type { Check, Life, MachineFacts, Special } from '../src/domain/machine.js';
import { ulidTime } from '../src/domain/ulid.js';
import { exitEventOf, type Machine, type MachineConfig, type MachineEvent } from '../src/fly/wire.js';
import { metAtWork } from './met-at-work.js';

/** A machine's process group: the new key, the old key, else `app` (fly-go @22d6e51 machine_types.go ProcessGroup). */
export const groupOf = (metadata: Readonly<Record<string, string>>): string =>
  metadata['fly_process_group'] || metadata['process_group'] || 'app';

/** Groups of machines that flyctl makes for a moment (flyctl @ad0172f internal/command/deploy). */
const SPECIAL_GROUPS: Readonly<Record<string, Special>> = {
  fly_app_release_command: 'release command',
  release_command: 'release command',
  fly_app_console: 'console',
  fly_app_test_machine_command: 'test',
};

function specialOf(config: MachineConfig, metadata: Readonly<Record<string, string>>): Special | undefined {
  const byGroup = SPECIAL_GROUPS[groupOf(metadata)] ?? SPECIAL_GROUPS[metadata['process_group'] ?? ''];
  if (byGroup !== undefined) return byGroup;
  if (metadata['fly_canary'] === 'true') return 'canary';
  if (metadata['fly_bluegreen_deployment_tag'] === 'safe_to_destroy') return 'blue-green left-over';
  return config.auto_destroy ? 'auto_destroy' : undefined;
}

/** A version is born with it. */
export const isBirth = ({ type }: MachineEvent): boolean => type === 'update' || type === 'launch';

/** Fly's time of the newest birth of a version, whichever it was. */
export const bornAtOf = (events: readonly MachineEvent[]): number | undefined => events.find(isBirth)?.timestamp;

/** The events since the newest update or launch, newest first: those of the current version. */
function eventsOfVersion(events: readonly MachineEvent[]): readonly MachineEvent[] {
  const birth = events.findIndex(isBirth);
  return birth < 0 ? events : events.slice(0, birth);
}

function exitOf(event: MachineEvent): NonNullable<Life['exit']> | undefined {
  const exit = exitEventOf(event);
  if (exit === undefined) return undefined;
  const restarts = event.request?.restart_count ?? 0;
  return {
    at: event.timestamp,
    code: exit.exit_code ?? 0,
    requested: exit.requested_stop === true,
    oom: exit.oom_killed === true,
    looping: exit.restarting === true && restarts > 1,
  };
}

function lifeOf(events: readonly MachineEvent[]): Life {
  const own = eventsOfVersion(events);
  const start = own.find((event) => event.type === 'start');
  const exit = own
    .map((event) => (event.type === 'exit' ? exitOf(event) : undefined))
    .find((found) => found !== undefined);
  return {
    ...(start === undefined ? {} : { startedAt: start.timestamp }),
    ...(exit === undefined ? {} : { exit }),
    ...(events.some(({ type }) => type === 'update') ? { updated: true } : {}),
  };
}

/** Checks that the config asks for, on the machine and on its services. */
const configuredChecks = (config: MachineConfig): number =>
  Object.keys(config.checks ?? {}).length +
  (config.services ?? []).reduce((sum, service) => sum + (service.checks?.length ?? 0), 0);

/** `bg_deployments_compat…` entries are made up for old clients; fly-go drops them too. */
const checksOf = (machine: Machine): Check[] =>
  (machine.checks ?? [])
    .filter((check) => !check.name.startsWith('bg_deployments_compat'))
    .map((check) => ({ name: check.name, status: check.status, since: Date.parse(check.updated_at ?? '') || 0 }));

function onlyIdleOf(config: MachineConfig): MachineFacts['onlyIdle'] {
  if (config.schedule) return 'scheduled';
  return (config.standbys?.length ?? 0) > 0 ? 'standby' : undefined;
}

/** Special and only-idle, where they apply. */
function kindOf(
  config: MachineConfig,
  metadata: Readonly<Record<string, string>>,
): Pick<MachineFacts, 'special' | 'onlyIdle'> {
  const special = specialOf(config, metadata);
  const onlyIdle = onlyIdleOf(config);
  return { ...(special === undefined ? {} : { special }), ...(onlyIdle === undefined ? {} : { onlyIdle }) };
}

/** What it runs: of its own image, or of the containers that the change names. */
function imageOf(
  { config, image_ref }: Machine,
  change: Change,
): Pick<MachineFacts, 'digest' | 'repository' | 'containers'> {
  const has = Array.isArray(config?.containers) && config.containers.length > 0;
  const named = config && has && change.containers !== undefined ? containersOf(config, change) : undefined;
  if (named !== undefined) return { ...named, containers: 'named' };
  return {
    digest: image_ref?.digest || undefined,
    ...(config?.image ? { repository: parseImage(config.image).repository } : {}),
    containers: has ? 'others' : 'none',
  };
}

const DIGEST_SHOWN = 19;

/** For people, who tell digests apart by their first digits. */
function imageName({ config, incomplete_config, image_ref }: Machine): string {
  const named = config?.image ?? incomplete_config?.image;
  if (!named) return config ? 'no image shown' : 'hidden by a host that is not ok';
  const digest = image_ref?.digest;
  return imageText(parseImage(named.split('@')[0] ?? named), digest ? digest.slice(0, DIGEST_SHOWN) : undefined);
}

/**
 * Fly's time of the newest start. Where no event that is kept tells of one it is older than all of them: then the
 * oldest one's time is the latest it can have been.
 */
const lastStartOf = (events: readonly MachineEvent[]): number | undefined =>
  (events.find((event) => event.type === 'start') ?? events.at(-1))?.timestamp;

/** Of older events, what tells whether a start was one from stopped: those of a version or a policy are not. */
const TELLING = ['exit', 'stop', 'restart', 'suspend', 'update', 'launch'];

/** It ended, and nothing but its proxy or a person started it again. */
function isFromStopped(older: readonly MachineEvent[]): boolean {
  const before = older.find(({ type }) => TELLING.includes(type));
  if (before === undefined || !['exit', 'stop'].includes(before.type)) return false;
  // A stop that ends a restart or a suspend stands between: who asked is older still.
  const cause = older.find(({ type }) => ['restart', 'suspend', 'start', 'update', 'launch'].includes(type));
  return exitEventOf(before)?.restarting !== true && cause?.type !== 'restart' && cause?.type !== 'suspend';
}

/**
 * Fly's time of what last had it read its secrets: the birth of its version (a ULID), or a start from stopped since
 * (docs, apps/secrets). Whether a restart, or one by the policy, reads them is not documented: it counts for nothing.
 */
function bootedAtOf({ instance_id: version, events }: Machine): number | undefined {
  const bornAt = ulidTime(version);
  const own = events ?? [];
  const start = own.find(({ type }, index) => type === 'start' && isFromStopped(own.slice(index + 1)));
  const at = Math.max(Number.isNaN(bornAt) ? 0 : bornAt, start?.timestamp ?? 0);
  return at === 0 ? undefined : at;
}

const holdOf = (id: string, metadata: Readonly<Record<string, string>>): Pick<MachineFacts, 'hold'> => {
  const hold = readHold(id, metadata);
  return hold === undefined ? {} : { hold };
};

/** What the table may know of a machine. Its config stays here: env and commands never leave an activity. */
export function factsOf(machine: Machine, change: Change): MachineFacts {
  const readable = machine.config !== null && machine.config !== undefined;
  const config = machine.config ?? machine.incomplete_config ?? {};
  const metadata = config.metadata ?? {};
  const events = machine.events ?? [];
  return {
    id: machine.id,
    region: machine.region,
    group: groupOf(metadata),
    metadata,
    readable,
    labelled: readable || Boolean(config.metadata),
    state: machine.state,
    version: machine.instance_id,
    ...imageOf(machine, change),
    image: imageName(machine),
    managed: metadata['fly_platform_version'] === 'v2',
    ...kindOf(config, metadata),
    hostOk: readable && (machine.host_status ?? 'ok') === 'ok',
    mark: metadata[MARK_KEY],
    standbyFor: config.standbys ?? [],
    bornAt: bornAtOf(events),
    cut: metAtWork(events) === 'stopped by us',
    ...holdOf(machine.id, metadata),
    cordoned: machine.cordoned === true,
    lastStartAt: lastStartOf(events),
    bootedAt: bootedAtOf(machine),
    envMatches: envMatches(config, change),
    checksConfigured: configuredChecks(config),
    checks: checksOf(machine),
    life: lifeOf(events),
  };
}
