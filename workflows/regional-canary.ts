import { door } from './door.js';

/**
 * Updates machines that serve, region by region: a few first, then more, a bake while health is watched, gates, a
 * person's yes, and the next region. Halts, or goes back, when failures climb.
 */
export const regionalCanary = (input: unknown): Promise<unknown> => door('regionalCanary', input);
