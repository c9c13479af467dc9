import { door } from './door.js';

/**
 * Updates some process groups, one after another, and leaves all others as they are: each with a closing pass of its
 * own, a bake while health is watched, gates, and a person's yes where it is asked for.
 */
export const processGroup = (input: unknown): Promise<unknown> => door('processGroup', input);
