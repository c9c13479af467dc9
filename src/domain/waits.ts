import type { Observation } from './fleet.js';
import { sayCount } from './say-count.js';

/** What a sweep waits for without anything in flight. */
export type WaitKind =
  'stragglers' | 'overdue' | 'held' | 'trials' | 'unreachable' | 'busy' | 'retried' | 'unknown' | 'unseen' | 'list';

/** Since when each wait goes on, ms: since the first of the looks in a row that found a reason for it. */
export type Waits = Readonly<Partial<Record<WaitKind, number>>>;

interface Row {
  readonly kind: WaitKind;
  readonly count: (seen: Observation) => number;
  readonly one: string;
  readonly many: string;
}

/** In the order in which they are told. */
const ROWS: readonly Row[] = [
  {
    kind: 'stragglers',
    count: (seen) => seen.stragglers,
    one: 'working machine to stop',
    many: 'working machines to stop',
  },
  {
    kind: 'overdue',
    count: (seen) => seen.overdue,
    one: 'working machine past "forceAfter", to be stopped in its turn',
    many: 'working machines past "forceAfter", to be stopped in their turn',
  },
  {
    kind: 'held',
    count: (seen) => seen.held,
    one: 'machine that Layover holds, to be put right',
    many: 'machines that Layover holds, to be put right',
  },
  {
    kind: 'trials',
    count: (seen) => seen.trials.length,
    one: 'machine that was started on the new version, to show how it does',
    many: 'machines that were started on the new version, to show how they do',
  },
  {
    kind: 'unreachable',
    count: (seen) => seen.unreachable,
    one: 'machine whose host is not ok',
    many: 'machines whose host is not ok',
  },
  {
    kind: 'busy',
    count: (seen) => seen.busy,
    one: 'machine between two states',
    many: 'machines between two states',
  },
  {
    kind: 'retried',
    count: (seen) => seen.retried,
    one: 'retried machine to show how it does',
    many: 'retried machines to show how they do',
  },
  {
    kind: 'unknown',
    count: (seen) => seen.doubtful,
    one: 'machine with an update that nobody knows the end of',
    many: 'machines with updates that nobody knows the end of',
  },
  {
    kind: 'unseen',
    count: (seen) => seen.unseen,
    one: 'machine that was just written, to be listed as it is',
    many: 'machines that were just written, to be listed as they are',
  },
  {
    kind: 'list',
    count: (seen) => (seen.whole ? 0 : Math.max(1, seen.unlisted)),
    one: 'machine that the app counts and Fly does not list',
    many: 'machines that the app counts and Fly does not list',
  },
];

/** The waits after a look; those that go on keep their since. */
export function waitsAfter(waits: Waits | undefined, seen: Observation, now: number): Waits {
  const found = ROWS.filter(({ count }) => count(seen) > 0);
  return Object.fromEntries(found.map(({ kind }) => [kind, waits?.[kind] ?? now]));
}

/** Each wait with its name and its words. @param step the current one's name. @param otherwise the since of a wait that no look has dated. */
export const sayWaits = (
  step: string,
  seen: Observation,
  waits: Waits | undefined,
  otherwise: number,
): { name: string; says: string; since: number }[] =>
  ROWS.flatMap(({ kind, count, one, many }) => {
    const n = count(seen);
    if (n === 0) return [];
    return [{ name: `${step}:${kind}`, says: sayCount(n, one, many), since: waits?.[kind] ?? otherwise }];
  });
