import { z } from 'zod';
import { CHANGE, checkChange, Duration, Healthy, MaxUnavailable } from './fields.js';
import { Approval, approvalMsOf } from './gates.js';
import { checkPatience, JUDGED, patienceProblem, readJudged } from './judged.js';
import type { ApprovalEntry, ChangeInput, GroupEntry, GroupInput } from './types.js';

const Name = z
  .string('must be text')
  .min(1, 'must not be empty')
  .regex(/^[^\p{Cc}\p{Cf}'"`\\]*$/u, 'must be the name of a process group, without quotes and control characters');

const Yes = z.literal(true, 'must be true, or left out');

const Entry = z
  .strictObject(
    {
      group: Name,
      maxUnavailable: MaxUnavailable.optional(),
      healthy: Healthy.optional(),
      bake: Duration.optional(),
      idleOnly: Yes.optional(),
      deadline: Duration.optional(),
      whole: Yes.optional(),
    },
    'must be an object like {"group": "zk", "maxUnavailable": 1}',
  )
  .refine(({ deadline, idleOnly }) => deadline === undefined || idleOnly === true, {
    path: ['deadline'],
    message: 'needs "idleOnly": true: others are updated while they work, and wait for nobody',
  })
  .superRefine(({ healthy }, context) => {
    const message = healthy && patienceProblem(healthy.forMs);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['healthy', 'for'], message });
  });

const Groups = z
  .array(
    z.union(
      [Name, z.strictObject({ approval: Approval }), Entry],
      'must be a process group, "approval", or an object like {"group": "zk", "maxUnavailable": 1}',
    ),
    'must be a list, like ["supervisor", "approval", "conductor"]',
  )
  .min(1, 'must name at least one process group: what is not named is not touched')
  .max(50, 'must not have more than 50 entries');

type Written = z.output<typeof Groups>[number];

const nameOf = (entry: Written): string | undefined => {
  if (typeof entry === 'string') return entry === APPROVAL ? undefined : entry;
  return 'group' in entry ? entry.group : undefined;
};

const APPROVAL = 'approval';

function groupsProblem(groups: readonly Written[], asksAlways: boolean): string | undefined {
  const named = groups.map(nameOf);
  const twice = named.find((name, index) => name !== undefined && named.indexOf(name) !== index);
  if (twice !== undefined) return `names ${JSON.stringify(twice)} twice; each group has its turn once`;
  const isBetween = (index: number) => named[index - 1] !== undefined && named[index + 1] !== undefined;
  if (named.some((name, index) => name === undefined && !isBetween(index)))
    return '"approval" must stand between two groups: it is what the second waits for';
  return asksAlways && named.includes(undefined)
    ? '"approval" stands here and in "gates", which asks after every group; leave one of them out'
    : undefined;
}

/** What an operator writes for a `processGroup`, before defaults. */
export const Group = z
  .strictObject({ ...CHANGE, groups: Groups, ...JUDGED })
  .superRefine(checkChange)
  .superRefine(checkPatience)
  .superRefine(({ groups, gates }, context) => {
    const message = groupsProblem(groups, readJudged({ bake: 0, gates }).approvalMs !== undefined);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['groups'], message });
  });

function readEntry(entry: Written): GroupEntry | ApprovalEntry {
  if (entry === APPROVAL || (typeof entry === 'object' && 'approval' in entry))
    return { kind: 'approval', ms: approvalMsOf(entry) };
  if (typeof entry === 'string') return { kind: 'group', group: entry, rules: {} };
  const { group, bake, deadline, maxUnavailable, healthy, idleOnly, whole } = entry;
  return {
    kind: 'group',
    group,
    rules: {
      ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
      ...(healthy === undefined ? {} : { healthy }),
      ...(idleOnly === undefined ? {} : { idleOnly }),
      ...(whole === undefined ? {} : { whole }),
    },
    ...(bake === undefined ? {} : { bakeMs: bake }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
  };
}

/** The options that only a processGroup has. */
export const readGroups = ({
  groups,
  ...judged
}: Pick<z.output<typeof Group>, 'groups' | keyof typeof JUDGED>): Omit<GroupInput, keyof ChangeInput | 'type'> => ({
  groups: groups.map(readEntry),
  ...readJudged(judged),
});
