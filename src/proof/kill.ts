import { setMaxListeners } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../simulator/random.js';
import { type Bench, openBench } from './bench.js';
import { readJournal, readTruth, tookEffect } from './evidence.js';
import {
  appNames,
  BOOT_FIRST,
  bornLate,
  digestOf,
  type FleetShape,
  fleetScenario,
  forceAfterMs,
  imageOf,
  type Troubles,
  unlucky,
} from './kill-fleet.js';
import { type Figure, judgeKills, type SweepEnd } from './judge.js';
import { kill, type KillPlan, type Toll } from './killer.js';
import { MUST_HIT } from './phases.js';
import { sweep, type SweepLog } from './sweep.js';

export interface KillOptions extends KillPlan, FleetShape {
  /** What goes wrong at Fly beside the kills. */
  readonly troubles: Exclude<Troubles, 'none'>;
  /** How long to wait after the end before looking for leases that are still alive. */
  readonly afterMs: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface KillReport {
  readonly figures: readonly Figure[];
  readonly toll: Toll;
  /** Changes brought to an app, all apps together. */
  readonly sweeps: number;
  readonly restarts: number;
  /** Runs that continued as new. */
  readonly continued: number;
  /** Ends and pauses that no kill explains, workers that ended by themselves. */
  readonly unexpected: readonly string[];
  /** What no kill and no freeze met. */
  readonly missed: readonly string[];
  /** Where the simulator's log was kept, when a figure is wrong. */
  readonly evidence: string | undefined;
  readonly wallMs: number;
}

/** Machines written in a sweep before hosts are lost and machines are made: well before the end of each. */
const LOST_AFTER = 0.1;
const BORN_AFTER = 0.25;
const LOST_MS = 30_000;
/** Events after which the server suggests to continue as new: early, so that kills meet that too. */
const CONTINUE_AT = 250;
const PROGRESS_MS = 15_000;
const CONTINUED = 'WorkflowType = "rollout" AND ExecutionStatus = "ContinuedAsNew"';
/** Below this many kills a phase may be missed by chance. */
const ENOUGH_KILLS = 50;

/** What one run of the proof holds. */
interface Proof {
  readonly options: KillOptions;
  readonly killed: Bench;
  readonly unkilled: Bench;
  readonly toll: Toll;
  readonly swept: Set<string>;
  readonly sweeps: SweepEnd[];
  readonly unexpected: string[];
  restarts: number;
  endedAt: number;
}

/**
 * The kill proof: every app of a fleet gets one change after the other while workers, server and rollouts are
 * killed; beside it the same fleet gets the same changes in peace. Then the judge compares and counts.
 */
export async function proveKill(given: KillOptions): Promise<KillReport> {
  const startedAt = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'layover-prove-'));
  const benches: Bench[] = [];
  // Whatever ends the proof ends all that waits in it.
  const ended = new AbortController();
  const signal = AbortSignal.any([given.signal, ended.signal]);
  setMaxListeners(0, signal);
  const options = { ...given, signal };
  try {
    benches.push(
      await openBench(fleetScenario(options, options.troubles), signal, {
        dbFile: join(folder, 'temporal.db'),
        continueAsNewAt: CONTINUE_AT,
      }),
    );
    benches.push(await openBench(fleetScenario(options, 'none'), signal));
    const [killed, unkilled] = benches;
    if (killed === undefined || unkilled === undefined) throw new Error('a bench is missing');
    const proof = begin(options, killed, unkilled);
    await run(proof);
    return { ...(await judge(proof)), wallMs: Date.now() - startedAt };
  } finally {
    ended.abort();
    await Promise.all(benches.map((bench) => bench.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

function begin(options: KillOptions, killed: Bench, unkilled: Bench): Proof {
  const none = { kills: 0, alone: 0, inFlight: 0, serverKills: 0, terminations: 0 };
  const toll: Toll = { ...none, freezes: 0, longFreezes: 0, frozenUpdates: 0, phases: new Map() };
  return { options, killed, unkilled, toll, swept: new Set(), sweeps: [], unexpected: [], restarts: 0, endedAt: 0 };
}

async function run(proof: Proof): Promise<void> {
  const { options, killed, unkilled, toll, swept } = proof;
  const { signal, seed } = options;
  await unkilled.crew.keep(1);
  let isKilling = true;
  const killing = kill(options, toll, { bench: killed, random: createRandom(seed), signal, swept }).finally(() => {
    isKilling = false;
  });
  const lives = appNames(options).map((app) => live(proof, app, () => isKilling));
  const ticking = setInterval(() => options.say(progress(proof)), PROGRESS_MS);
  try {
    await Promise.all([killing, ...lives]);
  } finally {
    clearInterval(ticking);
  }
  proof.endedAt = Date.now();
}

/** One app's changes, one after the other, until nobody kills any more; at least one. */
async function live(proof: Proof, app: string, goesOn: () => boolean): Promise<void> {
  const { killed, unkilled, swept } = proof;
  for (let change = 1; change === 1 || goesOn(); change += 1) {
    const disturbed = async (): Promise<void> => {
      swept.add(app);
      const from = killed.tail.entries.length;
      await Promise.all([
        sweepOnce(proof, killed, app, change).finally(() => swept.delete(app)),
        meanwhile(proof, killed, { app, change, from }),
      ]);
    };
    const undisturbed = Promise.all([
      sweepOnce(proof, unkilled, app, change),
      meanwhile(proof, unkilled, { app, change, from: unkilled.tail.entries.length }),
    ]);
    await Promise.all([disturbed(), undisturbed]);
  }
}

async function sweepOnce(proof: Proof, bench: Bench, app: string, change: number): Promise<void> {
  const { signal } = proof.options;
  const env = { CHANGE: String(change) };
  const name = `${app}-v${change}`;
  const log: SweepLog = {
    restarted: () => (proof.restarts += 1),
    unexpected: (says) => proof.unexpected.push(bench === proof.killed ? says : `without kills: ${says}`),
  };
  const input = {
    app,
    image: imageOf(app, change),
    env,
    forceAfter: `${forceAfterMs(proof.options) / 1_000}s`,
    bootFirst: BOOT_FIRST,
  };
  await sweep(bench.client, { app, name, input }, log, signal);
  if (bench !== proof.killed) return;
  const endedAt = Date.now();
  const truth = await readTruth(bench.simulator.url, app);
  proof.sweeps.push({ app, digest: digestOf(app, change), env, endedAt, truth });
}

/** What happens to a fleet in the middle of a sweep: hosts are lost for a while, machines are made. */
async function meanwhile(
  { options }: Proof,
  bench: Bench,
  { app, change, from }: { app: string; change: number; from: number },
): Promise<void> {
  const { signal, machines } = options;
  const written = () =>
    bench.tail.entries.slice(from).filter((entry) => entry.app === app && entry.op === 'update' && tookEffect(entry))
      .length;
  const after = async (share: number): Promise<void> => {
    while (written() < machines * share) await delay(200, undefined, { signal });
  };
  const control = async (path: string, body?: object): Promise<void> => {
    const answer = await fetch(`${bench.simulator.url}/_simulator/${path}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`the simulator refused ${path}: ${answer.status} ${await answer.text()}`);
  };
  const lost = unlucky(options, app, change);
  await after(LOST_AFTER);
  for (const id of lost) await control(`machines/${id}/lose-host`);
  const lostAt = Date.now();
  await after(BORN_AFTER);
  await control('create-machines', bornLate(options, app, change));
  await delay(Math.max(0, lostAt + LOST_MS - Date.now()), undefined, { signal });
  for (const id of lost) await control(`machines/${id}/restore-host`);
}

async function judge(proof: Proof): Promise<Omit<KillReport, 'wallMs'>> {
  const { options, killed, unkilled, toll, sweeps, endedAt } = proof;
  await delay(Math.max(0, endedAt + options.afterMs - Date.now()), undefined, { signal: options.signal });
  const read = async ({ simulator }: Bench) => ({
    journal: await readJournal(simulator.url),
    final: await readTruth(simulator.url),
  });
  const seen = await read(killed);
  const asked = { forceAfterMs: forceAfterMs(options), boots: BOOT_FIRST * (sweeps.length + proof.restarts) };
  const figures = judgeKills({ ...seen, ...asked, sweeps, endedAt, unkilled: await read(unkilled) });
  const deserters = killed.crew.deserters.map((last) => `a worker ended by itself: ${last}`);
  return {
    evidence: figures.some(({ wrong }) => wrong > 0) ? await keep(seen) : undefined,
    figures,
    toll,
    sweeps: sweeps.length,
    restarts: proof.restarts,
    continued: (await killed.client.workflow.count(CONTINUED)).count,
    unexpected: [...proof.unexpected, ...deserters],
    missed: options.kills < ENOUGH_KILLS ? [] : missedBy(toll),
  };
}

function missedBy({ phases, freezes, frozenUpdates }: Toll): string[] {
  const missed = MUST_HIT.filter((wanted) => wanted.every((phase) => !phases.has(phase)));
  return [
    ...missed.map((wanted) => `phase never hit: ${wanted.join(' or ')}`),
    ...(freezes > 0 && frozenUpdates === 0 ? ['no frozen worker ever had an update in its hands'] : []),
  ];
}

/** A wrong figure names entries of the log, and the simulator is gone when somebody reads it. */
async function keep(seen: object): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'layover-evidence-')), 'journal.json');
  await writeFile(file, JSON.stringify(seen));
  return file;
}

const atTarget = (proof: Proof): string => `${proof.sweeps.length} sweeps ended, ${proof.swept.size} under way`;

function progress(proof: Proof): string {
  const { toll, options, restarts, unexpected } = proof;
  return [
    `${toll.kills} of ${options.kills} kills`,
    `${toll.serverKills} of the server`,
    `${toll.freezes} frozen`,
    `${toll.terminations} rollouts terminated, ${restarts} started again`,
    atTarget(proof),
    ...(unexpected.length > 0 ? [`${unexpected.length} UNEXPECTED: ${unexpected.at(-1) ?? ''}`] : []),
  ].join('; ');
}

/** Whether everything is as promised. */
export const isProven = ({ figures, unexpected, missed }: KillReport): boolean =>
  figures.every(({ wrong }) => wrong === 0) && unexpected.length === 0 && missed.length === 0;
