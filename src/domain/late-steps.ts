import type { Gate } from '../input/types.js';
import { type Step, wholeStep } from './steps.js';

/** Steps after the last entry, in which nothing happens as a rule. */
export const AFTER_ENTRIES: readonly string[] = ['late', 'late:bake', 'closing'];

/** What a start finds to do: updates, or, where all is at target by an earlier start of this change, its last bake. */
export type Left = 'updates' | 'last bake' | 'nothing';

/**
 * The steps of entries, then what came late is updated, and baked if there was any; then a closing pass over all.
 * @param left an earlier start that ended in a bake has updated all, and was not judged on all of it.
 */
export function withLate(
  entries: readonly Step[],
  { bakeMs, gates }: { readonly bakeMs: number; readonly gates: readonly Gate[] },
  left: Left,
): Step[] {
  const closing: Step = { ...wholeStep('closing'), reopens: 'late' };
  // Who was away at its turn, or was made since: nobody has judged the new version there.
  const late: Step[] = [
    wholeStep('late'),
    { kind: 'bake', name: 'late:bake', scope: {}, ms: bakeMs, gates, ifUpdated: true },
  ];
  if (left === 'nothing') return [...late, closing];
  if (left === 'updates') return [...entries, ...late, closing];
  // Nobody knows any more which of the entries were judged: all that serve are, together.
  return [{ kind: 'bake', name: 'last:bake', scope: {}, ms: bakeMs, gates }, ...late, closing];
}
