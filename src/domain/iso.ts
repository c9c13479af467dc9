/** A time as people read it and programs sort it. @param ms since the epoch. */
export const iso = (ms: number): string => new Date(ms).toISOString();
