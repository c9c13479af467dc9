import type { Program } from '../setup/program.js';
import { startWorker } from '../setup/stack.js';

/** A worker that stands still under SIGSTOP. */
export interface Frozen {
  readonly pid: number;
  readonly at: number;
}

/** The workers of a bench, which are killed and frozen at will and started again. */
export interface Crew {
  /** Starts workers until `count` run, of the build in a folder or of this checkout's own. */
  keep(count: number, build?: string): Promise<void>;
  /** Those that run; frozen ones do not. */
  readonly size: number;
  /** Those that run, the oldest first. */
  pids(): number[];
  /** Whether one worker runs, and no other has run since then: what has begun since is its own. */
  isAlone(since: number): boolean;
  /** SIGKILLs the worker at `place` (0 is the oldest); returns when it was done. */
  kill(place: number): Promise<number>;
  /** SIGSTOPs the worker at `place`. */
  freeze(place: number): Frozen | undefined;
  /** It goes on, and is one of those that run again. */
  thaw(frozen: Frozen): void;
  /** Workers that ended and were not killed here, with the last of what they printed. */
  readonly deserters: readonly string[];
  dismiss(): Promise<void>;
}

/** @param polls the workers' pauses between two looks: short ones, so that much happens, when left out. */
export function createCrew(
  place: { temporalAddress: string; flyUrl: string; env?: Readonly<Record<string, string>> },
  polls = { busy: '1s', calm: '2s' },
): Crew {
  let workers: Program[] = [];
  const frozen = new Map<number, Program>();
  const deserters: string[] = [];
  let lastLeftAt = 0;
  const muster = (): void => {
    const ended = workers.filter((one) => !one.isRunning());
    if (ended.length > 0) lastLeftAt = Date.now();
    for (const worker of ended) deserters.push(worker.output().slice(-2_000));
    workers = workers.filter((one) => one.isRunning());
  };
  return {
    async keep(count, build) {
      muster();
      const missing = Array.from({ length: Math.max(0, count - workers.length) }, () =>
        startWorker({ ...place, ...(build && { build }), pollBusy: polls.busy, pollCalm: polls.calm }),
      );
      workers.push(...(await Promise.all(missing)));
    },
    get size() {
      return workers.length;
    },
    pids: () => workers.map(({ pid }) => pid),
    isAlone: (since) => workers.length === 1 && lastLeftAt <= since,
    async kill(at) {
      muster();
      const [worker] = workers.splice(at, 1);
      const gone = worker?.stop('SIGKILL');
      lastLeftAt = Date.now();
      const killedAt = lastLeftAt;
      await gone;
      return killedAt;
    },
    freeze(at) {
      muster();
      const [worker] = workers.splice(at, 1);
      if (worker === undefined) return undefined;
      worker.signal('SIGSTOP');
      lastLeftAt = Date.now();
      frozen.set(worker.pid, worker);
      return { pid: worker.pid, at: lastLeftAt };
    },
    thaw({ pid }) {
      const worker = frozen.get(pid);
      if (worker === undefined || !frozen.delete(pid)) return;
      worker.signal('SIGCONT');
      workers.push(worker);
    },
    deserters,
    async dismiss() {
      const all = [...workers.splice(0), ...frozen.values()];
      frozen.clear();
      // SIGKILL, unlike others, ends a stopped process as well.
      await Promise.all(all.map((worker) => worker.stop('SIGKILL')));
    },
  };
}
