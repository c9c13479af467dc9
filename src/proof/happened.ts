import type { CallEntry, HappeningEntry, JournalEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import type { Case, CaseInput } from './fleets.js';

/** What came of one case, as its judge gets it. */
export interface Record {
  readonly testCase: Case;
  readonly outcome: string;
  /** How the last start said that it ended. */
  readonly says: string;
  readonly interrupted: ReadonlySet<string>;
  readonly entries: readonly JournalEntry[];
  /** The journal's length when the last start ended. */
  readonly endedAt: number;
  readonly truthAtEnd: readonly MachineTruth[];
  /** A minute later, and more where ghosts of stalled workers may still be about. */
  readonly truthLater: readonly MachineTruth[];
}

const CHANGING = ['lease', 'refresh', 'update', 'start', 'stop', 'cordon', 'uncordon', 'destroy', 'create'];

const UNITS: { readonly [unit: string]: number } = { m: 60_000, h: 3_600_000 };
/** `"90m"` in ms, by a second hand. */
export const msOf = (text: string): number => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? NaN);
export const isCall = (entry: JournalEntry): entry is CallEntry => entry.kind === 'call';
export const isHappening = (entry: JournalEntry): entry is HappeningEntry => !('op' in entry);
export const tookEffect = (call: CallEntry): boolean => (call.actual ?? call.status) === 200;
export const markOf = (call: CallEntry): string => call.marks?.['layover_rollout'] ?? '';

/** Calls that changed something. */
export const changing = (entries: readonly JournalEntry[]): CallEntry[] =>
  entries.filter(isCall).filter((call) => CHANGING.includes(call.op) && (tookEffect(call) || call.status === 201));

/** Ghosts of stalled workers may still send what they had begun; the lease, not the loop, keeps them in check. */
export const hasGhosts = ({ mishaps }: Case): boolean => mishaps.some((mishap) => mishap.kind === 'stalls');

/** A list that lies may hide a machine, or show it as it was, for as long as a step takes. */
export const hasLyingLists = ({ scenario }: Case): boolean => JSON.stringify(scenario.faults).includes('"list"');

export const ourWrites = ({ entries }: Record): CallEntry[] =>
  entries.filter(isCall).filter((call) => call.op === 'update' && tookEffect(call) && markOf(call) !== '');

/** The selection by a second hand: from the case's own words, not from the code under proof. */
export function isSelected({ metadata, region, group }: MachineTruth, input: CaseInput): boolean {
  const reasonsToLeave = [
    metadata['fly_canary'] === 'true',
    input.unmanaged === 'leave' && metadata['fly_platform_version'] !== 'v2',
    input.only?.regions?.includes(region) === false,
    input.only?.processGroups?.includes(group) === false,
    input.except?.regions?.includes(region) === true,
    input.except?.processGroups?.includes(group) === true,
    input.groups?.some((named) => named.group === group) === false,
  ];
  return !reasonsToLeave.includes(true);
}
