import type { CheckStatus, Machine, MachineConfig, MachineEvent } from '../fly/wire.js';
import type { SimMachine, World } from './world.js';

const EVENTS_KEPT = 50;
const EVENTS_SHOWN = 20;

type Changes = Partial<
  Pick<
    SimMachine,
    | 'state'
    | 'version'
    | 'config'
    | 'image'
    | 'imageRef'
    | 'events'
    | 'versions'
    | 'cordoned'
    | 'host'
    | 'checks'
    | 'updatedAt'
  >
>;

/** Changes what answers show of a machine: forgets its JSON and wakes the calls that wait for it. */
export function change(world: World, machine: SimMachine, changes: Changes): void {
  keepPast(world, machine);
  Object.assign(machine, changes);
  if (changes.state !== undefined || changes.version !== undefined) machine.updatedAt = world.now;
  machine.json = undefined;
  wake(machine);
}

/** Lets the calls that wait for this machine look again. */
export function wake(machine: SimMachine): void {
  for (const waiter of machine.waiters) waiter();
}

/** The machine's events with a new one on top. */
export function withEvent(
  world: World,
  machine: SimMachine,
  event: { type: string; status: string; source: string; request?: MachineEvent['request'] },
): readonly MachineEvent[] {
  return [{ id: world.ids.ulid(world.now), ...event, timestamp: world.now }, ...machine.events].slice(0, EVENTS_KEPT);
}

/** `fly_process_group`, else the old key, else empty (fly-go@22d6e51 machine_types.go:ProcessGroup). */
export function groupOf(config: MachineConfig): string {
  return config.metadata?.['fly_process_group'] ?? config.metadata?.['process_group'] ?? '';
}

/** The machine as the API shows it. */
export function render(machine: SimMachine): Machine & { events: MachineEvent[]; checks: CheckStatus[] } {
  const common = {
    id: machine.id,
    name: machine.name,
    state: machine.state,
    region: machine.region,
    image_ref: machine.host === 'ok' ? machine.imageRef : {},
    instance_id: machine.version,
    version: machine.version,
    private_ip: machine.privateIp,
    created_at: iso(machine.createdAt),
    updated_at: iso(machine.updatedAt),
    events: machine.events.slice(0, EVENTS_SHOWN),
    checks: [...machine.checks],
    host_status: machine.host,
    cordoned: machine.cordoned,
  };
  if (machine.host === 'ok') return { ...common, config: machine.config };
  // Without its host only a replicated part of the config is known (fly-go@22d6e51 machine_types.go:GetConfig).
  const { metadata, guest } = machine.config;
  return { ...common, incomplete_config: { metadata: metadata ?? {}, guest } };
}

/** The machine's JSON, made once per change: lists of large fleets are read far more often than they change. */
export function toJson(machine: SimMachine): string {
  machine.json ??= JSON.stringify(render(machine));
  return machine.json;
}

/** The machine's JSON as it was at `time`, as far as it was kept. */
export function jsonAt(machine: SimMachine, time: number): string {
  return machine.past.find((past) => past.until > time)?.json ?? toJson(machine);
}

function keepPast(world: World, machine: SimMachine): void {
  const window = Math.max(0, ...world.faults.map(({ fault }) => fault.effect.staleReadMs ?? 0));
  if (window === 0) return;
  const kept = machine.past.filter((past) => past.until > world.now - window);
  machine.past = [...kept, { until: world.now, json: toJson(machine) }];
}

/** A time as Fly writes it. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
