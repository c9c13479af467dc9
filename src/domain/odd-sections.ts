import { clip } from './clip.js';
import { type Difference, differencesOf } from './differences.js';
import { isInside } from './fleet.js';
import { groupBy } from './group-by.js';
import { type Findings, sayStop } from './plan-notes.js';
import type { PlanSection } from './plan-report.js';
import { placeKey } from './pools.js';
import { idsOf, placeOf, section } from './plan-section.js';
import { machines } from './say-count.js';
import { earlierStartsOf, holdsOf, keptRunning, mayNotRest, type Surveyed, tireless } from './survey.js';

/** Machines that a rollout cordoned or stopped and could not put right, and what they were before. */
export function holds({ fleet }: Findings): PlanSection | undefined {
  const found = holdsOf(fleet);
  const rows = found.map(({ machine: { id, region, state }, left, standing }) => ({
    machine: id,
    region,
    state: clip(state, 20),
    'what then': standing === 'held' ? 'put right' : 'left',
    'left by': left === undefined ? 'its note cannot be read, or is another machine’s' : clip(left.rollout, 60),
    'was before': left === undefined ? '?' : `${left.started ? 'started' : 'idle'}${left.cordoned ? ', cordoned' : ''}`,
  }));
  const line = 'Those that are selected are put right first: started and uncordoned as their note says.';
  return section(
    'Held: cordoned or stopped by a rollout that could not put them right',
    rows.length === 0 ? [] : [line],
    rows,
  );
}

/** Sentences about machines, where there are any. */
const sayAny = (kin: readonly Surveyed[], says: string): string[] =>
  kin.length === 0 ? [] : [`${machines(kin.length)} ${says}`];

/** Working machines that a sweep may wait for in vain, and why. */
export function neverResting({ fleet, plan: { forceAfterMs } }: Findings): PlanSection | undefined {
  const never = tireless(fleet);
  const rows = [...groupBy(never, ({ machine }) => placeKey(machine)).values()].map((kin) => ({
    ...placeOf(kin[0]?.machine),
    machines: kin.length,
    ids: idsOf(kin.map(({ machine }) => machine)),
  }));
  const lines = [
    ...sayAny(
      never,
      `started, with restart policy "always" and no autostop on any service: nothing stops them, so ${sayStop(forceAfterMs)}.`,
    ),
    ...sayAny(
      mayNotRest(fleet),
      'started, with services and without autostop: they rest only when their program ends.',
    ),
    ...sayAny(
      keptRunning(fleet),
      'started, with min_machines_running on a service: in the primary region Fly keeps so many of them started, whatever the traffic.',
    ),
  ];
  return section('Will not rest by themselves', lines, rows);
}

function sayHave({ have, of, forms }: Difference): string {
  const who = have === of ? `all ${of}` : `${have} of ${of}`;
  return forms > 1 ? `${who}, in ${forms} forms` : who;
}

/** What machines of one process group differ in, by name. */
export function differences({ fleet }: Findings): PlanSection | undefined {
  const rows = differencesOf(fleet).map((difference) => ({
    group: clip(difference.group, 40),
    what: difference.what,
    name: clip(difference.name, 80),
    'machines that have it': sayHave(difference),
  }));
  return section('Not alike inside a process group', [], rows);
}

/** The starts that this one continues, and how far each got. */
export function earlierStarts({ fleet, plan: { context } }: Findings): PlanSection | undefined {
  const rows = earlierStartsOf(fleet, context.rollout).map((start) => {
    const ids = new Set(start.machines.map(({ id }) => id));
    const done = fleet.filter(({ machine, standing }) => standing === 'atTarget' && ids.has(machine.id)).length;
    return { start: clip(start.name, 60), machines: start.machines.length, 'at target': done };
  });
  const line = 'This start continues them: what is at target is not written again.';
  return section('Earlier starts of this change', rows.length === 0 ? [] : [line], rows);
}

const UNUSUAL: readonly {
  readonly what: string;
  readonly is: (one: Surveyed) => boolean;
  readonly way: string;
}[] = [
  {
    what: 'suspended',
    is: ({ machine, standing }) => machine.state === 'suspended' && standing === 'ready',
    way: 'updated: they lose their memory and end stopped',
  },
  {
    what: 'unmanaged',
    is: ({ machine, standing }) => !machine.managed && machine.readable && ['ready', 'straggler'].includes(standing),
    way: 'updated: fly deploy would pass them over',
  },
  {
    what: 'cordoned',
    is: ({ cordoned, standing }) => cordoned && isInside(standing),
    way: 'whoever cordoned them uncordons them; being cordoned keeps no machine from its update',
  },
  {
    what: 'scheduled or standby',
    is: ({ machine, standing }) => machine.onlyIdle !== undefined && ['ready', 'straggler'].includes(standing),
    way: 'updated only while idle, never started',
  },
];

/** Machines that are taken along though something about them is out of the ordinary. */
export function unusual({ fleet }: Findings): PlanSection | undefined {
  const rows = UNUSUAL.flatMap(({ what, is, way }) => {
    const kin = fleet.filter(is).map(({ machine }) => machine);
    return kin.length === 0 ? [] : [{ what, machines: kin.length, 'what then': way, ids: idsOf(kin) }];
  });
  return section('Unusual machines that are not left', [], rows);
}
