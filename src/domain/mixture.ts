import { clip } from './clip.js';
import { hashOfMark } from './change.js';
import { groupBy } from './group-by.js';
import type { Judged, RolloutContext } from './machine.js';
import type { Place } from './pools.js';
import { ulidTime } from './ulid.js';

/** Machines of one place that run one image. */
export interface ImageRow extends Place {
  /** `registry/repository:tag@sha256:…`, its digest cut short. */
  readonly image: string;
  readonly machines: number;
  /** When the first of them came to the version that it runs, Fly's ms; left out where versions tell no time. */
  readonly since?: number;
}

/** What a fleet runs, the commonest first. */
export interface Mixture {
  readonly rows: readonly ImageRow[];
  /** Machines in rows that are not listed. */
  readonly more: number;
  /** When the first machine that is marked by this change came to its version, Fly's ms. */
  readonly changedSince?: number;
}

/** Keeps an observation small: five KB at most. */
const MOST_ROWS = 25;
const MOST_TEXT = 120;

const firstBirth = (versions: readonly string[]): number | undefined => {
  const born = versions.map(ulidTime).filter((at) => !Number.isNaN(at));
  return born.length === 0 ? undefined : Math.min(...born);
};

/** Counts what every machine of the app runs, selected or not, by image and place. */
export function mixtureOf(judged: readonly Judged[], { rollout }: Pick<RolloutContext, 'rollout'>): Mixture {
  const there = judged.filter(({ standing }) => standing !== 'gone').map(({ machine }) => machine);
  const kinds = [...groupBy(there, ({ image, region, group }) => JSON.stringify([image, region, group])).values()];
  const rows = kinds.flatMap((kin): ImageRow[] => {
    const [one] = kin;
    if (one === undefined) return [];
    const since = firstBirth(kin.map(({ version }) => version));
    const row = { image: clip(one.image, MOST_TEXT), region: one.region, group: one.group, machines: kin.length };
    return [since === undefined ? row : { ...row, since }];
  });
  const sorted = rows.toSorted((a, b) => b.machines - a.machines || (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const ours = there.filter(({ mark }) => hashOfMark(mark) === rollout.hash);
  const changedSince = firstBirth(ours.map(({ version }) => version));
  return {
    rows: sorted.slice(0, MOST_ROWS),
    more: sorted.slice(MOST_ROWS).reduce((sum, { machines }) => sum + machines, 0),
    ...(changedSince === undefined ? {} : { changedSince }),
  };
}
