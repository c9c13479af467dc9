const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The time inside a version id (a ULID; Fly mints one an update), ms since the epoch by Fly's clock; NaN if it is none. */
export function ulidTime(version: string): number {
  if (version.length !== 26) return Number.NaN;
  let ms = 0;
  for (const letter of version.slice(0, 10).toUpperCase()) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return Number.NaN;
    ms = ms * 32 + value;
  }
  return ms;
}
