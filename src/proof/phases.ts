import { type JournalEntry, tookEffect, wasLost } from './evidence.js';

/** Where an update was when its worker was killed, as the log of the simulator shows it. */
export const PHASES = [
  'taking the lease',
  'lease taken',
  'held',
  'stopping',
  'before the write',
  'write under way',
  'answer to the write lost',
  'just written',
  'settling',
  'putting right',
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
  ['held'],
  ['stopping'],
  ['putting right'],
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
  for (const call of calls.toSorted((a, b) => beganAt(a) - beganAt(b))) {
    const step = STEPS[call.op ?? ''];
    if (step !== undefined) phase = step(call, phase, killedAt);
  }
  return phase;
}

type Step = (call: JournalEntry, before: Phase | undefined, killedAt: number) => Phase | undefined;

const isUnderWay = (call: JournalEntry, killedAt: number): boolean => call.t > killedAt;

/** A hold is noted and taken away by the same call: which it is tells what came before. */
const note: Step = (_call, before) =>
  before === undefined || before === 'lease taken' || before === 'before the write' ? 'held' : 'putting right';

/** What only ever comes after a hold was noted, until something else does. */
const keeps = (before: Phase | undefined): boolean => before === 'stopping' || before === 'putting right';

const read: Step = (_call, before) => (before === 'lease taken' ? 'before the write' : before);

/** The phase that a call leads to, under way or answered, by its op; other calls change nothing. */
const STEPS: Readonly<Record<string, Step>> = {
  lease: (call, before, killedAt) => {
    if (isUnderWay(call, killedAt)) return 'taking the lease';
    return tookEffect(call) ? 'lease taken' : before;
  },
  get: read,
  versions: read,
  metadata: note,
  cordon: () => 'held',
  stop: () => 'stopping',
  start: (_call, before) => (before === 'stopping' || before === 'before release' ? 'putting right' : before),
  uncordon: () => 'putting right',
  update: (call, before, killedAt) => {
    if (isUnderWay(call, killedAt)) return 'write under way';
    if (!tookEffect(call)) return before;
    if (wasLost(call)) return 'answer to the write lost';
    return killedAt - call.t < JUST_MS ? 'just written' : 'settling';
  },
  wait: (call, before, killedAt) => {
    if (keeps(before)) return before;
    if (!isUnderWay(call, killedAt) && tookEffect(call)) return 'before release';
    return before === 'just written' ? before : 'settling';
  },
  release: (call, before, killedAt) => (isUnderWay(call, killedAt) ? before : undefined),
};
