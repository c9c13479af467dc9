import type { MachineConfig } from '../fly/wire.js';
import { planTurn, results } from './checks.js';
import { imageRefOf, specOn } from './images.js';
import { beginJob } from './jobs.js';
import { groupOf } from './machine.js';
import { draw, forkRandom, type Random, type Span } from './random.js';
import type { Job, MachineBlock } from './scenario.js';
import { plan, planPass } from './planning.js';
import { createSecrets } from './secrets.js';
import { awaitTraffic } from './traffic.js';
import { note, type MachineState, type SimApp, type SimMachine, type World } from './world.js';

/** Adds an app without machines. */
export function addApp(world: World, { name, org, foreignOrg = false, secrets = {}, autostopMs }: NewApp): SimApp {
  const app: SimApp = {
    name,
    org,
    foreignOrg,
    id: `app-${world.ids.nonce()}`,
    machines: [],
    gone: [],
    secrets: createSecrets(secrets, world.now),
    releases: [],
    autostopMs,
    // A stream far from those of the machines and the faults.
    random: forkRandom(world.scenario.seed, 2_000_000 + world.apps.size),
  };
  world.apps.set(name, app);
  planPass(world, app);
  return app;
}

interface NewApp {
  readonly name: string;
  readonly org: string;
  readonly foreignOrg?: boolean;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly autostopMs?: Span | undefined;
}

interface Birth {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly region: string;
  readonly config: MachineConfig;
  readonly state: MachineState;
  readonly job?: Job | undefined;
  readonly cordoned?: boolean | undefined;
  /** Created through the API: reads may not find it for a moment. */
  readonly byCall?: boolean;
}

/** Makes one machine; what it does next is the caller's to plan. */
export function addMachine(world: World, app: SimApp, birth: Birth): SimMachine {
  const index = world.machinesMade;
  world.machinesMade += 1;
  const ref = birth.config.image ?? '';
  const image = world.images.resolve(ref);
  const version = world.ids.ulid(world.now);
  const random = forkRandom(world.scenario.seed, index);
  const machine: SimMachine = {
    id: birth.id ?? world.ids.machineId(),
    name: birth.name ?? world.ids.machineName(),
    app: app.name,
    region: birth.region,
    privateIp: `fdaa:0:1:a7b:${(index + 1).toString(16)}:1:2:2`,
    createdAt: world.now,
    random,
    job: birth.job,
    due: new Map(),
    waiters: new Set(),
    state: birth.state,
    version,
    config: birth.config,
    image,
    imageRef: imageRefOf(ref, image),
    updatedAt: world.now,
    events: [
      { id: world.ids.ulid(world.now), type: 'launch', status: 'created', source: 'user', timestamp: world.now },
    ],
    versions: [{ version, config: birth.config, hidden: false }],
    lease: undefined,
    lastNonce: undefined,
    cordoned: birth.cordoned ?? false,
    host: 'ok',
    checks: [],
    run: undefined,
    restarts: 0,
    stopping: undefined,
    snapshot: birth.state === 'suspended' ? { left: undefined } : undefined,
    secretsVersion: app.secrets.version,
    skipSecrets: false,
    memoryLimitMb: undefined,
    visibleAt: birth.byCall === true ? world.now + drawUnlessZero(random, world.scenario.timing.visibleMs) : world.now,
    requestedAt: undefined,
    startSource: 'user',
    replacing: undefined,
    autostartHeld: false,
    hostBackAt: undefined,
    frozen: [],
    json: undefined,
    past: [],
  };
  app.machines.push(machine);
  world.machines.set(machine.id, machine);
  const group = groupOf(birth.config);
  note(world, machine, 'created', { region: birth.region, group, state: birth.state, version, image: ref });
  return machine;
}

function drawUnlessZero(random: Random, span: Span): number {
  return span[1] === 0 ? 0 : draw(random, span);
}

/** Makes the machines of a block as if they had been there for a while: in the middle of their work, or idle. */
export function addBlock(world: World, app: SimApp, block: MachineBlock): SimMachine[] {
  if (world.images.resolve(block.image) === undefined) world.images.add(block.image);
  const count = block.count ?? block.ids?.length ?? 1;
  return Array.from({ length: count }, (_, index) => {
    const machine = addMachine(world, app, {
      id: block.ids?.[index],
      region: block.region,
      config: configOf(block),
      state: block.state ?? (block.running === false ? 'stopped' : 'started'),
      job: block.job,
      cordoned: block.cordoned,
    });
    settleIn(world, machine);
    if (block.host !== undefined) planHost(world, machine, block.host);
    return machine;
  });
}

function configOf(block: MachineBlock): MachineConfig {
  return {
    image: block.image,
    env: block.env ?? {},
    init: {},
    guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 256 },
    ...block.config,
    metadata: {
      ...(block.managed && { fly_platform_version: 'v2', fly_process_group: block.group ?? 'app' }),
      ...(!block.managed && block.group !== undefined && { fly_process_group: block.group }),
      ...block.metadata,
    },
  };
}

function settleIn(world: World, machine: SimMachine): void {
  if (machine.state === 'stopped') return awaitTraffic(world, machine, machine.random.next());
  if (machine.state !== 'started') return;
  const event = { type: 'start', status: 'started', source: 'flyd', timestamp: world.now };
  machine.events = [{ id: world.ids.ulid(world.now), ...event }, ...machine.events];
  const status = specOn(machine.image, machine)?.failsChecks === true ? 'critical' : 'passing';
  machine.checks = results(machine.config, status, world.now);
  if (status === 'passing') planTurn(world, machine);
  beginJob(world, machine, 1 - machine.random.next());
}

function planHost(world: World, machine: SimMachine, host: NonNullable<MachineBlock['host']>): void {
  machine.hostBackAt = host.backAtMs === undefined ? undefined : world.startedAt + host.backAtMs;
  plan(world, machine, 'host-lost', world.startedAt + host.lostAtMs);
}
