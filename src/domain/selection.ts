import type { Selector } from '../input/types.js';

/** What a selector looks at. */
export interface Selectable {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** False while its host hides its config. */
  readonly readable: boolean;
  /** False where its metadata is hidden as well: then its group is unknown too, and neither excludes anything. */
  readonly labelled: boolean;
}

export interface Selection {
  readonly only?: Selector;
  readonly except?: Selector;
}

interface KeyMatches {
  readonly regions: boolean | undefined;
  readonly processGroups: boolean | undefined;
  readonly machines: boolean | undefined;
  readonly metadata: boolean | undefined;
}

function matches(selector: Selector, machine: Selectable): KeyMatches {
  const entries = selector.metadata && Object.entries(selector.metadata);
  return {
    regions: selector.regions?.includes(machine.region),
    processGroups: machine.labelled ? selector.processGroups?.includes(machine.group) : undefined,
    machines: selector.machines?.includes(machine.id),
    metadata: machine.labelled ? entries?.every(([key, value]) => machine.metadata[key] === value) : undefined,
  };
}

/** `only`: every named key must match. `except`: any key suffices. */
export function isSelected(selection: Selection, machine: Selectable): boolean {
  const { only, except } = selection;
  if (only !== undefined && Object.values(matches(only, machine)).includes(false)) return false;
  return except === undefined || !Object.values(matches(except, machine)).includes(true);
}

/** The selection as one machine's order carries it: lists of thousands of ids shrink to the one that matters. */
export function selectionFor(selection: Selection, id: string): Selection {
  const narrow = (selector: Selector): Selector => {
    if (selector.machines === undefined) return selector;
    return { ...selector, machines: [selector.machines.includes(id) ? id : '-'] };
  };
  return {
    ...(selection.only === undefined ? {} : { only: narrow(selection.only) }),
    ...(selection.except === undefined ? {} : { except: narrow(selection.except) }),
  };
}

const known = (values: readonly string[]): string => [...new Set(values)].toSorted().slice(0, 20).join(', ') || 'none';

function selectorProblems(path: string, selector: Selector, fleet: readonly Selectable[]): string[] {
  const problems: string[] = [];
  const unknown = (key: string, named: readonly string[] | undefined, there: readonly string[], what: string) => {
    for (const name of named ?? []) {
      if (there.includes(name)) continue;
      problems.push(`${path}.${key}: ${what} ${JSON.stringify(name)} is not in this app; it has ${known(there)}`);
    }
  };
  unknown(
    'regions',
    selector.regions,
    fleet.map((m) => m.region),
    'region',
  );
  unknown(
    'processGroups',
    selector.processGroups,
    fleet.map((m) => m.group),
    'process group',
  );
  unknown(
    'machines',
    selector.machines,
    fleet.map((m) => m.id),
    'machine',
  );
  for (const [key, value] of Object.entries(selector.metadata ?? {})) {
    if (fleet.some((m) => m.metadata[key] === value)) continue;
    problems.push(`${path}.metadata.${key}: no machine has ${JSON.stringify(value)} there`);
  }
  return problems;
}

/** Names that do not exist are errors, each with what does exist: a typing error must not widen or empty a rollout. */
export function selectionProblems(selection: Selection, fleet: readonly Selectable[]): string[] {
  return [
    ...(selection.only === undefined ? [] : selectorProblems('only', selection.only, fleet)),
    ...(selection.except === undefined ? [] : selectorProblems('except', selection.except, fleet)),
  ];
}
