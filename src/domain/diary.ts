import { stepOf } from './progress.js';
import type { RolloutState } from './state.js';

/** What happened in a rollout, who did it where somebody did, and why. */
export interface Entry {
  /** ms. */
  readonly at: number;
  readonly says: string;
  /** As a person gave it with a verb: a note, not an identity. */
  readonly by?: string;
}

/** Its first entries and its latest; how many are left out in between. */
export interface Diary {
  readonly entries: readonly Entry[];
  readonly left: number;
}

const EMPTY: Diary = { entries: [], left: 0 };

/** Of a rollout that lasts for weeks the beginning and the end tell most. */
const FIRST = 20;
const MOST = 80;

/** Failures named one by one in a single moment. */
const MOST_FAILED = 5;

/** Adds entries; past the most what is neither among the first nor among the latest goes. */
export function write({ entries, left }: Diary = EMPTY, more: readonly Entry[]): Diary {
  const all = [...entries, ...more];
  const over = all.length - MOST;
  if (over <= 0) return { entries: all, left };
  return { entries: [...all.slice(0, FIRST), ...all.slice(FIRST + over)], left: left + over };
}

const noteOf = (by: string | undefined): { by?: string } => (by === undefined ? {} : { by });

function newFailures(before: RolloutState, { failed }: RolloutState, now: number): Entry[] {
  const fresh = Object.entries(failed).filter(([id]) => !Object.hasOwn(before.failed, id));
  const named = fresh
    .slice(0, MOST_FAILED)
    .map(([id, { region, says }]): Entry => ({ at: now, says: `machine ${id} (${region}) failed: ${says}` }));
  const more = fresh.length - named.length;
  return more > 0 ? [...named, { at: now, says: `${more} more machines failed` }] : named;
}

/** What a rollout did of itself between two states. */
function ownEntries(before: RolloutState, after: RolloutState, now: number): Entry[] {
  const { pause, turned, stop } = after;
  const entries: Entry[] = [];
  if (pause !== undefined && pause.code !== before.pause?.code)
    entries.push({ at: now, says: `paused (${pause.code}): ${pause.says}`, ...noteOf(pause.by) });
  if (pause === undefined && before.pause !== undefined) entries.push({ at: now, says: 'went on by itself' });
  if (turned !== undefined && before.turned === undefined)
    entries.push({ at: now, says: `goes back: ${turned.says}`, ...noteOf(turned.by) });
  if (stop !== undefined && before.stop === undefined)
    entries.push({ at: now, says: `stops (${stop.kind}): ${stop.says}`, ...noteOf(stop.by) });
  return entries;
}

/** The state with what is new written down; what a person said is there already, and explains what came of it. */
export function withDiary(before: RolloutState, after: RolloutState, now: number): RolloutState {
  const isSaid = after.diary !== before.diary;
  const isNext = after.step.index !== before.step.index || after.plan.steps !== before.plan.steps;
  const entries = [
    ...newFailures(before, after, now),
    ...(isSaid ? [] : ownEntries(before, after, now)),
    ...(isNext ? [{ at: now, says: `step ${stepOf(after).name} begins` }] : []),
  ];
  return entries.length === 0 ? after : { ...after, diary: write(after.diary, entries) };
}
