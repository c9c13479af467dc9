import { runWorker } from '../worker/run.js';
import type { Outside } from './outside.js';

/** `layover worker`: a worker until it is told to stop. @returns its exit code. */
export const workerCommand = ({ env, clock, say, complain, untilStopped }: Outside): Promise<number> =>
  runWorker({ env, clock, say, complain, stopped: untilStopped() });
