import type { GroupEntry, GroupInput } from '../input/types.js';
import { AFTER_ENTRIES, type Left, withLate } from './late-steps.js';
import type { Step } from './steps.js';

/** Working machines of an `idleOnly` group are waited for a day, unless the input says otherwise. */
const IDLE_ONLY_MS = 86_400_000;

const entriesOf = ({ groups }: GroupInput): GroupEntry[] => groups.filter((entry) => entry.kind === 'group');

/** The groups that an input names, in their order. */
export const namedGroups = (input: GroupInput): string[] => entriesOf(input).map(({ group }) => group);

/** The groups that have numbers of their own, with them. */
export const ownRules = (input: GroupInput): Readonly<Record<string, GroupEntry['rules']>> =>
  Object.fromEntries(
    entriesOf(input)
      .filter(({ rules }) => Object.keys(rules).length > 0)
      .map(({ group, rules }) => [group, rules]),
  );

/** The names that other steps have, or could have. */
const isAmbiguous = (group: string): boolean =>
  AFTER_ENTRIES.includes(group) || group.includes(':') || group.startsWith('group ');

/** A step has its group's name, and no other step has it. */
const stepNameOf = (group: string): string => (isAmbiguous(group) ? `group ${group}` : group);

/**
 * Groups without a selected machine: a typing error must not skip one.
 * @param there the groups that have one.
 */
export function groupProblems(input: GroupInput, there: readonly string[]): string[] {
  return namedGroups(input)
    .filter((group) => !there.includes(group))
    .map(
      (group) =>
        `groups: ${JSON.stringify(group)} has no selected machine; there are some in ${there.toSorted().slice(0, 20).join(', ') || 'no group'}`,
    );
}

/**
 * The steps of a processGroup: each group with a closing pass of its own, its bake, and a person's yes where it is
 * asked for, before the next begins.
 */
export function compileGroups(input: GroupInput, left: Left): Step[] {
  const last = namedGroups(input).at(-1);
  let scope = {};
  let name = '';
  const steps = input.groups.flatMap((entry): Step[] => {
    const approval = (ms: number): Step => ({ kind: 'approval', name: `${name}:approval`, scope, ms });
    if (entry.kind === 'approval') return [approval(entry.ms)];
    name = stepNameOf(entry.group);
    scope = { groups: [entry.group] };
    const waits = entry.rules.idleOnly === true ? { waitMs: entry.deadlineMs ?? IDLE_ONLY_MS } : {};
    const ms = entry.bakeMs ?? input.bakeMs;
    return [
      { kind: 'update', name, scope, closing: true, ...waits },
      { kind: 'bake', name: `${name}:bake`, scope, ms, gates: input.gates },
      ...(input.approvalMs === undefined || entry.group === last ? [] : [approval(input.approvalMs)]),
    ];
  });
  return withLate(steps, input, left);
}
