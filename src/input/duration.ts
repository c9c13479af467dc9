const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Nothing Layover waits for may take longer than this. */
const LONGEST_MS = 90 * 86_400_000;

/**
 * Reads `"90s"`, `"10m"`, `"6h"`, `"1h30m"`.
 * @returns milliseconds, or a sentence that says what is wrong.
 */
export function parseDuration(text: string): number | string {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) {
    return `${JSON.stringify(text.slice(0, 40))} is no duration; write it like "90s", "10m", "6h" or "1h30m"`;
  }
  if (Math.round(ms) < 1) return 'must be longer than nothing';
  return ms > LONGEST_MS ? 'must not be longer than 90 days' : Math.round(ms);
}
