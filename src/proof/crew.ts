import type { Program } from '../setup/program.js';
import { startWorker } from '../setup/stack.js';

/** The workers of a bench, which are killed at will and started again. */
export interface Crew {
  /** Starts workers until `count` run. */
  keep(count: number): Promise<void>;
  readonly size: number;
  /** SIGKILLs the worker at `place` (0 is the oldest); returns when it was done. */
  kill(place: number): Promise<number>;
  /** Workers that ended and were not killed here, with the last of what they printed. */
  readonly deserters: readonly string[];
  dismiss(): Promise<void>;
}

export function createCrew(place: { temporalAddress: string; flyUrl: string }): Crew {
  let workers: Program[] = [];
  const deserters: string[] = [];
  const muster = (): void => {
    for (const worker of workers.filter((one) => !one.isRunning())) deserters.push(worker.output().slice(-2_000));
    workers = workers.filter((one) => one.isRunning());
  };
  return {
    async keep(count) {
      muster();
      const missing = Array.from({ length: Math.max(0, count - workers.length) }, () =>
        startWorker({ ...place, pollBusy: '1s', pollCalm: '2s' }),
      );
      workers.push(...(await Promise.all(missing)));
    },
    get size() {
      return workers.length;
    },
    async kill(at) {
      muster();
      const [worker] = workers.splice(at, 1);
      const gone = worker?.stop('SIGKILL');
      const killedAt = Date.now();
      await gone;
      return killedAt;
    },
    deserters,
    async dismiss() {
      await Promise.all(workers.splice(0).map((worker) => worker.stop('SIGKILL')));
    },
  };
}
