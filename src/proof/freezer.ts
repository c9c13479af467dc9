import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../simulator/random.js';
import type { Bench } from './bench.js';
import type { Frozen } from './crew.js';
import { updatesInHand } from './in-hand.js';

/** Workers that stand still for a while, and wake up with what they were given before and meanwhile. */

/** What was frozen so far. */
export interface FreezeToll {
  freezes: number;
  /** Those that were frozen for longer than the heartbeat timeout: the server has given up what they held by then. */
  longFreezes: number;
  /** Updates in the hands of frozen workers. Not among the updates that kills have hit: nobody was killed. */
  frozenUpdates: number;
}

export interface Freeze {
  /** Resolves when the worker goes on, at once when the proof is called off; never rejects. */
  readonly thawed: Promise<void>;
}

export interface FreezerPlace {
  readonly bench: Bench;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly swept: ReadonlySet<string>;
}

/** That of every activity (workflows/options). */
const HEARTBEAT_TIMEOUT_MS = 15_000;
/** The longest freeze stays well under a lease's minute. */
const LONG_MS = { from: 16_000, to: 25_000 };
const SHORT_MS = { from: 3_000, to: 5_000 };
const SHORT_SHARE = 0.25;
const LOOK_MS = 1_000;

function lengthOf(random: Random): number {
  const { from, to } = random.next() < SHORT_SHARE ? SHORT_MS : LONG_MS;
  return Math.round(from + random.next() * (to - from));
}

/** Freezes a worker at once, and lets it go on after a time drawn by lot. */
export function freezeOne(toll: FreezeToll, { bench, random, signal, swept }: FreezerPlace): Freeze {
  const place = Math.floor(random.next() * bench.crew.size);
  const ms = lengthOf(random);
  const frozen = bench.crew.freeze(place);
  if (frozen === undefined) return { thawed: Promise.resolve() };
  toll.freezes += 1;
  if (ms > HEARTBEAT_TIMEOUT_MS) toll.longFreezes += 1;
  const held = (updates: number) => (toll.frozenUpdates += updates);
  return { thawed: thawAfter(ms, frozen, { bench, signal, swept, held }) };
}

async function thawAfter(
  ms: number,
  frozen: Frozen,
  { bench, signal, swept, held }: Omit<FreezerPlace, 'random'> & { held: (updates: number) => void },
): Promise<void> {
  const seen = new Set<string>();
  const look = async (app: string): Promise<void> => {
    const ask = () => updatesInHand(bench.client, app, frozen.pid);
    // No server or no rollout at this moment: the next look will do.
    const updates = await bench.client.withDeadline(Date.now() + LOOK_MS, ask).catch(() => []);
    for (const { machine, startedAt } of updates) seen.add(`${machine} ${startedAt}`);
  };
  try {
    for (let left = ms; left > 0 && !signal.aborted; left = frozen.at + ms - Date.now()) {
      await delay(Math.min(left, LOOK_MS), undefined, { signal });
      await Promise.all([...swept].map(look));
    }
  } catch {
    // Called off: whoever calls it off kills it next, and a stopped process is killed like any other.
  }
  bench.crew.thaw(frozen);
  held(seen.size);
}
