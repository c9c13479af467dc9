import { hasImage } from './change.js';
import { clip, firstOf } from './clip.js';
import { differencesOf } from './differences.js';
import { isInside } from './fleet.js';
import type { Forecast } from './forecast.js';
import { iso } from './iso.js';
import { groupBy } from './group-by.js';
import { rulesOf, type Standing } from './machine.js';
import { atMost, meantUp, minorityOf } from './capacity.js';
import { sayCount } from './say-count.js';
import { sayMs } from './say-ms.js';
import type { Plan } from './plan.js';
import { earlierStartsOf, type Held, holdsOf, imagesOf, type Surveyed, tireless } from './survey.js';

/** All that a plan is told from. */
export interface Findings {
  readonly fleet: readonly Surveyed[];
  readonly plan: Plan;
  readonly forecast: Forecast;
  /** What there is to say of the pin. */
  readonly pinNote: string | undefined;
}

/** What becomes of machines by standing, where that is worth a note, and what an operator can do about it. */
const STANDINGS: readonly { readonly standing: Standing; readonly one: string; readonly many: string }[] = [
  {
    standing: 'cut',
    one: 'machine was stopped by the update of an earlier start of this change while at work: it is started again',
    many: 'machines were stopped by the update of an earlier start of this change while at work: they are started again',
  },
  {
    standing: 'unreachable',
    one: 'machine sits on a host that is not ok: it is waited for, and the rollout ends Partial without it',
    many: 'machines sit on a host that is not ok: they are waited for, and the rollout ends Partial without them',
  },
  {
    standing: 'foreign',
    one: 'machine runs something that this rollout may not touch: it is left, and the rollout ends Partial',
    many: 'machines run something that this rollout may not touch: they are left, and the rollout ends Partial',
  },
  {
    standing: 'unmanaged',
    one: 'machine without fly_platform_version=v2 is left ("unmanaged": "include" takes it)',
    many: 'machines without fly_platform_version=v2 are left ("unmanaged": "include" takes them)',
  },
  {
    standing: 'suspended',
    one: 'suspended machine is left while suspended ("suspended": "update" takes it, and it loses its memory)',
    many: 'suspended machines are left while suspended ("suspended": "update" takes them, and they lose their memory)',
  },
  {
    standing: 'containers',
    one: 'machine is left, since the change is not for its containers ("image" names each container, or is one image for machines without)',
    many: 'machines are left, since the change is not for their containers ("image" names each container, or is one image for machines without)',
  },
  {
    standing: 'special',
    one: 'machine that Fly or flyctl made for a moment is left',
    many: 'machines that Fly or flyctl made for a moment are left',
  },
];

/** A note for each standing that keeps machines from being updated like the others. */
export function standingNotes(fleet: readonly Surveyed[]): string[] {
  return STANDINGS.flatMap(({ standing, one, many }) => {
    const count = fleet.filter((machine) => machine.standing === standing).length;
    return count === 0 ? [] : [sayCount(count, one, many)];
  });
}

/** Only what a rollout selects does it put right. */
function holdNote({ fleet }: Findings): string[] {
  const say = (kin: readonly Held[], way: string): string[] => {
    const ids = kin.map(({ machine }) => machine.id);
    const held = sayCount(kin.length, 'machine is', 'machines are');
    const what = 'cordoned or stopped by a rollout that could not put that back';
    return kin.length === 0 ? [] : [`${held} held, ${what}: ${way} (${firstOf(ids, 5)})`];
  };
  const holds = holdsOf(fleet);
  return [
    ...say(
      holds.filter(({ standing }) => standing === 'held'),
      'this one does, first',
    ),
    ...say(
      holds.filter(({ standing }) => standing !== 'held'),
      'outside this selection, or not to be read, and left as they are',
    ),
  ];
}

/** What becomes of machines that nothing but a rollout stops. */
export const sayStop = (forceAfterMs: number | undefined): string =>
  forceAfterMs === undefined
    ? 'they are left over at the deadline (with "forceAfter" they would be stopped)'
    : `they are stopped ${sayMs(forceAfterMs)} after their last start, and no sooner after this rollout’s ("forceAfter")`;

function tirelessNote({ fleet, plan: { forceAfterMs } }: Findings): string[] {
  const found = tireless(fleet).length;
  if (found === 0) return [];
  return [
    `${sayCount(found, 'working machine never rests', 'working machines never rest')} without being stopped (restart policy "always", no autostop): ${sayStop(forceAfterMs)}`,
  ];
}

function timeNote({ forecast, plan: { deadlineMs } }: Findings): string[] {
  if (deadlineMs === undefined || forecast.leastMs <= deadlineMs) return [];
  return [
    `the deadline of ${sayMs(deadlineMs)} is too short: the idle machines alone take ${sayMs(forecast.leastMs)} at the least`,
  ];
}

function mixedNotes({ fleet, plan: { context } }: Findings): string[] {
  const differing = [...new Set(differencesOf(fleet).map(({ group }) => group))];
  const isOff = ({ standing, image }: Surveyed) =>
    image !== undefined && (standing === 'suspended' || (isInside(standing) && standing !== 'atTarget'));
  const images = imagesOf(fleet.filter(isOff));
  const off = images.length > 1 && hasImage(context.change);
  return [
    ...(off ? [`the machines off target run ${images.length} different images`] : []),
    ...(differing.length === 0 ? [] : [`machines of one process group are not alike: ${firstOf(differing, 5, 40)}`]),
  ];
}

function earlierNote({ fleet, plan: { context } }: Findings): string[] {
  const starts = earlierStartsOf(fleet, context.rollout);
  if (starts.length === 0) return [];
  const names = firstOf(
    starts.map(({ name }) => name),
    5,
  );
  const marked = starts.reduce((sum, { machines }) => sum + machines.length, 0);
  return [
    `continues an earlier start of this change (${names}): ${sayCount(marked, 'machine carries', 'machines carry')} its mark`,
  ];
}

/** How many of a group its numbers let be away at once, of so many that are taken in their turn. */
function mostAway(group: string, taken: readonly Surveyed[], up: number, context: Plan['context']): number {
  const { maxUnavailable } = rulesOf(context, { group });
  if (maxUnavailable !== undefined) return Math.min(taken.length, atMost(maxUnavailable, up));
  const places = groupBy(taken, ({ machine }) => machine.region);
  return [...places.values()].reduce(
    (sum, { length }) => sum + Math.min(length, atMost(context.maxUnavailable, length)),
    0,
  );
}

/** A cluster stands still without a majority of its machines, whether they are selected or not. */
function majorityNotes({ fleet, plan: { type, context } }: Findings): string[] {
  if (type !== 'processGroup') return [];
  const there = fleet.filter(({ standing }) => standing !== 'gone' && standing !== 'special');
  const members = meantUp(
    there.map(({ machine }) => machine),
    context,
  );
  return [...groupBy(members, ({ group }) => group)].flatMap(([group, kin]) => {
    const isTaken = ({ machine, standing }: Surveyed) =>
      machine.group === group && isInside(standing) && machine.state === 'started';
    const spare = minorityOf(kin.length);
    const most = mostAway(group, there.filter(isTaken), kin.length, context);
    const { whole, idleOnly } = rulesOf(context, { group });
    if (kin.length < 3 || most <= spare || whole === true || idleOnly === true) return [];
    return [
      `"maxUnavailable" lets ${most} of the ${kin.length} machines of ${clip(group, 40)} that are meant to be up be away at once, which leaves no majority of them. If they form a cluster that needs one, write \`{"group": "${clip(group, 40)}", "maxUnavailable": ${spare}}\``,
    ];
  });
}

function restartNote({ plan: { context } }: Findings): string[] {
  const { startedSince } = context.change;
  if (startedSince === undefined) return [];
  const at = iso(startedSince);
  return [
    `working machines that started before ${at} are started anew; idle ones read their secrets at their next start, and get no write for it. Set secrets with fly secrets set --stage: without it Fly restarts every machine at once. To go on with this very restart later write "restart": "${at}"`,
  ];
}

function suspendedNote({ fleet, plan: { context } }: Findings): string[] {
  const count = fleet.filter((one) => one.machine.state === 'suspended' && one.standing === 'ready').length;
  if (count === 0 || context.suspended === 'leave') return [];
  return [
    `${sayCount(count, 'suspended machine is updated and loses its', 'suspended machines are updated and lose their')} memory`,
  ];
}

/** What is wrong or surprising, worst first: few sentences, since the rollout shows them as long as it runs. */
export function notesOf(findings: Findings): string[] {
  const { pinNote, fleet } = findings;
  const { unlisted, attributes } = findings.plan;
  return [
    ...(unlisted === 0 ? [] : [`the app counts ${unlisted} machines more than Fly lists: those are not updated`]),
    ...holdNote(findings),
    ...timeNote(findings),
    ...tirelessNote(findings),
    ...(pinNote === undefined ? [] : [pinNote]),
    ...majorityNotes(findings),
    ...restartNote(findings),
    ...suspendedNote(findings),
    ...mixedNotes(findings),
    ...earlierNote(findings),
    ...standingNotes(fleet),
    ...(attributes.length > 0
      ? []
      : [
          'the namespace has no search attribute FlyApp, FlyImage or RolloutPhase: the rollout runs all the same, lists cannot filter by it',
        ]),
  ];
}
