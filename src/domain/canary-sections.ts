import { sayEyes } from './compile-canary.js';
import { LEAST_UPDATE_MS } from './forecast.js';
import { AFTER_ENTRIES } from './late-steps.js';
import type { Findings } from './plan-notes.js';
import type { PlanRow, PlanSection } from './plan-report.js';
import { placeOf, section } from './plan-section.js';
import { sayMs } from './say-ms.js';
import type { Pool } from './pools.js';
import { inScope, poolsIn, type Step, type UpdateStep } from './steps.js';

/** A step with what it does, and no time that it could take would be shorter. */
interface Told {
  readonly step: Step;
  readonly machines: number;
  readonly leastMs: number;
}

/** Each capacity once: that of a whole group stands at all of its pools. */
const capacities = (pools: readonly Pool[]): Pool[] =>
  pools.filter((pool, index) => {
    const isSame = (other: Pool) => other.across === true && other.group === pool.group;
    return pool.across !== true || pools.findIndex(isSame) === index;
  });

const sayUpdates = ({ waitMs }: UpdateStep): string =>
  waitMs === undefined
    ? 'updated, each until its checks pass'
    : `updated while they are idle; those at work are waited for, ${sayMs(waitMs)} at most`;

/** Steps are not counted that nothing may happen in: what comes late, a closing pass, a rest of nothing. */
function tell({ plan, fleet, forecast }: Findings): Told[] {
  const taken = new Map<string, number>();
  const workOf = ({ name, scope, batch, waitMs }: UpdateStep) => {
    const entry = name.split(':')[0] ?? name;
    const here = fleet.filter(({ machine }) => inScope(scope, machine));
    const due = here.filter(
      ({ standing }) => standing === 'due' || (waitMs !== undefined && standing === 'straggler'),
    ).length;
    const idle = here.filter(({ standing }) => standing === 'ready' || standing === 'held').length;
    const before = taken.get(entry) ?? 0;
    const upTo = batch === undefined ? due + idle : Math.min(batch, due);
    taken.set(entry, Math.max(before, upTo));
    return Math.max(0, upTo - before);
  };
  return plan.steps.flatMap((step): Told[] => {
    if (AFTER_ENTRIES.includes(step.name)) return [];
    if (step.kind !== 'update') return [{ step, machines: 0, leastMs: step.kind === 'bake' ? step.ms : 0 }];
    const machines = workOf(step);
    const atOnce = capacities(poolsIn(forecast.pools, step.scope)).reduce(
      (sum, { room }) => sum + Math.max(1, room),
      0,
    );
    const leastMs = Math.ceil(machines / Math.max(1, atOnce)) * LEAST_UPDATE_MS;
    return machines === 0 ? [] : [{ step, machines, leastMs }];
  });
}

function sayStep({ step, machines, leastMs }: Told): PlanRow {
  switch (step.kind) {
    case 'update':
      return { step: step.name, machines, 'at the least': sayMs(leastMs), what: sayUpdates(step) };
    case 'bake': {
      const judges = step.gates.map(({ name }) => name).join(', ');
      const what = judges === '' ? 'health is watched' : `health is watched; gates: ${judges}`;
      return { step: step.name, machines: '', 'at the least': sayMs(step.ms), what };
    }
    case 'approval':
      return {
        step: step.name,
        machines: '',
        'at the least': '',
        what: `waits for a person, ${sayMs(step.ms)} at most`,
      };
  }
}

/** Until the first entry has baked: what neither checks nor exits show is seen there at the latest. */
function untilSeen(told: readonly Told[]): number {
  const bake = told.findIndex(({ step }) => step.kind === 'bake');
  return told.slice(0, bake + 1).reduce((sum, { leastMs }) => sum + leastMs, 0);
}

/** What a canary will do, step by step, and what it can see. */
export function stepsSection(findings: Findings): PlanSection | undefined {
  const told = tell(findings);
  if (told.length === 0) return undefined;
  const { healthy } = findings.plan.context;
  const first = told.find(({ step, machines }) => step.kind === 'update' && machines > 0);
  const least = told.reduce((sum, { leastMs }) => sum + leastMs, 0);
  const lines = [
    `No shorter than ${sayMs(least)}, bakes included, and as long as people take for approvals.`,
    `An image that never becomes healthy is noticed ${sayMs(healthy.withinMs)} after the first update at the latest; one that does harm more slowly at the end of the first bake, no sooner than ${sayMs(untilSeen(told))} from now.`,
    ...(first === undefined ? [] : [`The first step is a canary of ${first.machines}: ${sayEyes(first.machines)}.`]),
  ];
  return section('Steps', lines, told.map(sayStep));
}

/** How many of those that work may be away at once. */
export function capacitySection({ forecast }: Findings): PlanSection | undefined {
  const rows = forecast.pools
    .filter(({ up }) => up > 0)
    .map((pool) => ({
      ...placeOf(pool),
      working: pool.up,
      'no capacity now': pool.down,
      'may be away': pool.across === true ? `${pool.room} of the whole group` : pool.room,
    }));
  return section('Capacity', [], rows);
}
