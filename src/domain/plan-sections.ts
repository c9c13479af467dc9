import { capacitySection, stepsSection } from './canary-sections.js';
import { clip, firstOf } from './clip.js';
import { groupBy } from './group-by.js';
import type { MachineFacts, Standing } from './machine.js';
import { differences, earlierStarts, holds, neverResting, unusual } from './odd-sections.js';
import { idleSlots } from './pace.js';
import type { Findings } from './plan-notes.js';
import type { PlanSection } from './plan-report.js';
import { idsOf, placeOf, section } from './plan-section.js';
import { machines, sayCount } from './say-count.js';
import { sayMs } from './say-ms.js';
import { imagesOf, type Kin } from './survey.js';

/** What those at work wait for. */
const sayWorking = (forceAfterMs: number | undefined): string =>
  forceAfterMs === undefined
    ? 'each is updated when it stops by itself.'
    : `each is updated when it stops by itself, or is stopped for it ${sayMs(forceAfterMs)} after its last start, and no sooner after this rollout’s ("forceAfter").`;

function order({ forecast, fleet, plan }: Findings): PlanSection | undefined {
  const { steps, pools } = forecast;
  const first = steps[0]?.[0];
  const updated = steps.reduce((sum, step) => sum + step.length, 0);
  const working = fleet.filter(({ standing }) => standing === 'straggler').length;
  const rows = pools.map((pool) => ({
    ...placeOf(pool),
    selected: pool.selected,
    'at target': pool.atTarget,
    idle: pool.idle,
    'at once': idleSlots(pool.idle),
  }));
  const lines = [
    ...(first === undefined
      ? ['No machine is idle and off target now.']
      : [
          `${machines(updated)} idle now, in ${sayCount(steps.length, 'step', 'steps')}: ${first.id} (${clip(first.region, 10)}, ${clip(first.group, 40)}) first${(steps[0]?.length ?? 0) > 1 ? '' : ', alone'}; then by turns through regions and groups.`,
        ]),
    ...(working === 0 ? [] : [`${machines(working)} at work: ${sayWorking(plan.forceAfterMs)}`]),
  ];
  const booted = sayCount(plan.bootFirst, 'machine is', 'machines are');
  const boots =
    plan.bootFirst === 0 ? [] : [`${booted} started after the update, and all others wait until so many have passed.`];
  return section('Order', [...lines, ...boots], rows);
}

/** Why machines are not updated, or not now, and what takes them. */
const LEFT: readonly { readonly standing: Standing; readonly way: string }[] = [
  { standing: 'foreign', way: 'the rollout ends Partial' },
  { standing: 'unreachable', way: 'waited for; without it the end is Partial' },
  { standing: 'busy', way: 'looked at again' },
  { standing: 'unmanaged', way: '"unmanaged": "include" takes them' },
  { standing: 'suspended', way: '"suspended": "update" takes them, and they lose their memory' },
  { standing: 'containers', way: 'left: a rollout of its own takes them' },
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

/** Whole groups that are not selected, and what they go on running. */
function leftGroups({ fleet }: Findings): PlanSection | undefined {
  const there = fleet.filter(({ standing }) => standing !== 'gone' && standing !== 'special');
  const rows = [...groupBy(there, ({ machine }) => machine.group)].flatMap(([group, kin]) =>
    kin.every(({ standing }) => standing === 'excluded')
      ? imagesOf(kin).map((image) => ({
          group: clip(group, 40),
          machines: image.machines.length,
          'goes on running': clip(image.name, 360),
        }))
      : [],
  );
  return section('Groups that are left as they are', [], rows);
}

function time({ forecast, plan: { deadlineMs } }: Findings): PlanSection | undefined {
  const { inARow, leastMs } = forecast;
  if (inARow === 0) return undefined;
  return section('Shortest possible time', [
    `${sayMs(leastMs)} for the machines that are idle now: ${sayCount(inARow, 'update', 'updates')} in a row, a second each at the least.${deadlineMs === undefined ? '' : ` The deadline is ${sayMs(deadlineMs)}.`}`,
    'Left out: what Fly takes to pull the image and to replace a machine, rate limits, pauses, failures, machines at work or on lost hosts, and the two looks at the end.',
  ]);
}

/** What is said of the machines before what is said of the rollout; of both, the surprising first. */
const isInPlace = ({ plan }: Findings): boolean => plan.context.inPlace === true;

const SECTIONS: readonly ((findings: Findings) => PlanSection | undefined)[] = [
  holds,
  neverResting,
  differences,
  earlierStarts,
  (findings) => (isInPlace(findings) ? stepsSection(findings) : order(findings)),
  (findings) => (isInPlace(findings) ? capacitySection(findings) : undefined),
  left,
  unusual,
  images,
  leftGroups,
  (findings) => (isInPlace(findings) ? undefined : time(findings)),
];

/** The sections that have something to say, but for what Fly goes on believing. */
export const sectionsOf = (findings: Findings): PlanSection[] => SECTIONS.flatMap((say) => say(findings) ?? []);
