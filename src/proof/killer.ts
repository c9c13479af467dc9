import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Random } from '../simulator/random.js';
import type { Bench } from './bench.js';
import { type JournalEntry, tookEffect, wasLost } from './evidence.js';
import { type Phase, phasesAt } from './phases.js';
import { roomOf } from './sweep.js';

export interface KillPlan {
  readonly kills: number;
  readonly serverKills: number;
  readonly terminations: number;
}

/** What was killed so far. */
export interface Toll {
  kills: number;
  /** Turns in which one worker ran and was killed, and how many of them met an update between lease and release. */
  alone: number;
  inFlight: number;
  serverKills: number;
  terminations: number;
  /** Updates hit, by phase; only of kills while one worker ran, since the log does not tell two workers apart. */
  readonly phases: Map<Phase, number>;
}

export interface KillerPlace {
  readonly bench: Bench;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Apps whose sweep runs just now. */
  readonly swept: ReadonlySet<string>;
}

const never = (): boolean => false;
const isWrite = (entry: JournalEntry): boolean => entry.op === 'update' && tookEffect(entry);

/** The moments that kills are aimed at, in turn: the sight of one such entry of the log, and how long after it. */
const AIMS: readonly { readonly fits: (entry: JournalEntry) => boolean; readonly afterMs: number }[] = [
  { fits: (entry) => entry.op === 'lease' && tookEffect(entry), afterMs: 0 },
  { fits: (entry) => entry.op === 'get' && tookEffect(entry), afterMs: 0 },
  { fits: isWrite, afterMs: 0 },
  { fits: isWrite, afterMs: 700 },
  { fits: (entry) => entry.op === 'wait' && tookEffect(entry), afterMs: 0 },
  { fits: (entry) => entry.op === 'update' && wasLost(entry), afterMs: 300 },
  { fits: never, afterMs: 0 },
];

/** The longest wait for a sight; after it the kill comes all the same. */
const PATIENCE_MS = 6_000;
const WRITES_FIRST = 5;
const LONGEST_OVERTURE_MS = 60_000;
const LONGEST_CALM_MS = 3_000;
const LONGEST_OUTAGE_MS = 8_000;
/** Until calls that were under way at a kill have shown in the log: the longest delay that the fleet puts on one. */
const ECHO_MS = 600;

const pause = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });

const upTo = (random: Random, most: number): number => Math.floor(random.next() * most);

/** At which kills something else is killed as well, by lot. */
function lots(random: Random, times: number, kills: number): readonly number[] {
  const drawn = new Set<number>();
  while (drawn.size < Math.min(times, kills)) drawn.add(upTo(random, kills));
  return [...drawn];
}

const isDue = (at: readonly number[], done: number, kills: number): boolean =>
  at.filter((kill) => kill <= kills).length > done;

/** Kills workers, the server and rollouts until the plan is done; keeps workers running in between. */
export async function kill(plan: KillPlan, toll: Toll, place: KillerPlace): Promise<void> {
  const { bench, random, signal } = place;
  const { crew, tail } = bench;
  const serverAt = lots(random, plan.serverKills, plan.kills);
  const terminateAt = lots(random, plan.terminations, plan.kills);
  await crew.keep(1);
  await untilManyFly(place);
  let last = { at: Date.now(), seen: tail.entries.length };
  for (let turn = 0; toll.kills < plan.kills; turn += 1) {
    if (isDue(serverAt, toll.serverKills, toll.kills)) await killServer(toll, place);
    if (isDue(terminateAt, toll.terminations, toll.kills)) await terminateOne(toll, place);
    await pause(upTo(random, LONGEST_CALM_MS), signal);
    await takeAim(AIMS[turn % AIMS.length], last.at, place);
    const seen = tail.entries.length;
    const { at, wereTwo } = await killWorkers(plan.kills - toll.kills, toll, place);
    await Promise.all([crew.keep(random.next() < 0.25 ? 2 : 1), pause(ECHO_MS, signal)]);
    count(toll, phasesAt(tail.entries.slice(last.seen), last.at, at), wereTwo);
    last = { at, seen };
  }
}

/** A sweep's first update flies alone: kills begin when there is more to hit, and meet lone ones in later sweeps. */
async function untilManyFly({ bench }: KillerPlace): Promise<void> {
  let writes = 0;
  await bench.tail.next((entry) => isWrite(entry) && (writes += 1) === WRITES_FIRST, LONGEST_OVERTURE_MS);
}

/** Waits for the sight that this kill is aimed at, of a call that no dead worker has sent. */
async function takeAim(aim: (typeof AIMS)[number] | undefined, since: number, place: KillerPlace): Promise<void> {
  if (aim === undefined || aim.fits === never) return;
  const { tail } = place.bench;
  await tail.next((entry) => (entry.began ?? entry.t) > since && aim.fits(entry), PATIENCE_MS);
  await pause(aim.afterMs, place.signal);
}

/** One worker, whichever; or, of two, now and then both at once. */
async function killWorkers(
  most: number,
  toll: Toll,
  { bench, random, signal }: KillerPlace,
): Promise<{ at: number; wereTwo: boolean }> {
  signal.throwIfAborted();
  const { crew } = bench;
  const wereTwo = crew.size > 1;
  const both = wereTwo && most > 1 && random.next() < 0.2;
  const at = await crew.kill(upTo(random, crew.size));
  if (both) await crew.kill(0);
  toll.kills += both ? 2 : 1;
  return { at, wereTwo };
}

/** For some seconds there is no server; half of the time a worker dies with it and is started before it is back. */
async function killServer(toll: Toll, place: KillerPlace): Promise<void> {
  const { bench, random, signal } = place;
  const downMs = upTo(random, LONGEST_OUTAGE_MS);
  const orphan = async (): Promise<void> => {
    await pause(downMs / 2, signal);
    await bench.crew.kill(0);
    toll.kills += 1;
    await bench.crew.keep(1);
  };
  toll.serverKills += 1;
  await Promise.all([bench.restartServer(downMs), ...(random.next() < 0.5 ? [orphan()] : [])]);
}

/** Ends a running rollout without a word to it; whoever follows it starts the same input again. */
async function terminateOne(toll: Toll, { bench, random, swept }: KillerPlace): Promise<void> {
  const app = [...swept][upTo(random, swept.size)];
  if (app === undefined) return;
  try {
    await bench.client.withDeadline(Date.now() + 5_000, () =>
      bench.client.workflow.getHandle(roomOf(app)).terminate('the kill proof'),
    );
    toll.terminations += 1;
  } catch (error) {
    // Not open yet, or closed already: another turn will find one.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}

function count(toll: Toll, phases: ReadonlyMap<Phase, number>, wereTwo: boolean): void {
  if (wereTwo) return;
  if (phases.size > 0) toll.inFlight += 1;
  toll.alone += 1;
  for (const [phase, hits] of phases) toll.phases.set(phase, (toll.phases.get(phase) ?? 0) + hits);
}
