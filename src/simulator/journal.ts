import type { EffectName } from './scenario.js';
import type { Signal } from './signals.js';

/** One call of the API, as it was answered. */
export interface CallEntry {
  n: number;
  /** When it took effect; for a wait, when it was answered. */
  t: number;
  readonly kind: 'call' | 'control';
  readonly op: string;
  readonly method: string;
  readonly path: string;
  app?: string;
  machine?: string;
  status: number | 'cut';
  /** When a call that took time (wait, delayed) came in. */
  began?: number;
  nonce?: string;
  leaseDescription?: string;
  /** Metadata keys beginning with `layover_` that an update or metadata call carried; null = removed. */
  marks?: Record<string, string | null>;
  image?: string;
  /** The version an update minted. */
  version?: string;
  priorVersion?: string;
  currentVersion?: string;
  skipLaunch?: boolean;
  /** State of the machine just before a write, and whether it was at work. */
  stateBefore?: string;
  working?: boolean;
  /** Whether it was cordoned just before a write. */
  cordonedBefore?: boolean;
  /** What a stop sent, and after how long it kills. */
  signal?: Signal;
  timeoutMs?: number;
  fault?: EffectName;
  /** What it would have been answered without the fault, where it took effect. */
  actual?: number;
  /** Which fault of the world (in the order they were added). */
  faultIndex?: number;
}

/** The names of what can happen; docs/simulator.md says when. */
export type HappeningKind =
  | 'created'
  | 'settled'
  | 'reverted'
  | 'destroyed'
  | 'job-started'
  | 'job-ended'
  | 'job-cut'
  | 'job-paused'
  | 'job-resumed'
  | 'snapshot-lost'
  | 'restarted'
  | 'autostart'
  | 'autostop'
  | 'secrets-set'
  | 'checks'
  | 'lease-expired'
  | 'host-lost'
  | 'host-back'
  | 'image-moved';

/** What the world did by itself, or what a call made it do. */
export interface Happening {
  readonly kind: HappeningKind;
  readonly app?: string;
  readonly machine?: string;
  readonly region?: string;
  readonly group?: string;
  readonly state?: string;
  readonly version?: string;
  /** The version that was given up (reverted). */
  readonly lost?: string;
  readonly image?: string;
  readonly digest?: string;
  readonly exitCode?: number;
  readonly checks?: string;
  readonly secretsVersion?: number;
  readonly nonce?: string;
  readonly why?: string;
  /** The signal of the stop that ended or cut a job. */
  readonly signal?: Signal;
  /** The call that caused it (its number and op); absent when it came by itself. */
  readonly by?: { readonly n: number; readonly op: string };
}

/** A happening in its place in the journal. */
export interface HappeningEntry extends Happening {
  readonly n: number;
  readonly t: number;
}

/** Calls have an `op`, happenings have none. */
export type JournalEntry = CallEntry | HappeningEntry;

/** The call log that proofs read. */
export interface Journal {
  /** Entries numbered `since` and above, everything due until now included. */
  entries(since?: number): readonly JournalEntry[];
}

/** The journal as the world writes it: numbers are given in order, from 0. */
export interface JournalLog {
  readonly entries: readonly JournalEntry[];
  call(entry: CallEntry): void;
  happening(t: number, happening: Happening): void;
}

/** An empty journal. */
export function createJournal(): JournalLog {
  const entries: JournalEntry[] = [];
  return {
    entries,
    call(entry) {
      entry.n = entries.length;
      entries.push(entry);
    },
    happening(t, happening) {
      entries.push({ n: entries.length, t, ...happening });
    },
  };
}
