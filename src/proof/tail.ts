import { setTimeout as delay } from 'node:timers/promises';
import { type JournalEntry, readJournal } from './evidence.js';

/** A simulator's log as it grows, so that a proof can act on what has just happened. */
export interface Tail {
  readonly entries: readonly JournalEntry[];
  /** Resolves with the first entry from now on that `fits`; undefined after `ms`, or when the tail has ended. */
  next(fits: (entry: JournalEntry) => boolean, ms: number): Promise<JournalEntry | undefined>;
  end(): void;
}

/** Short against the delays that the proof puts on every call, so that a kill can be aimed between two of them. */
const POLL_MS = 25;

type Listener = (entry: JournalEntry | undefined) => void;

export function followJournal(simulatorUrl: string): Tail {
  const entries: JournalEntry[] = [];
  const listeners = new Set<Listener>();
  const ended = new AbortController();
  const follow = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      // Unreachable for a moment, or for good: whoever waits has a time limit.
      const fresh = await readJournal(simulatorUrl, entries.length).catch(() => []);
      for (const entry of fresh) {
        entries.push(entry);
        for (const listener of listeners) listener(entry);
      }
      await delay(POLL_MS);
    }
    for (const listener of listeners) listener(undefined);
  };
  void follow();
  return {
    entries,
    next: (fits, ms) =>
      new Promise((resolve) => {
        const listener: Listener = (entry) => {
          if (entry !== undefined && !fits(entry)) return;
          listeners.delete(listener);
          clearTimeout(late);
          resolve(entry);
        };
        const late = setTimeout(() => listener(undefined), ms);
        listeners.add(listener);
      }),
    end: () => ended.abort(),
  };
}
