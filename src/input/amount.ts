import type { Amount } from './types.js';

/**
 * Reads a share (`"10%"`, more than 0 and at most 100) or a count (a whole number, not below 0).
 * @returns the amount, or a sentence that says what is wrong.
 */
export function parseAmount(written: string | number): Amount | string {
  if (typeof written === 'number') {
    return Number.isInteger(written) && written >= 0
      ? { count: written }
      : `${written} is no count; write a whole number, or a share like "10%"`;
  }
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(written)?.[1];
  if (percent === undefined) {
    return `${JSON.stringify(written.slice(0, 40))} is no share; write it like "10%", or a count as a number`;
  }
  const share = Number(percent) / 100;
  return share > 0 && share <= 1
    ? { share }
    : 'a share must be more than 0% and at most 100%; write a count as a number';
}
