import type { Clock } from '../clock.js';
import type { CheckStatus, ImageRef, MachineConfig, MachineEvent } from '../fly/wire.js';
import { createAgenda, type Agenda, type Entry } from './agenda.js';
import { createIds, type Ids } from './ids.js';
import { createImages, type Image, type ImageStore } from './images.js';
import { createJournal, type Happening, type JournalLog } from './journal.js';
import { createRandom, type Random, type Span } from './random.js';
import type { Bucket } from './rate-limit.js';
import type { Exit } from './exits.js';
import type { Action, Fault, Job, Scenario } from './scenario.js';
import type { Secrets } from './secrets.js';
import type { Signal } from './signals.js';

/** The states a machine shows (machines docs, machine states). */
export type MachineState =
  | 'created'
  | 'starting'
  | 'started'
  | 'stopping'
  | 'stopped'
  | 'suspending'
  | 'suspended'
  | 'restarting'
  | 'failed'
  | 'replacing'
  | 'destroying'
  | 'destroyed';

/** What can be due for one machine. */
export type What =
  | 'replaced'
  | 'pulled'
  | 'booted'
  | 'came-to-rest'
  | 'suspended'
  | 'destroyed'
  | 'gone'
  | 'exited'
  | 'stop-ends'
  | 'signal-ends'
  | 'autostart'
  | 'checks-report'
  | 'checks-pass'
  | 'checks-turn'
  | 'lease-ends'
  | 'host-lost'
  | 'host-back';

/** A machine has at most one thing due in each slot: planning another one takes the first off the agenda. */
export type Slot = 'transition' | 'gone' | 'job' | 'autostart' | 'checks' | 'lease' | 'host';

/** A lease that lives. */
export interface MachineLease {
  readonly nonce: string;
  readonly expiresAt: number;
  readonly owner: string;
  readonly description: string;
}

/** A version of a machine, as `versions` lists it. */
export interface Version {
  readonly version: string;
  readonly config: MachineConfig;
  /** Given up by a silent revert, and no longer listed (switch `versionsKeepReverted`). */
  hidden: boolean;
}

/** A stop under way: what it sent, which call asked for it, and how the process ended on it (undefined: it works on). */
export interface Stopping {
  readonly signal: Signal;
  readonly by: World['cause'];
  readonly killAt: number;
  readonly exit: Exit | undefined;
}

/** What an update replaced, kept until it is known whether the new version comes up. */
export interface Replacing {
  readonly version: string;
  readonly config: MachineConfig;
  readonly image: Image | undefined;
  readonly imageRef: ImageRef;
  readonly state: MachineState;
  readonly launch: boolean;
  /** Where the new version rests when it is not launched. */
  readonly restsAs: MachineState;
  /** Why the new version will not come up; undefined when it will. */
  readonly reverts: string | undefined;
}

/** One machine as it really is; changed by `change` only. */
export interface SimMachine {
  readonly id: string;
  readonly name: string;
  readonly app: string;
  readonly region: string;
  readonly privateIp: string;
  readonly createdAt: number;
  readonly random: Random;
  readonly job: Job | undefined;
  readonly due: Map<Slot, Entry<Due>>;
  readonly waiters: Set<() => void>;
  state: MachineState;
  version: string;
  config: MachineConfig;
  image: Image | undefined;
  imageRef: ImageRef;
  updatedAt: number;
  /** Newest first. */
  events: readonly MachineEvent[];
  versions: readonly Version[];
  lease: MachineLease | undefined;
  lastNonce: string | undefined;
  cordoned: boolean;
  host: 'ok' | 'unreachable';
  checks: readonly CheckStatus[];
  /** The process that is at work: since when, and until when it was meant to be. */
  run: { readonly startedAt: number; readonly endsAt: number } | undefined;
  restarts: number;
  stopping: Stopping | undefined;
  /** Its memory, kept by a suspend: with so much of its work left (undefined: it was not at work). */
  snapshot: { readonly left: number | undefined } | undefined;
  /** The version of the app's secrets it booted with; 0 = without. */
  secretsVersion: number;
  skipSecrets: boolean;
  memoryLimitMb: number | undefined;
  /** Reads do not find it before (timing `visibleMs`). */
  readonly visibleAt: number;
  /** When the proxy last sent it a request. */
  requestedAt: number | undefined;
  startSource: string;
  replacing: Replacing | undefined;
  /** The proxy wants to start it, and waits until it may (lease, cordon). */
  autostartHeld: boolean;
  /** When a lost host is to be back by itself. */
  hostBackAt: number | undefined;
  /** Things that came due while the host was lost. */
  frozen: readonly What[];
  /** Its JSON as last answered; undefined after a change. */
  json: string | undefined;
  /** Earlier JSONs, kept only while a fault reads them. */
  past: readonly { readonly until: number; readonly json: string }[];
}

/** What the agenda holds. */
export type Due =
  | { readonly kind: 'machine'; readonly what: What; readonly machine: SimMachine }
  | { readonly kind: 'script'; readonly action: Action; readonly since: number }
  | { readonly kind: 'autostop-pass'; readonly app: SimApp };

/** What `fly deploy` notes about itself; no machine depends on it. */
export interface Release {
  readonly id: string;
  readonly version: number;
  readonly image: string;
  readonly strategy: string;
  readonly definition: unknown;
  readonly createdAt: number;
  status: string;
}

/** An app as it really is. */
export interface SimApp {
  readonly id: string;
  readonly name: string;
  readonly org: string;
  readonly foreignOrg: boolean;
  readonly machines: SimMachine[];
  /** Those that are forgotten by now: a stale list may still show them. */
  readonly gone: SimMachine[];
  readonly secrets: Secrets;
  readonly releases: Release[];
  readonly autostopMs: Span | undefined;
  readonly random: Random;
}

/** A fault of the scenario, and how often it was met. */
export interface FaultState {
  readonly index: number;
  readonly fault: Fault;
  readonly random: Random;
  seen: number;
  hits: number;
}

/** All there is; one object, changed in place by what happens. */
export interface World {
  readonly scenario: Scenario;
  readonly clock: Clock;
  readonly startedAt: number;
  /** The time of what is happening: behind the clock while things that were due are caught up with. */
  now: number;
  readonly agenda: Agenda<Due>;
  readonly journal: JournalLog;
  readonly ids: Ids;
  readonly images: ImageStore;
  readonly apps: Map<string, SimApp>;
  readonly machines: Map<string, SimMachine>;
  readonly scripted: Entry<Due>[];
  faults: readonly FaultState[];
  faultsAdded: number;
  machinesMade: number;
  readonly buckets: Map<string, Bucket>;
  /** The call that is being served. */
  cause: { readonly n: number; readonly op: string } | undefined;
  closed: boolean;
}

/** A world without apps and machines. */
export function emptyWorld(scenario: Scenario, clock: Clock): World {
  const now = clock.now();
  return {
    scenario,
    clock,
    startedAt: now,
    now,
    agenda: createAgenda(),
    journal: createJournal(),
    ids: createIds(createRandom(scenario.seed)),
    images: createImages(),
    apps: new Map(),
    machines: new Map(),
    scripted: [],
    faults: [],
    faultsAdded: 0,
    machinesMade: 0,
    buckets: new Map(),
    cause: undefined,
    closed: false,
  };
}

/** Notes what happened to a machine. */
export function note(world: World, machine: SimMachine, kind: Happening['kind'], facts: Partial<Happening> = {}): void {
  world.journal.happening(world.now, {
    kind,
    app: machine.app,
    machine: machine.id,
    ...facts,
    ...(world.cause && { by: world.cause }),
  });
}

/** At work = a process runs that means to end by itself. */
export function isWorking(machine: SimMachine): boolean {
  return machine.run !== undefined;
}

const LASTING: readonly MachineState[] = ['created', 'started', 'stopped', 'suspended', 'failed', 'destroyed'];

/** In a state that lasts, with nothing under way (also not frozen with its host). */
export function isSettled(machine: SimMachine): boolean {
  return LASTING.includes(machine.state) && !machine.due.has('transition') && machine.frozen.length === 0;
}
