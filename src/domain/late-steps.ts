import type { Gate } from '../input/types.js';
import { type Step, wholeStep } from './steps.js';

/** Steps after the last entry, in which nothing happens as a rule. */
export const AFTER_ENTRIES: readonly string[] = ['late', 'late:bake', 'closing'];

/** What a start finds to do: updates, or, where all is at target by an earlier start of this change, its last bake. */
export type Left = 'updates' | 'last bake' | 'nothing';

/**
 * The steps of entries, then what came late is updated, and baked if there was any; then a closing pass over all.
 * @param left an earlier start that ended in its last bake has updated all, and was judged on all entries but the last.
 */
export function withLate(
  entries: readonly Step[],
  { bakeMs, gates }: { readonly bakeMs: number; readonly gates: readonly Gate[] },
  left: Left,
): Step[] {
  const closing = wholeStep('closing');
  if (left === 'nothing') return [closing];
  // Who was away at its turn, or was made since: nobody has judged the new version there.
  const late: Step[] = [
    wholeStep('late'),
    { kind: 'bake', name: 'late:bake', scope: {}, ms: bakeMs, gates, ifUpdated: true },
  ];
  return [...(left === 'updates' ? entries : entries.slice(-1)), ...late, closing];
}
