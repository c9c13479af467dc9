import type { Amount, CanaryInput } from '../input/types.js';
import { sayCount } from './say-count.js';
import { type Left, withLate } from './late-steps.js';
import type { Step } from './steps.js';

/** A region with how many of its selected machines work. */
export interface RegionCount {
  readonly region: string;
  readonly working: number;
}

/** Regions that move together, under the name that their steps have. */
interface Entry {
  readonly name: string;
  readonly regions: readonly string[];
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

/** The entries in their order; where the operator names none, every region has its turn, the smallest first. */
function entriesOf({ entries }: CanaryInput, counts: readonly RegionCount[]): Entry[] {
  const sorted = counts.toSorted((a, b) => a.working - b.working || byName(a.region, b.region));
  if (entries === undefined) return sorted.map(({ region }) => ({ name: region, regions: [region] }));
  const named = new Set(entries.flat());
  const others = sorted.map(({ region }) => region).filter((region) => !named.has(region));
  return entries
    .map((entry) =>
      entry === '*' ? { name: 'others', regions: others.toSorted(byName) } : { name: entry.join('+'), regions: entry },
    )
    .filter(({ regions }) => regions.length > 0);
}

/** Regions that the app's selected machines do not have: a typing error must not skip one. */
export function regionProblems({ entries = [] }: CanaryInput, counts: readonly RegionCount[]): string[] {
  const there = counts.map(({ region }) => region);
  const unknown = entries.flat().filter((region) => region !== '*' && !there.includes(region));
  return unknown.map(
    (region) =>
      `regions: ${JSON.stringify(region)} has no selected machine; there are some in ${there.toSorted(byName).slice(0, 20).join(', ') || 'no region'}`,
  );
}

/** The sizes of the batches, each with those before it counted in; none is larger than what there is. */
function sizesOf(batches: readonly Amount[], working: number): number[] {
  const sizes: number[] = [];
  let sum = 0;
  for (const amount of batches) {
    if (sum >= working) break;
    sum = Math.min(working, sum + ('count' in amount ? amount.count : Math.max(1, Math.ceil(amount.share * working))));
    sizes.push(sum);
  }
  return sizes;
}

function stepsOf({ name, regions }: Entry, input: CanaryInput, working: number, isLast: boolean): Step[] {
  const scope = { regions };
  const batches = sizesOf(input.batches, working).map((batch, index): Step => ({
    kind: 'update',
    name: `${name}:batch-${index + 1}`,
    scope,
    batch,
  }));
  const approval: Step[] =
    input.approvalMs === undefined || isLast
      ? []
      : [{ kind: 'approval', name: `${name}:approval`, scope, ms: input.approvalMs }];
  return [
    ...batches,
    { kind: 'update', name: `${name}:rest`, scope },
    { kind: 'bake', name: `${name}:bake`, scope, ms: input.bakeMs, gates: input.gates },
    ...approval,
  ];
}

/**
 * The steps of a canary: for each entry its batches, its rest, its bake and a person's yes before the next.
 * @param counts of every region of the selection.
 */
export function compileCanary(input: CanaryInput, counts: readonly RegionCount[], left: Left): Step[] {
  const entries = entriesOf(input, counts);
  const workingIn = (regions: readonly string[]) =>
    counts.filter(({ region }) => regions.includes(region)).reduce((sum, { working }) => sum + working, 0);
  const steps = entries.flatMap((entry, index) =>
    stepsOf(entry, input, workingIn(entry.regions), index === entries.length - 1),
  );
  return withLate(steps, input, left);
}

/** What a canary of so many machines can see of a fault that hits half of them at random. */
export function sayEyes(machines: number): string {
  const seen = 1 - 0.5 ** machines;
  return `${sayCount(machines, 'machine finds', 'machines find')} a fault that hits half of them with ${Math.floor(seen * 1_000) / 10} %`;
}
