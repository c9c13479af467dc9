/**
 * Time as a dependency: activities, the Fly client and the simulator take a `Clock`, so that whole rollouts of days
 * run in milliseconds in the proofs.
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when `signal` is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

/** Another's clock, which is ahead by so much (or behind, below 0): it sleeps as long as the one it is made of. */
export const shiftedClock = (clock: Clock, aheadMs: number): Clock => ({
  now: () => clock.now() + aheadMs,
  sleep: (ms, signal) => clock.sleep(ms, signal),
});

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/**
 * A clock that stands still while anything runs and jumps to the next sleeper when nothing does: each turn of the
 * event loop without a wake-up moves the time to the earliest sleeper.
 * @param startMs its first `now()`, milliseconds since the epoch.
 */
export function virtualClock(startMs: number): Clock {
  let now = startMs;
  let turning = false;
  const sleepers: Sleeper[] = [];

  const turn = () => {
    turning = false;
    const next = sleepers.shift();
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.wake();
    schedule();
  };
  const schedule = () => {
    if (turning || sleepers.length === 0) return;
    turning = true;
    setImmediate(turn);
  };
  const enqueue = (sleeper: Sleeper) => {
    const after = sleepers.findIndex((s) => s.at > sleeper.at);
    sleepers.splice(after < 0 ? sleepers.length : after, 0, sleeper);
    schedule();
  };

  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          const at = sleepers.indexOf(sleeper);
          if (at >= 0) sleepers.splice(at, 1);
          reject(signal?.reason);
        };
        const sleeper: Sleeper = {
          at: now + Math.max(0, ms),
          wake: () => {
            signal?.removeEventListener('abort', onAbort);
            resolve();
          },
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        enqueue(sleeper);
      }),
  };
}
