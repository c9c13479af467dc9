/** Where the stored histories are. */
export const HISTORIES = new URL('histories/', import.meta.url);
