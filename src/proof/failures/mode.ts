import type { DriveOptions } from '../drive.js';
import type { World } from '../world.js';

/** What a rollout did on a bad day, as a person would tell it. */
export interface Observed {
  /** What an operator reads, in its order: what it paused for, and how it ended. */
  readonly sees: readonly string[];
  /** What was written to machines. */
  readonly written: string;
  /** What must never happen, and did. */
  readonly broken: readonly string[];
}

/** One row of the fault table. */
export interface FailureMode {
  /** The sentence that is its title. */
  readonly fault: string;
  readonly part: Part;
  /** Each has to be found in what the operator sees. */
  readonly shows: readonly RegExp[];
  readonly run: () => Promise<Observed>;
}

export const PARTS = ['Bad input', 'Fly', 'Machines', 'People', 'Workers', 'Canaries', 'Process groups'] as const;
export type Part = (typeof PARTS)[number];

export const APP = 'fleet';
export const OLD = `registry.fly.io/${APP}:v1`;
export const NEW = `registry.fly.io/${APP}:v2`;
export const OTHER = `registry.fly.io/${APP}:hotfix`;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A day: the world, what is asked for, and what happens meanwhile. */
export interface Day {
  /** Left out: a stoppedSweep. */
  readonly type?: 'regionalCanary' | 'processGroup';
  readonly scenario?: object;
  readonly machines?: readonly object[];
  readonly input?: object;
  readonly said?: DriveOptions['said'];
  readonly mishap?: DriveOptions['mishap'];
  readonly flyAheadMs?: number;
  readonly terminateAtMs?: number;
  /** Another rollout at the same time, or after a terminated one. */
  readonly also?: { readonly input: object; readonly when: 'meanwhile' | 'after' };
  /** Whenever something is decided. */
  readonly watch?: (world: World, elapsedMs: number) => void;
  /** What a judge of that name answers to every gate. */
  readonly judge?: (elapsedMs: number) => number;
  /** Jobs may be cut before their time here, where each is reported. */
  readonly cuts?: true;
}
