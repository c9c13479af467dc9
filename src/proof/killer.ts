import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Random } from '../simulator/random.js';
import type { Bench } from './bench.js';
import { type JournalEntry, tookEffect, wasLost } from './evidence.js';
import { type Freeze, freezeOne, type FreezeToll } from './freezer.js';
import { type Phase, phasesAt } from './phases.js';
import { roomOf } from './sweep.js';

export interface KillPlan {
  readonly kills: number;
  readonly serverKills: number;
  readonly terminations: number;
  /** SIGSTOPs of workers, each followed by a SIGCONT some seconds later. */
  readonly freezes: number;
  /** The longest pause before the next kill is aimed, ms: what takes long to get anywhere needs longer ones. */
  readonly calmMs?: number;
}

/** What was killed, and frozen, so far. */
export interface Toll extends FreezeToll {
  kills: number;
  /**
   * Turns in which the worker that was killed had been the only one to run since the kill before, and how many of them
   * met an update between lease and release.
   */
  alone: number;
  inFlight: number;
  serverKills: number;
  terminations: number;
  /** Updates hit by kills, by phase; only while one worker ran, since the log does not tell two workers apart. */
  readonly phases: Map<Phase, number>;
}

export interface KillerPlace {
  readonly bench: Bench;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Apps whose sweep runs just now. */
  readonly swept: ReadonlySet<string>;
  /** Called at each kill of a worker, just before it. */
  readonly onKill?: () => void;
  /** Killing goes on past the planned number until this says so, and to three times that number at most. */
  readonly isEnough?: () => boolean;
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
const MOST_TIMES = 3;
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

/** Kills and freezes workers, kills the server and rollouts until the plan is done; keeps workers running meanwhile. */
export async function kill(plan: KillPlan, toll: Toll, place: KillerPlace): Promise<void> {
  const { bench, random, signal } = place;
  const { crew, tail } = bench;
  const serverAt = lots(random, plan.serverKills, plan.kills);
  const terminateAt = lots(random, plan.terminations, plan.kills);
  const freezeAt = lots(random, plan.freezes, plan.kills);
  const freezes: Freeze[] = [];
  await crew.keep(1);
  await untilManyFly(place);
  let last = { at: Date.now(), seen: tail.entries.length };
  for (let turn = 0; goesOn(plan, toll, place); turn += 1) {
    if (isDue(serverAt, toll.serverKills, toll.kills)) await killServer(toll, place);
    if (isDue(terminateAt, toll.terminations, toll.kills)) await terminateOne(toll, place);
    if (isDue(freezeAt, toll.freezes, toll.kills)) freezes.push(await freezeAimed(last.at, toll, place));
    await pause(upTo(random, plan.calmMs ?? LONGEST_CALM_MS), signal);
    await takeAim(AIMS[turn % AIMS.length], last.at, place);
    const seen = tail.entries.length;
    const wasAlone = crew.isAlone(last.at);
    const at = await killWorkers(plan.kills - toll.kills, toll, place);
    await Promise.all([crew.keep(random.next() < 0.25 ? 2 : 1), pause(ECHO_MS, signal)]);
    if (wasAlone) count(toll, phasesAt(tail.entries.slice(last.seen), last.at, at));
    last = { at, seen };
  }
  for (let left = freezeAt.length - toll.freezes; left > 0; left -= 1)
    freezes.push(await freezeAimed(last.at, toll, place));
  await Promise.all(freezes.map(({ thawed }) => thawed));
}

function goesOn({ kills }: KillPlan, toll: Toll, { isEnough }: KillerPlace): boolean {
  if (toll.kills < kills) return true;
  return isEnough?.() === false && toll.kills < MOST_TIMES * kills;
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

/** One worker, whichever; or, of several, now and then two at once. Returns when the last was killed. */
async function killWorkers(most: number, toll: Toll, { bench, random, signal, onKill }: KillerPlace): Promise<number> {
  signal.throwIfAborted();
  onKill?.();
  const { crew } = bench;
  const both = crew.size > 1 && most > 1 && random.next() < 0.2;
  const at = await crew.kill(upTo(random, crew.size));
  toll.kills += both ? 2 : 1;
  return both ? crew.kill(0) : at;
}

/** Freezes one worker at the sight that it is aimed at; another goes on, or is started. */
async function freezeAimed(since: number, toll: Toll, place: KillerPlace): Promise<Freeze> {
  await takeAim(AIMS[toll.freezes % AIMS.length], since, place);
  place.signal.throwIfAborted();
  const freeze = freezeOne(toll, place);
  await place.bench.crew.keep(1);
  return freeze;
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

function count(toll: Toll, phases: ReadonlyMap<Phase, number>): void {
  if (phases.size > 0) toll.inFlight += 1;
  toll.alone += 1;
  for (const [phase, hits] of phases) toll.phases.set(phase, (toll.phases.get(phase) ?? 0) + hits);
}
