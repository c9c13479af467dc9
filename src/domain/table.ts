import { FROM_KEY, hashOfMark, hasImage, isMarkOf, isRestartOnly, repositoryOf } from './change.js';
import { isCrashed } from './members.js';
import { readFrom } from './from.js';
import {
  GONE,
  IDLE,
  isAtTarget,
  isChanged,
  isIdle,
  isInPlace,
  isLaunching,
  isUnstarted,
  type MachineFacts,
  REPLACING,
  type RolloutContext,
  type Standing,
} from './machine.js';
import { isSelected } from './selection.js';
import { hasRunBefore } from './verdict.js';

interface Row {
  readonly standing: Standing;
  readonly when: (machine: MachineFacts, context: RolloutContext) => boolean;
  readonly because: string;
}

/** Whether its newest start is so old that it may be stopped; one that shows no event at all is as old as can be. */
const hadItsTime = ({ lastStartAt = 0 }: MachineFacts, { forceBefore }: RolloutContext): boolean =>
  forceBefore !== undefined && lastStartAt <= forceBefore;

const UNDER_WAY: Row = {
  standing: 'busy',
  when: (m, c) => REPLACING.includes(m.state) || isLaunching(m, c),
  because: 'an update of it is under way',
};
const BETWEEN: Row = { standing: 'busy', when: () => true, because: 'it is between two states; look again' };

/**
 * The table, first match wins. Order matters: what is outside the selection comes before what it would need, an
 * unreadable host before any judgement of its config, a hold before whatever else it may be, the target before its provenance (a machine somebody else
 * brought there is at target too), and provenance before idleness, so that a foreign machine is never written.
 */
export const TABLE: readonly Row[] = [
  { standing: 'gone', when: (m) => GONE.includes(m.state), because: 'it was destroyed' },
  { standing: 'excluded', when: (m, c) => !isSelected(c.selection, m), because: 'only/except leave it out' },
  { standing: 'special', when: (m) => m.special !== undefined, because: 'Fly or flyctl made it for a moment' },
  {
    standing: 'unmanaged',
    when: (m, c) => !m.managed && m.readable && c.unmanaged === 'leave',
    because: 'it was made by the API without fly_platform_version=v2, and "unmanaged" says leave',
  },
  { standing: 'unreachable', when: (m) => !m.hostOk, because: 'its host is not ok, so its config cannot be read' },
  {
    standing: 'containers',
    when: (m, c) => !isRestartOnly(c.change) && m.containers !== (c.change.containers === undefined ? 'none' : 'named'),
    because: 'the change is not for its containers: "image" names each, like {"api": "registry.fly.io/api:v2"}',
  },
  UNDER_WAY,
  {
    standing: 'held',
    when: (m) => m.hold !== undefined,
    because: 'Layover cordoned or stopped it and could not put that back yet: it is put right',
  },
  {
    standing: 'cut',
    when: (m, c) => c.cut.includes(m.id) && (m.cut || isUnstarted(m)) && IDLE.includes(m.state) && isAtTarget(m, c),
    because: 'an earlier start of this change met it at work and stopped it: it is started again',
  },
  {
    standing: 'cut',
    when: (m, c) => isRestartOnly(c.change) && isCrashed(m, c) && hasRunBefore(m, c),
    because: 'it has crashed, and its group misses it: a start is all that it needs',
  },
  { standing: 'atTarget', when: isAtTarget, because: 'it is as the change wants it' },
  {
    standing: 'suspended',
    when: (m, c) => (m.state === 'suspended' || m.state === 'suspending') && c.suspended === 'leave',
    because: 'an update would lose its memory, and "suspended" says leave',
  },
  {
    standing: 'foreign',
    when: (m, c) => isMarkOf(m.mark, c.rollout),
    because: 'it carries the mark of this rollout and was changed since',
  },
  {
    standing: 'foreign',
    when: (m, c) =>
      !c.allowOtherRepository &&
      m.repository !== undefined &&
      hasImage(c.change) &&
      m.repository !== repositoryOf(c.change),
    because: 'it runs an image of another repository',
  },
  {
    standing: 'foreign',
    when: (m, c) => !c.origins.includes(m.digest ?? '') && !c.unread.includes(m.id),
    because: 'it runs an image that was not in the fleet when this rollout was planned',
  },
  { standing: 'ready', when: isIdle, because: 'it is idle and off target' },
  {
    standing: 'overdue',
    when: (m, c) => m.state === 'started' && m.onlyIdle === undefined && hadItsTime(m, c),
    because: 'it has worked past "forceAfter": it is cordoned, stopped and updated',
  },
  {
    standing: 'due',
    when: (m, c) => m.state === 'started' && m.onlyIdle === undefined && isInPlace(c, m),
    because: 'it is working and off target: it is updated where it is',
  },
  { standing: 'straggler', when: (m) => m.state === 'started', because: 'it is working; it is updated when it stops' },
  BETWEEN,
];

/** It was updated while it worked, or the operator says that it may be cut. */
const mayGoBackAtWork = ({ metadata, onlyIdle }: MachineFacts, { back }: RolloutContext): boolean =>
  onlyIdle === undefined && (back?.force === true || readFrom(metadata[FROM_KEY])?.inPlace === true);

const rowsOf = (...standings: Standing[]): Row[] => TABLE.filter(({ standing }) => standings.includes(standing));

/**
 * The table of the way back: who does not carry the mark of the change gets no write, and neither does who was changed
 * by hand since (flyctl keeps metadata it does not know, so such a machine carries the mark too).
 */
export const BACK_TABLE: readonly Row[] = [
  ...rowsOf('gone'),
  {
    standing: 'foreign',
    when: (m, c) => !isSelected(c.selection, m) && isMarkOf(m.mark, { ...c.rollout, hash: c.back?.hash ?? '' }),
    because: 'this rollout wrote to it, and only/except or its process group leave it out by now: it is left as it is',
  },
  ...rowsOf('excluded', 'special', 'unreachable'),
  UNDER_WAY,
  ...rowsOf('held', 'cut'),
  { standing: 'atTarget', when: isAtTarget, because: 'it was brought back' },
  {
    standing: 'untouched',
    when: (m, c) => hashOfMark(m.mark) !== c.back?.hash,
    because: 'the change was never written to it, or did not last',
  },
  ...rowsOf('suspended'),
  {
    standing: 'foreign',
    when: (m, c) => c.back?.changed.includes(m.id) === true || (c.pin !== undefined && !isChanged(m, c)),
    because: 'somebody changed it since',
  },
  ...rowsOf('ready'),
  {
    standing: 'due',
    when: (m, c) => m.state === 'started' && mayGoBackAtWork(m, c),
    because: 'it is working: it goes back where it is',
  },
  { standing: 'straggler', when: (m) => m.state === 'started', because: 'it is working; it goes back when it stops' },
  BETWEEN,
];

/** The first row that matches. */
export function classify(machine: MachineFacts, context: RolloutContext): { standing: Standing; because: string } {
  for (const row of context.back === undefined ? TABLE : BACK_TABLE)
    if (row.when(machine, context)) return { standing: row.standing, because: row.because };
  return { standing: 'busy', because: 'no row matched' };
}
