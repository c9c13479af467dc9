import { door } from './door.js';

/**
 * Updates machines while they are stopped, until all have rotated or the deadline passes. For fleets whose machines
 * run long jobs and exit when they are done: a working machine is never touched.
 */
export const stoppedSweep = (input: unknown): Promise<unknown> => door('stoppedSweep', input);
