import type { Change, RolloutName } from './change.js';
import { hasImage, isMarkOf, repositoryOf } from './change.js';
import type { Hold } from './hold.js';
import type { Amount } from '../input/types.js';
import { isSelected, type Selectable, type Selection } from './selection.js';

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
  /** Applying the change to its env changes nothing. */
  readonly envMatches: boolean;
  readonly checksConfigured: number;
  readonly checks: readonly Check[];
  readonly life: Life;
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
  readonly allowOtherRepository: boolean;
  readonly healthy: { readonly forMs: number; readonly withinMs: number };
  /** Of the machines meant to be up, per region and process group: so many may be away. */
  readonly maxUnavailable: Amount;
  /**
   * Working machines that last started before this (Fly's time, ms) have had their time. Never part of a plan: each
   * look and each order works it out anew; left out, nobody is stopped.
   */
  readonly forceBefore?: number;
}

/**
 * What a machine is for us. `ready` is written, `overdue` is stopped first; `cut` is started again; `held` is put
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
  | 'held'
  | 'cut'
  | 'atTarget'
  | 'unreachable'
  | 'foreign'
  | 'ready'
  | 'overdue'
  | 'straggler'
  | 'busy';

/** A machine with what it is for us, and why. */
export interface Judged {
  readonly machine: MachineFacts;
  readonly standing: Standing;
  readonly because: string;
}

interface Row {
  readonly standing: Standing;
  readonly when: (machine: MachineFacts, context: RolloutContext) => boolean;
  readonly because: string;
}

const GONE = ['destroyed', 'destroying', 'replaced', 'migrated', 'launch_failed'];
/** An update is under way; its config shows what it will run, which it may yet fall back from. */
export const REPLACING: readonly string[] = ['replacing', 'updating', 'creating'];
const IDLE = ['stopped', 'created', 'failed'];

/** The pinned digest and the change's env, and nothing else: a tag's text proves nothing. */
export function isAtTarget(machine: MachineFacts, context: Pick<RolloutContext, 'change' | 'pin'>): boolean {
  if (!machine.envMatches) return false;
  if (!hasImage(context.change)) return true;
  return context.pin !== undefined && machine.digest === context.pin;
}

/** Idle: updating it cuts nobody's work. */
export function isIdle(machine: MachineFacts, context: RolloutContext): boolean {
  return IDLE.includes(machine.state) || (machine.state === 'suspended' && context.suspended === 'update');
}

/** Whether its newest start is so old that it may be stopped; one that shows no event at all is as old as can be. */
const hadItsTime = ({ lastStartAt = 0 }: MachineFacts, { forceBefore }: RolloutContext): boolean =>
  forceBefore !== undefined && lastStartAt <= forceBefore;

/**
 * The table, first match wins. Order matters: what is outside the selection comes before what it would need, an
 * unreadable host before any judgement of its config, a hold before whatever else it may be, the target before its provenance (a machine somebody else
 * brought there is at target too), and provenance before idleness, so that a foreign machine is never written.
 */
export const TABLE: readonly Row[] = [
  { standing: 'gone', when: (m) => GONE.includes(m.state), because: 'it was destroyed' },
  { standing: 'excluded', when: (m, c) => !isSelected(c.selection, m), because: 'only/except leave it out' },
  { standing: 'special', when: (m) => m.special !== undefined, because: 'Fly or flyctl made it for a moment' },
  {
    standing: 'unmanaged',
    when: (m, c) => !m.managed && m.readable && c.unmanaged === 'leave',
    because: 'it was made by the API without fly_platform_version=v2, and "unmanaged" says leave',
  },
  { standing: 'unreachable', when: (m) => !m.hostOk, because: 'its host is not ok, so its config cannot be read' },
  {
    standing: 'containers',
    when: (m, c) => m.containers !== (c.change.containers === undefined ? 'none' : 'named'),
    because: 'the change is not for its containers: "image" names each, like {"api": "registry.fly.io/api:v2"}',
  },
  { standing: 'busy', when: (m) => REPLACING.includes(m.state), because: 'an update of it is under way' },
  {
    standing: 'held',
    when: (m) => m.hold !== undefined,
    because: 'Layover cordoned or stopped it and could not put that back yet: it is put right',
  },
  {
    standing: 'cut',
    when: (m, c) => c.cut.includes(m.id) && m.cut && IDLE.includes(m.state) && isAtTarget(m, c),
    because: 'an earlier start of this change met it at work and stopped it: it is started again',
  },
  { standing: 'atTarget', when: isAtTarget, because: 'its digest and env are those of the change' },
  {
    standing: 'suspended',
    when: (m, c) => (m.state === 'suspended' || m.state === 'suspending') && c.suspended === 'leave',
    because: 'an update would lose its memory, and "suspended" says leave',
  },
  {
    standing: 'foreign',
    when: (m, c) => isMarkOf(m.mark, c.rollout),
    because: 'it carries the mark of this rollout and was changed since',
  },
  {
    standing: 'foreign',
    when: (m, c) =>
      !c.allowOtherRepository &&
      m.repository !== undefined &&
      hasImage(c.change) &&
      m.repository !== repositoryOf(c.change),
    because: 'it runs an image of another repository',
  },
  {
    standing: 'foreign',
    when: (m, c) => !c.origins.includes(m.digest ?? '') && !c.unread.includes(m.id),
    because: 'it runs an image that was not in the fleet when this rollout was planned',
  },
  { standing: 'ready', when: isIdle, because: 'it is idle and off target' },
  {
    standing: 'overdue',
    when: (m, c) => m.state === 'started' && m.onlyIdle === undefined && hadItsTime(m, c),
    because: 'it has worked past "forceAfter": it is cordoned, stopped and updated',
  },
  { standing: 'straggler', when: (m) => m.state === 'started', because: 'it is working; it is updated when it stops' },
  { standing: 'busy', when: () => true, because: 'it is between two states; look again' },
];

/** The first row that matches. */
export function classify(machine: MachineFacts, context: RolloutContext): { standing: Standing; because: string } {
  for (const row of TABLE) if (row.when(machine, context)) return { standing: row.standing, because: row.because };
  return { standing: 'busy', because: 'no row matched' };
}
