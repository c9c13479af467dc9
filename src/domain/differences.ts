import { isInside } from './fleet.js';
import { groupBy } from './group-by.js';
import type { Surveyed } from './survey.js';

/** What machines of a process group may differ in. */
export const ASPECTS = ['env', 'mounts', 'checks', 'services', 'guest', 'restart', 'secrets'] as const;
/** One of them; what is named under each is said in docs/plan.md. */
export type Aspect = (typeof ASPECTS)[number];

/**
 * The parts of a config by aspect and name. The number stands for what is written under the name: equal numbers, equal
 * texts. So values never get here: no env, no check's headers.
 */
export type Parts = Readonly<Record<Aspect, Readonly<Record<string, number>>>>;

/** Machines that belong to the selection, or would if they were not suspended. */
const isOfFleet = ({ standing, machine }: Surveyed): boolean =>
  machine.readable && (isInside(standing) || standing === 'suspended');

/** Something that not all machines of a process group have, or not alike. */
export interface Difference {
  readonly group: string;
  readonly what: Aspect;
  readonly name: string;
  /** How many have it, of how many, and in how many forms. */
  readonly have: number;
  readonly of: number;
  readonly forms: number;
}

function differencesIn(group: string, kin: readonly Surveyed[], what: Aspect): Difference[] {
  const found = new Map<string, { have: number; forms: Set<number> }>();
  for (const { parts } of kin) {
    for (const [name, form] of Object.entries(parts[what])) {
      const part = found.get(name) ?? { have: 0, forms: new Set() };
      part.have += 1;
      part.forms.add(form);
      found.set(name, part);
    }
  }
  return [...found]
    .filter(([, { have, forms }]) => have < kin.length || forms.size > 1)
    .map(([name, { have, forms }]) => ({ group, what, name, have, of: kin.length, forms: forms.size }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What machines of one process group differ in, group by group. */
export function differencesOf(fleet: readonly Surveyed[]): Difference[] {
  const groups = groupBy(fleet.filter(isOfFleet), ({ machine }) => machine.group);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([group, kin]) => ASPECTS.flatMap((what) => differencesIn(group, kin, what)));
}
