import { type JournalEntry, tookEffect, wasLost } from './evidence.js';

/** Where an update was when its worker was killed, as the log of the simulator shows it. */
export const PHASES = [
  'taking the lease',
  'lease taken',
  'before the write',
  'write under way',
  'answer to the write lost',
  'just written',
  'settling',
  'before release',
] as const;
export type Phase = (typeof PHASES)[number];

/** The phases that the kill proof must have hit, each by at least one of these. */
export const MUST_HIT: readonly (readonly Phase[])[] = [
  ['lease taken'],
  ['before the write', 'write under way'],
  ['just written', 'answer to the write lost'],
  ['settling'],
  ['before release'],
];

/** A write is "just" done this long. */
const JUST_MS = 300;

const beganAt = (call: JournalEntry): number => call.began ?? call.t;

/**
 * How many updates were in which phase at `killedAt`, of those whose lease was taken after `since`: what an earlier
 * kill has left lying is in no worker's hands.
 */
export function phasesAt(
  entries: readonly JournalEntry[],
  since: number,
  killedAt: number,
): ReadonlyMap<Phase, number> {
  const calls = new Map<string, JournalEntry[]>();
  for (const entry of entries) {
    if (entry.kind !== 'call' || entry.machine === undefined) continue;
    const began = beganAt(entry);
    if (began <= since || began > killedAt) continue;
    calls.set(entry.machine, [...(calls.get(entry.machine) ?? []), entry]);
  }
  const counts = new Map<Phase, number>();
  for (const own of calls.values()) {
    const phase = phaseOf(own, killedAt);
    if (phase !== undefined) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return counts;
}

function phaseOf(calls: readonly JournalEntry[], killedAt: number): Phase | undefined {
  let phase: Phase | undefined;
  for (const call of calls.toSorted((a, b) => beganAt(a) - beganAt(b))) phase = after(call, phase, killedAt);
  return phase;
}

/** The phase that one call leads to, under way or answered. */
function after(call: JournalEntry, before: Phase | undefined, killedAt: number): Phase | undefined {
  const isUnderWay = call.t > killedAt;
  const age = killedAt - call.t;
  switch (call.op) {
    case 'lease':
      if (isUnderWay) return 'taking the lease';
      return tookEffect(call) ? 'lease taken' : before;
    case 'get':
    case 'versions':
      return before === 'lease taken' ? 'before the write' : before;
    case 'update':
      if (isUnderWay) return 'write under way';
      if (!tookEffect(call)) return before;
      if (wasLost(call)) return 'answer to the write lost';
      return age < JUST_MS ? 'just written' : 'settling';
    case 'wait':
      if (isUnderWay || !tookEffect(call)) return before === 'just written' ? before : 'settling';
      return 'before release';
    case 'release':
      return isUnderWay ? before : undefined;
    default:
      return before;
  }
}
