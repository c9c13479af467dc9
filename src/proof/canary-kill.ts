import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { setMaxListeners } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../simulator/random.js';
import { type Bench, openBench } from './bench.js';
import { type Asked, type Given, judgeCanaryKills } from './canary-kill-judge.js';
import { type MachineTruth, readJournal, readTruth } from './evidence.js';
import type { Figure } from './judge.js';
import { openJudge } from './judge-server.js';
import {
  appNames,
  digestOf,
  FIRST_GROUP,
  FIRST_REGION,
  type FleetShape,
  forwardOf,
  servingScenario,
} from './kill-fleet.js';
import { approve, turnBack } from './canary-person.js';
import { kill, type KillPlan, type Toll } from './killer.js';
import { sweep, type SweepLog } from './sweep.js';
import { judgeWatchers, openWatchers, type Watchers } from './watchers.js';

export interface CanaryKillOptions extends KillPlan, Omit<FleetShape, 'longestJobMs'> {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  /** How long to wait after the end before looking for leases that are still alive. */
  readonly afterMs: number;
}

export interface CanaryKillReport {
  readonly figures: readonly Figure[];
  readonly toll: Toll;
  readonly canaries: number;
  readonly rollbacks: number;
  /** Canaries that were told to go back at their approval. */
  readonly turned: number;
  /** Kills of workers while an app was on its way back. */
  readonly backKills: number;
  readonly restarts: number;
  readonly unexpected: readonly string[];
  /** Where the calls, the deliveries and Temporal's database with all histories were kept, when a figure is wrong. */
  readonly evidence: string | undefined;
  readonly wallMs: number;
}

const CONTINUE_AT = 250;
/** Of the kills, so many at least are to fall into a way back. */
const BACK_SHARE = 0.2;
const PROGRESS_MS = 15_000;

/** What one run of the proof holds. */
interface Proof {
  readonly options: CanaryKillOptions;
  readonly bench: Bench;
  readonly toll: Toll;
  readonly swept: Set<string>;
  readonly given: Given[];
  readonly askedAgain: string[];
  readonly wrongEnds: string[];
  readonly unexpected: string[];
  /** Apps on their way back. */
  readonly goingBack: Set<string>;
  canaries: number;
  rollbacks: number;
  turned: number;
  backKills: number;
  restarts: number;
}

/** Canaries, each followed by its rollback, while workers, server and rollouts are killed; then the judge counts. */
export async function proveCanaryKill(given: CanaryKillOptions): Promise<CanaryKillReport> {
  const startedAt = Date.now();
  const folder = await mkdtemp(join(tmpdir(), 'layover-prove-'));
  const asked: Asked[] = [];
  const judge = await openJudge(({ body: { rollout, step } }) => {
    asked.push({ rollout, step, at: Date.now() });
    return '';
  });
  const ended = new AbortController();
  const signal = AbortSignal.any([given.signal, ended.signal]);
  setMaxListeners(0, signal);
  const options = { ...given, signal };
  const config = join(folder, 'layover.json');
  const apps = appNames({ ...options, longestJobMs: 0 });
  const watchers = await openWatchers(apps, options.seed);
  await writeFile(config, JSON.stringify({ gates: { checkout: { url: judge.url } }, notify: watchers.notify }));
  let bench: Bench | undefined;
  let evidence: string | undefined;
  try {
    bench = await openBench(servingScenario({ ...options, longestJobMs: 0 }, 'faults'), signal, {
      dbFile: join(folder, 'temporal.db'),
      continueAsNewAt: CONTINUE_AT,
      env: { LAYOVER_CONFIG: config, ...watchers.env },
    });
    const proof = begin(options, bench);
    const first = await readTruth(bench.simulator.url);
    await run(proof);
    const figures = await judgeAfter(proof, { first, asked, watchers });
    const { toll, canaries, rollbacks, turned, backKills, restarts } = proof;
    const deserters = bench.crew.deserters.map((last) => `a worker ended by itself: ${last}`);
    const unexpected = [...proof.unexpected, ...deserters];
    if (figures.some(({ wrong }) => wrong > 0)) evidence = await keep(folder, bench, watchers);
    const counts = { canaries, rollbacks, turned, backKills, restarts };
    return { figures, toll, ...counts, unexpected, evidence, wallMs: Date.now() - startedAt };
  } finally {
    ended.abort();
    judge.close();
    watchers.close();
    await bench?.close();
    if (evidence === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Beside the server's database, so that whatever a figure names can be looked into afterwards. */
async function keep(folder: string, { simulator }: Bench, watchers: Watchers): Promise<string> {
  const journal = await readJournal(simulator.url);
  const { slack, ...told } = watchers.evidence(journal, []);
  const all = { ...told, slack: [...slack].map(([rollout, numbers]) => [rollout, [...numbers]]) };
  await writeFile(join(folder, 'journal.json'), JSON.stringify(journal));
  await writeFile(join(folder, 'told.json'), JSON.stringify(all));
  return folder;
}

function begin(options: CanaryKillOptions, bench: Bench): Proof {
  const none = { kills: 0, alone: 0, inFlight: 0, serverKills: 0, terminations: 0 };
  const toll: Toll = { ...none, freezes: 0, longFreezes: 0, frozenUpdates: 0, phases: new Map() };
  const counts = { canaries: 0, rollbacks: 0, turned: 0, backKills: 0, restarts: 0 };
  return {
    options,
    bench,
    toll,
    swept: new Set(),
    given: [],
    askedAgain: [],
    wrongEnds: [],
    unexpected: [],
    goingBack: new Set(),
    ...counts,
  };
}

async function run(proof: Proof): Promise<void> {
  const { options, bench, toll, swept } = proof;
  const { signal, seed } = options;
  let isKilling = true;
  const onKill = (): void => {
    if (proof.goingBack.size > 0) proof.backKills += 1;
  };
  const isEnough = (): boolean => proof.backKills >= Math.floor(options.kills * BACK_SHARE);
  const place = { bench, random: createRandom(seed), signal, swept, onKill, isEnough };
  const killing = kill(options, toll, place).finally(() => {
    isKilling = false;
  });
  const lives = appNames({ ...options, longestJobMs: 0 }).map((app) => live(proof, app, () => isKilling));
  const ticking = setInterval(() => options.say(progress(proof)), PROGRESS_MS);
  try {
    await Promise.all([killing, ...lives]);
  } finally {
    clearInterval(ticking);
  }
}

/**
 * One app's canaries and rollbacks in turn, until nobody kills any more; at least one of each. Every second canary is
 * told to go back at its approval; the rollback after it finds what a termination on that way has left.
 */
async function live(proof: Proof, app: string, goesOn: () => boolean): Promise<void> {
  const { swept } = proof;
  for (let change = 1; change === 1 || goesOn(); change += 1) {
    swept.add(app);
    await forward(proof, app, change);
    await back(proof, app, change);
    swept.delete(app);
  }
}

const logOf = (proof: Proof): SweepLog => ({
  restarted: () => (proof.restarts += 1),
  unexpected: (says) => proof.unexpected.push(says),
});

async function forward(proof: Proof, app: string, change: number): Promise<void> {
  const { bench, options } = proof;
  const order = { app, name: `${app}-v${change}`, ...forwardOf(app, change) };
  const turns = change % 2 === 0;
  const done = new AbortController();
  const signal = AbortSignal.any([options.signal, done.signal]);
  const answering = (turns ? turnBack : approve)(proof, app, signal).catch(() => undefined);
  const turning = { endsAs: 'RolloutRolledBack', again: () => !proof.goingBack.has(app) };
  await sweep(bench.client, { ...order, ...(turns && turning) }, logOf(proof), options.signal);
  done.abort();
  await answering;
  if (turns) proof.turned += 1;
  else await check(proof, app, digestOf(app, change), `canary ${change}`);
  proof.canaries += 1;
}

async function back(proof: Proof, app: string, change: number): Promise<void> {
  const { bench, options, goingBack } = proof;
  goingBack.add(app);
  const order = { app, name: `${app}-back${change}`, input: { app }, type: 'rollback' };
  const nothingLeft = 'was taken back already';
  await sweep(bench.client, { ...order, nothingLeft }, logOf(proof), options.signal);
  goingBack.delete(app);
  proof.rollbacks += 1;
  await check(proof, app, digestOf(app, 0), `rollback ${change}`);
}

/** The end of a rollout says that every machine is there: is it? */
async function check({ bench, wrongEnds }: Proof, app: string, digest: string, what: string): Promise<void> {
  const truth = await readTruth(bench.simulator.url, app);
  for (const machine of truth) if (machine.digest !== digest) wrongEnds.push(`${what}: ${machine.id}`);
}

interface Witness {
  readonly first: readonly MachineTruth[];
  readonly asked: readonly Asked[];
  readonly watchers: Watchers;
}

async function judgeAfter(proof: Proof, witness: Witness): Promise<Figure[]> {
  const { first, asked } = witness;
  const { options, bench, given, askedAgain, wrongEnds, canaries, rollbacks } = proof;
  const endedAt = Date.now();
  await delay(options.afterMs, undefined, { signal: options.signal });
  const journal = await readJournal(bench.simulator.url);
  const final = await readTruth(bench.simulator.url);
  const told = { given, asked, askedAgain, wrongEnds, ends: canaries + rollbacks };
  const firstBakes = [`${FIRST_REGION}:bake`, `${FIRST_GROUP}:bake`];
  const figures = judgeCanaryKills({ journal, final, first, ...told, endedAt, firstRegion: FIRST_REGION, firstBakes });
  const approved = given.map(({ rollout }) => rollout);
  return [...figures, ...(await judgeWatchers(witness.watchers, bench.simulator.url, approved, options.signal))];
}

function progress({ toll, options, canaries, rollbacks, backKills, restarts, unexpected }: Proof): string {
  return [
    `${toll.kills} of ${options.kills} kills, ${backKills} on ways back`,
    `${toll.serverKills} of the server`,
    `${toll.freezes} frozen`,
    `${toll.terminations} rollouts terminated, ${restarts} started again`,
    `${canaries} canaries and ${rollbacks} rollbacks ended`,
    ...(unexpected.length > 0 ? [`${unexpected.length} UNEXPECTED: ${unexpected.at(-1) ?? ''}`] : []),
  ].join('; ');
}

/** Whether everything is as promised. */
export const isCanaryProven = ({ figures, unexpected }: CanaryKillReport): boolean =>
  figures.every(({ wrong }) => wrong === 0) && unexpected.length === 0;
