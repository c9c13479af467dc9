import { clip, firstOf } from './clip.js';
import { type Difference, differencesOf } from './differences.js';
import { isInside, type Place, placeKey } from './fleet.js';
import { groupBy } from './group-by.js';
import type { MachineFacts, Standing } from './machine.js';
import { slotsAt } from './pace.js';
import type { Findings } from './plan-notes.js';
import type { PlanRow, PlanSection } from './plan-report.js';
import { sayCount } from './say-count.js';
import { sayMs } from './say-ms.js';
import {
  earlierStartsOf,
  holdsOf,
  imagesOf,
  keptRunning,
  type Kin,
  mayNotRest,
  type Surveyed,
  tireless,
} from './survey.js';

/** Rows that keep a report below 100 KB; what is cut off is counted in the section's last line. */
const MOST_ROWS = 25;
const MOST_IDS = 8;

const machines = (n: number): string => sayCount(n, 'machine', 'machines');
const idsOf = (fleet: readonly { readonly id: string }[]): string =>
  firstOf(
    fleet.map(({ id }) => id),
    MOST_IDS,
  );

/** A section, its rows bounded; undefined where it has nothing to say. */
function section(title: string, lines: readonly string[], rows: readonly PlanRow[] = []): PlanSection | undefined {
  if (lines.length === 0 && rows.length === 0) return undefined;
  const more = rows.length - MOST_ROWS;
  const rest = more > 0 ? [`and ${more} more rows`] : [];
  return { title, lines: [...lines, ...rest], rows: rows.slice(0, MOST_ROWS) };
}

function holds({ fleet }: Findings): PlanSection | undefined {
  const found = holdsOf(fleet);
  const rows = found.map(({ machine: { id, region, state }, left }) => ({
    machine: id,
    region,
    state: clip(state, 20),
    'left by': left === undefined ? 'its note cannot be read' : left.rollout,
    'was before': left === undefined ? '?' : `${left.started ? 'started' : 'idle'}${left.cordoned ? ', cordoned' : ''}`,
  }));
  return section('Held: cordoned or stopped by a rollout, and not brought back', [], rows);
}

/** Sentences about machines, where there are any. */
const sayAny = (kin: readonly Surveyed[], says: string): string[] =>
  kin.length === 0 ? [] : [`${machines(kin.length)} ${says}`];

function neverResting({ fleet }: Findings): PlanSection | undefined {
  const never = tireless(fleet);
  const rows = [...groupBy(never, ({ machine }) => placeKey(machine)).values()].map((kin) => ({
    ...placeOf(kin[0]?.machine),
    machines: kin.length,
    ids: idsOf(kin.map(({ machine }) => machine)),
  }));
  const lines = [
    ...sayAny(
      never,
      'started, with restart policy "always" and no autostop on any service: nothing stops them, so they are left over at the deadline unless "forceAfter" is set.',
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

const placeOf = (place: Place | undefined) => ({
  region: clip(place?.region ?? '', 10),
  group: clip(place?.group ?? '', 40),
});

function sayHave({ have, of, forms }: Difference): string {
  const who = have === of ? `all ${of}` : `${have} of ${of}`;
  return forms > 1 ? `${who}, in ${forms} forms` : who;
}

function differences({ fleet }: Findings): PlanSection | undefined {
  const rows = differencesOf(fleet).map((difference) => ({
    group: clip(difference.group, 40),
    what: difference.what,
    name: clip(difference.name, 80),
    'machines that have it': sayHave(difference),
  }));
  return section('Not alike inside a process group', [], rows);
}

function earlierStarts({ fleet, plan: { context } }: Findings): PlanSection | undefined {
  const rows = earlierStartsOf(fleet, context.rollout).map((start) => {
    const ids = new Set(start.machines.map(({ id }) => id));
    const done = fleet.filter(({ machine, standing }) => standing === 'atTarget' && ids.has(machine.id)).length;
    return { start: clip(start.name, 60), machines: start.machines.length, 'at target': done };
  });
  const line = 'This start continues them: what is at target is not written again.';
  return section('Earlier starts of this change', rows.length === 0 ? [] : [line], rows);
}

function order({ forecast, fleet }: Findings): PlanSection | undefined {
  const { steps, pools } = forecast;
  const first = steps[0]?.[0];
  const updated = steps.reduce((sum, step) => sum + step.length, 0);
  const working = fleet.filter(({ standing }) => standing === 'straggler').length;
  const rows = pools.map((pool) => ({
    ...placeOf(pool),
    selected: pool.selected,
    'at target': pool.atTarget,
    idle: pool.idle,
    'at once': slotsAt(pools, pool),
  }));
  const lines = [
    ...(first === undefined
      ? ['No machine is idle and off target now.']
      : [
          `${machines(updated)} idle now, in ${sayCount(steps.length, 'step', 'steps')}: ${first.id} (${clip(first.region, 10)}, ${clip(first.group, 40)}) first${(steps[0]?.length ?? 0) > 1 ? '' : ', alone'}; then by turns through regions and groups.`,
        ]),
    ...(working === 0 ? [] : [`${machines(working)} at work: each is updated when it stops by itself.`]),
  ];
  return section('Order', lines, rows);
}

/** Why machines are not updated, or not now, and what takes them. */
const LEFT: readonly { readonly standing: Standing; readonly way: string }[] = [
  { standing: 'foreign', way: 'the rollout ends Partial' },
  { standing: 'unreachable', way: 'waited for until the deadline' },
  { standing: 'busy', way: 'looked at again' },
  { standing: 'unmanaged', way: '"unmanaged": "include" takes them' },
  { standing: 'suspended', way: '"suspended": "update" takes them, and they lose their memory' },
  { standing: 'containers', way: 'left' },
  { standing: 'special', way: 'left: they go by themselves, or with their owner' },
  { standing: 'excluded', way: 'change "only" or "except"' },
  { standing: 'gone', way: 'nothing is left of them' },
];

function left({ fleet }: Findings): PlanSection | undefined {
  const rows = LEFT.flatMap(({ standing, way }) => {
    const kin = fleet.filter((one) => one.standing === standing);
    return [...groupBy(kin, ({ because }) => because)].map(([because, some]) => ({
      machines: some.length,
      because,
      'what then': way,
      ids: idsOf(some.map(({ machine }) => machine)),
    }));
  });
  return section('Left, or waited for', [], rows);
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

function unusual({ fleet }: Findings): PlanSection | undefined {
  const rows = UNUSUAL.flatMap(({ what, is, way }) => {
    const kin = fleet.filter(is).map(({ machine }) => machine);
    return kin.length === 0 ? [] : [{ what, machines: kin.length, 'what then': way, ids: idsOf(kin) }];
  });
  return section('Unusual machines that are not left', [], rows);
}

const sayGroups = (kin: readonly MachineFacts[]): string =>
  firstOf(
    [...groupBy(kin, ({ group }) => group)].map(([group, some]) => `${clip(group, 40)} ${some.length}`),
    5,
  );

function images({ fleet, plan: { context } }: Findings): PlanSection | undefined {
  const isTarget = ({ machines: [one] }: Kin) => context.pin !== undefined && one?.digest === context.pin;
  const rows = imagesOf(fleet).map((image) => ({
    image: clip(image.name, 360),
    machines: image.machines.length,
    groups: sayGroups(image.machines),
    is: isTarget(image) ? 'the target' : '',
  }));
  return section('Images in the fleet now', [], rows);
}

function time({ forecast, plan: { deadlineMs } }: Findings): PlanSection | undefined {
  const { inARow, leastMs } = forecast;
  if (inARow === 0) return undefined;
  return section('Shortest possible time', [
    `${sayMs(leastMs)} for the machines that are idle now: ${sayCount(inARow, 'update', 'updates')} in a row, a second each at the least. The deadline is ${sayMs(deadlineMs)}.`,
    'Left out: what Fly takes to pull the image and to replace a machine, rate limits, pauses, failures, machines at work or on lost hosts, and the two looks at the end.',
  ]);
}

/** What is said of the machines before what is said of the rollout; of both, the surprising first. */
const SECTIONS: readonly ((findings: Findings) => PlanSection | undefined)[] = [
  holds,
  neverResting,
  differences,
  earlierStarts,
  order,
  left,
  unusual,
  images,
  time,
];

/** The sections that have something to say, but for what Fly goes on believing. */
export const sectionsOf = (findings: Findings): PlanSection[] => SECTIONS.flatMap((say) => say(findings) ?? []);
