import { door } from './door.js';

/**
 * Takes a rollout back: every machine that it was written to returns to what it ran before, by the machines' own
 * records, also long after the rollout has ended.
 */
export const rollback = (input: unknown): Promise<unknown> => door('rollback', input);
