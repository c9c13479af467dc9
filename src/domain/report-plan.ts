import { clip } from './clip.js';
import { isInside } from './fleet.js';
import { flyBelief } from './fly-belief.js';
import type { Standing } from './machine.js';
import type { Findings } from './plan-notes.js';
import type { PlannedMachine, PlanReport } from './plan-report.js';
import { sectionsOf } from './plan-sections.js';
import { sayCount } from './say-count.js';
import type { Surveyed } from './survey.js';

const MOST_MACHINES = 200;

/** What the headline says of machines that are neither at target nor updated: only where there are any. */
const ALSO: readonly (readonly [standing: Standing, says: string])[] = [
  ['due', 'working and updated where they are'],
  ['cut', 'stopped at work by an earlier start and started again'],
  ['foreign', 'foreign and left'],
  ['unreachable', 'on hosts that are not ok'],
  ['busy', 'between two states'],
  ['held', 'held and put right first'],
];

function countsOf(fleet: readonly Surveyed[]): Partial<Record<Standing, number>> {
  const counts: Partial<Record<Standing, number>> = {};
  for (const { standing } of fleet) counts[standing] = (counts[standing] ?? 0) + 1;
  return counts;
}

function headlineOf(selected: number, counts: Partial<Record<Standing, number>>): string {
  const parts = [
    `${counts.atTarget ?? 0} at target`,
    (counts.due ?? 0) > 0 ? `${counts.ready ?? 0} idle` : `${counts.ready ?? 0} idle and updated first`,
    ...((counts.due ?? 0) > 0 ? [] : [`${counts.straggler ?? 0} working and updated when they stop`]),
    ...ALSO.flatMap(([standing, says]) => {
      const count = counts[standing] ?? 0;
      return count === 0 ? [] : [`${count} ${says}`];
    }),
  ];
  return `${sayCount(selected, 'machine', 'machines')} selected: ${parts.join(', ')}`;
}

/** After those that have a step: first what is wrong, last what is done. */
const THEN: readonly Standing[] = [
  'held',
  'due',
  'ready',
  'cut',
  'foreign',
  'unreachable',
  'busy',
  'straggler',
  'atTarget',
];

function machinesOf({ fleet, forecast }: Findings): PlannedMachine[] {
  const stepOf = new Map(forecast.steps.flatMap((step, index) => step.map(({ id }) => [id, index + 1] as const)));
  const ranks = new Map([...stepOf.keys()].map((id, index) => [id, index]));
  const rankOf = ({ machine, standing }: Surveyed): number =>
    ranks.get(machine.id) ?? fleet.length + THEN.indexOf(standing);
  return fleet
    .filter(({ standing }) => isInside(standing))
    .map((one) => ({ one, rank: rankOf(one) }))
    .toSorted((a, b) => a.rank - b.rank || (a.one.machine.id < b.one.machine.id ? -1 : 1))
    .slice(0, MOST_MACHINES)
    .map(({ one: { machine, standing, because } }) => {
      const step = stepOf.get(machine.id);
      return {
        id: machine.id,
        region: clip(machine.region, 10),
        group: clip(machine.group, 40),
        state: clip(machine.state, 20),
        standing,
        because,
        ...(step === undefined ? {} : { step }),
      };
    });
}

/** The report of a plan whose notes are settled. */
export function reportPlan(findings: Findings): PlanReport {
  const { fleet, plan } = findings;
  const counts = countsOf(fleet);
  return {
    app: plan.context.app,
    target: clip(plan.target, 2_000),
    headline: headlineOf(plan.selected, counts),
    selected: plan.selected,
    counts,
    notes: plan.notes,
    sections: [...sectionsOf(findings), flyBelief(fleet, plan.context.change)],
    machines: machinesOf(findings),
  };
}
