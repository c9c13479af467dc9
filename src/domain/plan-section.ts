import { clip, firstOf } from './clip.js';
import type { Place } from './pools.js';
import type { PlanRow, PlanSection } from './plan-report.js';

/** Rows that keep a report below 100 KB; what is cut off is counted in the section's last line. */
const MOST_ROWS = 25;
const MOST_IDS = 8;

/** The first of their ids, and how many more there are. */
export const idsOf = (fleet: readonly { readonly id: string }[]): string =>
  firstOf(
    fleet.map(({ id }) => id),
    MOST_IDS,
  );

/** A section, its rows bounded; undefined where it has nothing to say. */
export function section(
  title: string,
  lines: readonly string[],
  rows: readonly PlanRow[] = [],
): PlanSection | undefined {
  if (lines.length === 0 && rows.length === 0) return undefined;
  const more = rows.length - MOST_ROWS;
  const rest = more > 0 ? [`and ${more} more rows`] : [];
  return { title, lines: [...lines, ...rest], rows: rows.slice(0, MOST_ROWS) };
}

/** A place as the first columns of a row. */
export const placeOf = (place: Place | undefined) => ({
  region: clip(place?.region ?? '', 10),
  group: clip(place?.group ?? '', 40),
});
