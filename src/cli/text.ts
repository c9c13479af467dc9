/** How the commands lay out text: everything that comes from elsewhere passes through here before a terminal sees it. */

/** Control characters could move the cursor or hide text; a line break becomes a space. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');

const isNumber = (cell: string): boolean => /^-?\d+(\.\d+)?$/.test(cell);

/** Rows in columns as wide as their widest cell; columns of numbers are set to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = rows.map((row) => head.map((_, column) => plain(row[column] ?? '')));
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map(
    (_, column) => cells.length > 0 && cells.every((row) => isNumber(row[column] ?? '') || row[column] === ''),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return numeric[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(head), ...cells.map(line)];
}

export const indent = (lines: readonly string[], by = 2): string[] => lines.map((line) => `${' '.repeat(by)}${line}`);

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** A length of time in its two greatest units: `2h 5m`. */
export function sayLength(ms: number): string {
  let rest = Math.max(0, ms);
  const parts: string[] = [];
  for (const [name, unit] of UNITS) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0 || parts.length > 0) parts.push(`${count}${name}`);
  }
  return parts.length === 0 ? '0s' : parts.slice(0, 2).join(' ');
}

/** A moment as it was told, and how long ago that is. */
export const sayAgo = (iso: string, now: number): string => `${iso} (${sayLength(now - Date.parse(iso))} ago)`;
