import type { Change, RolloutName } from './change.js';
import { hashOfMark, hasImage, wasAtWork } from './change.js';
import type { Hold } from './hold.js';
import type { Amount, GroupRules, Healthy } from '../input/types.js';
import type { Selectable, Selection } from './selection.js';

/** Machines that Fly made for a moment, or that belong to somebody else's procedure: never touched. */
export type Special = 'release command' | 'console' | 'test' | 'auto_destroy' | 'canary' | 'blue-green left-over';

/** What the newest events say of the life of the current version, oldest facts left out. */
export interface Life {
  /** Fly's time of the newest start of this version, ms. */
  readonly startedAt?: number;
  readonly exit?: {
    readonly at: number;
    readonly code: number;
    readonly requested: boolean;
    readonly oom: boolean;
    /** Restarted by the policy more than once already. */
    readonly looping: boolean;
  };
  /** Its events tell of an update; left out for one that was only ever made, whose record may be another's. */
  readonly updated?: true;
}

export interface Check {
  readonly name: string;
  readonly status: string;
  /** Fly's time of the last change of status, ms. */
  readonly since: number;
}

/** A machine as the table sees it; made from the API's answer and the change by the activities. */
export interface MachineFacts extends Selectable {
  readonly state: string;
  readonly version: string;
  readonly digest: string | undefined;
  /** What it runs as people read it: `registry/repository:tag@sha256:…`, its digest cut short. */
  readonly image: string;
  /** Of the image its config names, or of the containers that the change names; undefined where no config can be read. */
  readonly repository?: string;
  readonly managed: boolean;
  readonly special?: Special;
  /** Scheduled and standby machines are updated only while idle, and never started. */
  readonly onlyIdle?: 'scheduled' | 'standby';
  /** The machines that it takes the place of when their host fails. */
  readonly standbyFor: readonly string[];
  /** `named`: it has every container that the change names. */
  readonly containers: 'none' | 'named' | 'others';
  readonly hostOk: boolean;
  readonly mark: string | undefined;
  /** Fly's time of the newest event that a version was born with, ms; undefined where no such event is kept. */
  readonly bornAt: number | undefined;
  /** Its newest update met it at work, and nothing has started it since. */
  readonly cut: boolean;
  /** Noted by us before a cordon or stop, and not taken away since. */
  readonly hold?: Hold;
  /** Out of the proxy's routing. */
  readonly cordoned: boolean;
  /**
   * Fly's time of its newest start, whatever the version, ms; of the oldest event kept where none is a start, which
   * is then older still. Undefined where no event is kept.
   */
  readonly lastStartAt: number | undefined;
  /**
   * Fly's time, ms, of what last had it read its secrets: the birth of its version, or a start from stopped since;
   * undefined where its version tells no time.
   */
  readonly bootedAt: number | undefined;
  /** Applying the change to its env changes nothing. */
  readonly envMatches: boolean;
  readonly checksConfigured: number;
  readonly checks: readonly Check[];
  readonly life: Life;
}

/** A change that is taken back. */
export interface Back {
  /** Of the change whose marks are taken back, whatever start of it wrote them. */
  readonly hash: string;
  /** Also where working machines were only ever updated while idle. */
  readonly force: boolean;
  /** Machines that were changed by hand since: found by an order, and never written. */
  readonly changed: readonly string[];
}

/** What the table needs to know of the rollout; carried by every look and every order. */
export interface RolloutContext {
  readonly app: string;
  readonly rollout: RolloutName;
  readonly change: Change;
  /** The digest every machine is to run; undefined while the registry is silent and none was updated yet, or when the change has no image. */
  readonly pin?: string;
  /** Digests that were in the fleet when planned; `''` stands for a machine that showed none. */
  readonly origins: readonly string[];
  /** Machines that an update of an earlier start of this change met at work, and left stopped, when planned. */
  readonly cut: readonly string[];
  /** Machines whose host hid them when planned: whatever they run when they come back was there before. */
  readonly unread: readonly string[];
  readonly selection: Selection;
  readonly unmanaged: 'leave' | 'include';
  readonly suspended: 'leave' | 'update';
  /** Its restart is for the secrets of the app: in the end they are read again. */
  readonly forSecrets?: true;
  /** Every write tells Fly to boot with secrets of this version, or newer ones. */
  readonly minSecretsVersion?: number;
  readonly allowOtherRepository: boolean;
  readonly healthy: { readonly forMs: number; readonly withinMs: number };
  /** Of the machines meant to be up, per region and process group: so many may be away. */
  readonly maxUnavailable: Amount;
  /** Groups with numbers of their own. */
  readonly groups?: Readonly<Record<string, GroupRules>>;
  /** Working machines are updated where they are, and end started; left out, they are waited for. */
  readonly inPlace?: true;
  /** On the way back: machines return to what they ran before. */
  readonly back?: Back;
  /**
   * Working machines that last started before this (Fly's time, ms) have had their time. Never part of a plan: each
   * look and each order works it out anew; left out, nobody is stopped.
   */
  readonly forceBefore?: number;
  /** Fly's time, ms. Never part of a plan either. */
  readonly flyNow?: number;
}

/**
 * What a machine is for us. `ready` is written, `due` too while it works, `overdue` is stopped first; `cut` is started again; `held` is put
 * right; `straggler`, `busy` and `unreachable` are waited for; `foreign` is counted and left; the rest is outside the
 * selection.
 */
export type Standing =
  | 'gone'
  | 'excluded'
  | 'special'
  | 'unmanaged'
  | 'containers'
  | 'suspended'
  | 'untouched'
  | 'held'
  | 'cut'
  | 'atTarget'
  | 'unreachable'
  | 'foreign'
  | 'ready'
  | 'due'
  | 'overdue'
  | 'straggler'
  | 'busy';

/** A machine with what it is for us, and why. */
export interface Judged {
  readonly machine: MachineFacts;
  readonly standing: Standing;
  readonly because: string;
}

/** The numbers of a machine's group. */
export const rulesOf = (
  { groups }: Pick<RolloutContext, 'groups'>,
  { group }: { readonly group: string },
): GroupRules => (groups !== undefined && Object.hasOwn(groups, group) ? (groups[group] ?? {}) : {});

/** Its capacity is counted over the whole group: it is none until it has been healthy for its time. */
export const countsAcross = ({ maxUnavailable, whole }: GroupRules): boolean =>
  maxUnavailable !== undefined || whole !== undefined;

/** When a machine of a group counts as healthy. */
export const healthyOf = (
  context: Pick<RolloutContext, 'groups' | 'healthy'>,
  machine: { readonly group: string },
): Healthy => rulesOf(context, machine).healthy ?? context.healthy;

/** Whether working machines of a group are updated where they are. */
export const isInPlace = (
  context: Pick<RolloutContext, 'groups' | 'inPlace'>,
  machine: { readonly group: string },
): boolean => context.inPlace === true && rulesOf(context, machine).idleOnly !== true;

/** An update is under way; its config shows what it will run, which it may yet fall back from. */
export const REPLACING: readonly string[] = ['replacing', 'updating', 'creating'];
export const IDLE: readonly string[] = ['stopped', 'created', 'failed'];
/** At work, or about to be. */
export const RUNS: readonly string[] = ['started', 'starting'];
/** It is there no more, or not for long. */
export const GONE: readonly string[] = ['destroyed', 'destroying', 'replaced', 'migrated', 'launch_failed'];

/**
 * The pinned digest and the change's env, and nothing else: a tag's text proves nothing. On the way back it is the
 * mark of what brought it back, which a version that Fly took back lost with everything else.
 */
export function isAtTarget(
  machine: MachineFacts,
  context: Pick<RolloutContext, 'change' | 'pin' | 'back' | 'rollout'>,
): boolean {
  if (context.back !== undefined) return hashOfMark(machine.mark) === context.rollout.hash;
  return isChanged(machine, context);
}

/**
 * It has started since the change asks for it. Who is idle reads new secrets at its next start, so no write is needed;
 * a suspended one goes on with the old ones. The mark of a change was written after the time that it asks for.
 */
function isRestarted(machine: MachineFacts, context: Pick<RolloutContext, 'change' | 'rollout' | 'back'>): boolean {
  const { startedSince } = context.change;
  const { state, bootedAt } = machine;
  if (startedSince === undefined || IDLE.includes(state) || isOfOurs(machine, context)) return true;
  return bootedAt !== undefined && bootedAt >= startedSince;
}

/** It is as the change wants it. */
export function isChanged(
  machine: MachineFacts,
  context: Pick<RolloutContext, 'change' | 'pin' | 'rollout' | 'back'>,
): boolean {
  if (!machine.envMatches || !isRestarted(machine, context)) return false;
  if (!hasImage(context.change)) return true;
  return context.pin !== undefined && machine.digest === context.pin;
}

/** It carries the mark of this change, or of the one that is taken back. */
export function isOfOurs({ mark }: MachineFacts, { rollout, back }: Pick<RolloutContext, 'rollout' | 'back'>): boolean {
  const hash = hashOfMark(mark);
  return hash !== undefined && (hash === rollout.hash || hash === back?.hash);
}

/** So long at the most a version that is to be started is there before it is: an update makes it first. */
const CREATED_MS = 60_000;

/** It was made a moment ago, and whoever made it may be about to start it; not where we updated it while idle. */
export function isLaunching(machine: MachineFacts, context: RolloutContext): boolean {
  const { state, bornAt, life, metadata } = machine;
  const { flyNow } = context;
  if (flyNow === undefined || state !== 'created' || life.startedAt !== undefined || bornAt === undefined) return false;
  return flyNow - bornAt < CREATED_MS && (!isOfOurs(machine, context) || wasAtWork(metadata));
}

/** By its record it was at work before its update, and nothing has started it since: it had crashed by then. */
export const isUnstarted = ({ state, metadata, bornAt, life }: MachineFacts): boolean =>
  IDLE.includes(state) &&
  wasAtWork(metadata) &&
  bornAt !== undefined &&
  life.updated === true &&
  life.startedAt === undefined &&
  life.exit === undefined;

/** Idle: updating it cuts nobody's work. */
export function isIdle(machine: MachineFacts, context: RolloutContext): boolean {
  return IDLE.includes(machine.state) || (machine.state === 'suspended' && context.suspended === 'update');
}
