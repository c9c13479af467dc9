import type { View } from './fleet.js';
import { type Judged, type MachineFacts, type RolloutContext, RUNS } from './machine.js';
import { type CountedPool, placeKey } from './pools.js';
import { type Evidence, judge, type Verdict } from './verdict.js';

export interface Sick extends Evidence {
  readonly id: string;
  readonly region: string;
  readonly group: string;
}

/** What a machine at target counts as besides. */
export type ShownCount = 'verified' | 'good' | 'fresh';

/** What machines at target show of the new version. */
interface Shown {
  readonly fresh: Set<string>;
  readonly sick: Sick[];
  readonly trials: string[];
  readonly shown: string[];
  readonly early: Record<string, readonly ShownCount[]>;
  retried: number;
}

/** Judges what is at target: adds to the pools' verified count, and returns new failures and what is to come. */
export function judgeAtTarget(
  inside: readonly Judged[],
  context: RolloutContext,
  view: View,
  pools: Map<string, CountedPool>,
): Shown {
  const shown: Shown = { fresh: new Set(), sick: [], trials: [], shown: [], retried: 0, early: {} };
  for (const { machine } of inside.filter((j) => j.standing === 'atTarget')) {
    const verdict = judge(machine, context, view.flyNow, view.forgiven[machine.id]);
    const isNew = !view.failed.includes(machine.id);
    const pool = pools.get(placeKey(machine));
    // Once failed, a machine is no evidence for the version until a person takes it up again.
    const counts = isNew ? countsOf(machine, verdict) : [];
    for (const count of counts) if (pool !== undefined) pool[count] += 1;
    if (counts.includes('fresh')) shown.fresh.add(machine.id);
    const isEarly = view.taken.includes(machine.id) || (machine.bornAt ?? 0) >= view.bornSince;
    if (isEarly) shown.early[machine.id] = counts;
    note(shown, machine, { verdict, isNew, view });
  }
  return shown;
}

/** Where a machine at target counts besides: what works on the new version has shown that it does, or is yet to. */
function countsOf({ state }: MachineFacts, { kind }: Verdict): ShownCount[] {
  const isUp = RUNS.includes(state);
  if (kind === 'verified' || kind === 'passed') return isUp ? ['verified', 'good'] : ['verified'];
  return kind === 'settling' || state === 'starting' ? ['fresh'] : [];
}

function note(
  shown: Shown,
  machine: MachineFacts,
  { verdict, isNew, view }: { verdict: Verdict; isNew: boolean; view: View },
): void {
  const { id, region, group, state } = machine;
  const forgiven = view.forgiven[id] ?? 0;
  const isOpen = verdict.kind === 'settling';
  if (isOpen && forgiven > 0) shown.retried += 1;
  if ((isOpen || state === 'starting') && view.trials.includes(id)) shown.trials.push(id);
  if (['verified', 'passed', 'failed'].includes(verdict.kind) && view.trials.includes(id)) shown.shown.push(id);
  if (verdict.kind !== 'failed' || !isNew || verdict.evidence.at <= forgiven) return;
  shown.sick.push({ id, region, group, ...verdict.evidence });
}
