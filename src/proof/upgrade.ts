import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bench, openBench } from './bench.js';
import { judgeDays } from './days-judge.js';
import { type JournalEntry, readJournal, readTruth, tookEffect } from './evidence.js';
import { type Figure, figure, judgeKills, type KillCase, type SweepEnd } from './judge.js';
import { forceAfterMs } from './kill-fleet.js';
import { makeNextBuild, type NextBuild } from './next-build.js';
import { sayFigure } from './report.js';
import { roomOf, sweep } from './sweep.js';
import {
  FORCE_AFTER_MS,
  FORCED_APP,
  FORCED_DIGEST,
  forcedOrder,
  type Ordered,
  patientOrder,
  upgradeScenario,
  upgradeShape,
} from './upgrade-fleet.js';

export interface UpgradeOptions {
  readonly machines: number;
  /** Machines that never stop and are stopped. */
  readonly forced: number;
  /** One after the other, each to a build of its own; the first is aimed at a machine that is held. */
  readonly upgrades: number;
  readonly signal: AbortSignal;
}

/** What an upgrade met. */
export interface Met {
  readonly inFlight: number;
  readonly held: number;
  /** Rollouts that were running, and that were seen under the build they were upgraded to. */
  readonly running: number;
  readonly moved: number;
}

export interface UpgradeReport {
  readonly figures: readonly Figure[];
  readonly met: readonly Met[];
  readonly wallMs: number;
}

/** The moments at which the worker of the old build is killed, in turn. */
const AIMS: readonly ((entry: JournalEntry) => boolean)[] = [
  (entry) => entry.op === 'stop' && entry.app === FORCED_APP && tookEffect(entry),
  (entry) => entry.op === 'update' && tookEffect(entry),
];
const PATIENCE_MS = 60_000;
const MOVED_WITHIN_MS = 40_000;
const POLL_MS = 300;
/** Until an answer that was under way at a kill has shown in the log. */
const ECHO_MS = 400;

interface Running {
  readonly bench: Bench;
  readonly options: UpgradeOptions;
  readonly orders: readonly Ordered[];
  readonly ended: Set<string>;
}

/** Which of the running rollouts say that they run under this build, until all do or have ended. */
async function watchMove({ bench, orders, ended, options }: Running, { headline }: NextBuild): Promise<Set<string>> {
  const moved = new Set<string>();
  const until = Date.now() + MOVED_WITHIN_MS;
  const isOpen = ({ app }: Ordered): boolean => !ended.has(app) && !moved.has(app);
  while (orders.some(isOpen) && Date.now() < until) {
    for (const { app } of orders.filter(isOpen)) {
      const room = bench.client.workflow.getHandle(roomOf(app));
      const ask = () => room.query<unknown>('__temporal_workflow_metadata');
      // No worker at this moment: the next look will do.
      const details = await bench.client.withDeadline(Date.now() + 3_000, ask).catch(() => undefined);
      if (JSON.stringify(details ?? null).includes(headline)) moved.add(app);
    }
    await delay(POLL_MS, undefined, { signal: options.signal });
  }
  return moved;
}

/** Kills the worker at a moment that matters, and starts one of another build. */
async function upgrade(running: Running, number: number, build: NextBuild): Promise<Met> {
  const { bench, orders, ended } = running;
  const aim = AIMS[number % AIMS.length] ?? (() => true);
  await bench.tail.next(aim, PATIENCE_MS);
  const before = orders.filter(({ app }) => !ended.has(app));
  await bench.crew.kill(0);
  await delay(ECHO_MS);
  const truth = await readTruth(bench.simulator.url);
  await bench.crew.keep(1, build.folder);
  const moved = await watchMove(running, build);
  return {
    inFlight: truth.filter(({ lease }) => lease?.description.startsWith('layover ') === true).length,
    held: truth.filter(({ metadata }) => 'layover_hold' in metadata).length,
    running: before.length,
    moved: moved.size,
  };
}

interface Swept {
  readonly ends: readonly (SweepEnd & { readonly beganAt: number })[];
  readonly unexpected: readonly string[];
}

async function sweepAll({ bench, orders, ended, options }: Running): Promise<Swept> {
  const unexpected: string[] = [];
  const log = {
    restarted: (app: string) => void unexpected.push(`${app} was started again`),
    unexpected: (says: string) => void unexpected.push(says),
  };
  const ends = orders.map(async (order) => {
    const { app, digest, env } = order;
    const beganAt = Date.now();
    await sweep(bench.client, order, log, options.signal);
    ended.add(app);
    return { app, digest, env, beganAt, endedAt: Date.now(), truth: await readTruth(bench.simulator.url, app) };
  });
  return { ends: await Promise.all(ends), unexpected };
}

const of = (app: string) => (one: { readonly app?: string | undefined }) => one.app === app;

async function readAll({ simulator }: Bench, app: string) {
  return {
    journal: (await readJournal(simulator.url)).filter(of(app)),
    final: (await readTruth(simulator.url)).filter(of(app)),
  };
}

interface Judged extends Swept {
  /** What was asked of the sweep that waits. */
  readonly asked: Pick<KillCase, 'forceAfterMs' | 'boots'>;
}

/** The kill proof's figures for the sweep that waits, those of the proof of days for the one that stops machines. */
async function judge(bench: Bench, peaceful: Bench, { ends, unexpected, asked }: Judged): Promise<Figure[]> {
  const [patient, forced] = ends;
  if (patient === undefined || forced === undefined) throw new Error('a sweep is missing');
  const seen = await readAll(bench, patient.app);
  const unkilled = await readAll(peaceful, patient.app);
  const { journal, final } = await readAll(bench, forced.app);
  const kept = { journal, truth: final, digest: FORCED_DIGEST, beganAt: forced.beganAt, endedAt: forced.endedAt };
  const stopped = judgeDays({ ...kept, deadlineAt: Infinity, forceAfterMs: FORCE_AFTER_MS });
  return [
    ...judgeKills({ ...seen, ...asked, sweeps: [patient], endedAt: patient.endedAt, unkilled }),
    ...stopped.map((one) => ({ ...one, says: `of the machines that never stop: ${one.says}` })),
    figure('ends and pauses that nothing explains', unexpected, ends.length, 'sweeps'),
  ];
}

async function run(bench: Bench, peaceful: Bench, builds: readonly NextBuild[], options: UpgradeOptions) {
  const orders = [patientOrder(upgradeShape(options.machines)), forcedOrder];
  const running: Running = { bench, options, orders, ended: new Set() };
  await Promise.all([bench.crew.keep(1), peaceful.crew.keep(1)]);
  const upgrades = async (): Promise<Met[]> => {
    const met: Met[] = [];
    for (const [number, build] of builds.entries()) met.push(await upgrade(running, number, build));
    return met;
  };
  const [swept, , met] = await Promise.all([
    sweepAll(running),
    sweepAll({ ...running, bench: peaceful, orders: orders.slice(0, 1), ended: new Set() }),
    upgrades(),
  ]);
  const deserters = bench.crew.deserters.map((last) => `a worker ended by itself: ${last}`);
  const asked = { forceAfterMs: forceAfterMs(upgradeShape(options.machines)), boots: 0 };
  const all = { ...swept, asked, unexpected: [...swept.unexpected, ...deserters] };
  return { figures: await judge(bench, peaceful, all), met };
}

/**
 * Sweeps that begin under this build of the worker and go on under others, whose code differs: the worker is killed
 * while updates are in flight and machines are held, and one of the next build is started. Beside it the sweep that
 * waits runs in peace, and the results are compared.
 */
export async function proveUpgrade(given: UpgradeOptions): Promise<UpgradeReport> {
  const startedAt = Date.now();
  const ended = new AbortController();
  const signal = AbortSignal.any([given.signal, ended.signal]);
  setMaxListeners(0, signal);
  const options = { ...given, signal };
  const names = Array.from({ length: given.upgrades }, (_, at) => `build ${at + 2}`);
  const builds = await Promise.all(names.map(makeNextBuild));
  const scenario = upgradeScenario(upgradeShape(given.machines), given.forced);
  const benches: Bench[] = [];
  try {
    for (let at = 0; at < 2; at += 1) benches.push(await openBench(scenario, signal));
    const [bench, peaceful] = benches;
    if (bench === undefined || peaceful === undefined) throw new Error('a bench is missing');
    return { ...(await run(bench, peaceful, builds, options)), wallMs: Date.now() - startedAt };
  } finally {
    ended.abort();
    await Promise.all(benches.map((bench) => bench.close()));
    await Promise.all(builds.map((build) => build.remove()));
  }
}

/** One line a figure. */
export const sayUpgrade = ({ figures, met, wallMs }: UpgradeReport): string[] => [
  ...met.map(
    ({ inFlight, held, running, moved }, at) =>
      `upgrade ${at + 1}: met ${inFlight} updates in flight and ${held} held machines; ${moved} of ${running} running rollouts went on under the next build`,
  ),
  ...figures.flatMap(sayFigure),
  `wall time: ${Math.round(wallMs / 1_000)} s`,
];

/** Whether all went as promised, and the upgrades met what they were aimed at. */
export const isUpgraded = ({ figures, met }: UpgradeReport): boolean =>
  figures.every(({ wrong }) => wrong === 0) &&
  met.every(({ inFlight, running, moved }) => inFlight > 0 && running > 0 && moved > 0) &&
  met.some(({ held }) => held > 0);
