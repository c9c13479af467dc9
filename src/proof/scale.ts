import { setMaxListeners } from 'node:events';
import { type Bench, openBench, type Polls } from './bench.js';
import { readJournal, readTruth } from './evidence.js';
import { type Floor, floorOf } from './floor.js';
import { type History, readChain } from './history.js';
import { type MemoryWatch, watchMemory } from './memory.js';
import { roomOf, sweep } from './sweep.js';

export interface ScaleOptions {
  readonly machines: number;
  readonly signal: AbortSignal;
  /** How long a machine's replacement takes, drawn anew for each. */
  readonly replaceMs?: readonly [number, number];
  /** The worker's pauses between two looks; those of the other proofs when left out. */
  readonly polls?: Polls;
}

/** One measured figure; `most` and `least` are the promise, where there is one. */
export interface Measure {
  readonly says: string;
  readonly value: number;
  readonly unit: string;
  readonly most?: number;
  readonly least?: number;
}

const APP = 'scale';
const IMAGE = 'registry.fly.io/scale';
const DIGEST = `sha256:${'5'.repeat(64)}`;
const REGIONS = ['ams', 'dfw', 'ord', 'syd'];

/** The promise of the design: events for machines found together, and what a whole rollout may have beside them. */
const EVENTS_A_MACHINE = 6.5;
const EVENTS_BESIDE = 60;
const CALLS_A_MACHINE = 5;
const OBSERVATION_KB = 100;
/** Below this size a run is too short for the server to suggest continuing as new. */
const SURELY_CONTINUES = 2_000;

/** Well under the server's own limit, so that no run is ever ended for its length. */
const EVENTS_A_RUN = 5_000;
const MEMORY_MB = 400;
/** Updates in flight at most, as the architecture promises it. */
const IN_FLIGHT = 50;

const scenario = (machines: number, replaceMs: readonly [number, number]): object => ({
  timing: { replaceMs },
  images: { [`${IMAGE}:v1`]: {}, [`${IMAGE}:v2`]: { digest: DIGEST } },
  apps: [
    {
      name: APP,
      machines: REGIONS.map((region, at) => ({
        count: Math.floor((machines + at) / REGIONS.length),
        region,
        image: `${IMAGE}:v1`,
        running: false,
      })),
    },
  ],
});

/** The scale proof: one sweep over many idle machines, and what it cost in events and calls. */
export async function proveScale(options: ScaleOptions): Promise<Measure[]> {
  const { machines, signal: given, replaceMs = [200, 600], polls } = options;
  const fleet = scenario(machines, replaceMs);
  const ended = new AbortController();
  const signal = AbortSignal.any([given, ended.signal]);
  setMaxListeners(0, signal);
  const bench = await openBench(fleet, signal, polls === undefined ? {} : { polls });
  let memory: MemoryWatch | undefined;
  try {
    await bench.crew.keep(1);
    const [worker] = bench.crew.pids();
    memory = watchMemory(worker ?? process.pid);
    const startedAt = Date.now();
    const order = { app: APP, name: APP, input: { app: APP, image: `${IMAGE}:v2` } };
    const unexpected: string[] = [];
    await sweep(
      bench.client,
      order,
      { restarted: () => undefined, unexpected: (says) => unexpected.push(says) },
      signal,
    );
    const seconds = (Date.now() - startedAt) / 1_000;
    const chain = await readChain(bench.client, roomOf(APP));
    return [
      { says: 'ends and pauses nobody asked for', value: unexpected.length, unit: unexpected.join('; '), most: 0 },
      ...(await ofFleet(bench, machines)),
      ...ofHistory(chain, machines),
      ...(await ofCalls(bench, machines)),
      { says: "the worker's memory at its most", value: round(memory.peakMb), unit: 'MB', most: MEMORY_MB },
      ...ofTime(seconds, machines, floorOf(fleet, IN_FLIGHT)),
    ];
  } finally {
    memory?.end();
    ended.abort();
    await bench.close();
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;

function ofTime(seconds: number, machines: number, { halfMs, cappedMs }: Floor): Measure[] {
  const ratio = (floorMs: number): number => round((seconds * 1_000) / floorMs);
  return [
    { says: 'wall time', value: round(seconds), unit: `s, ${round(machines / seconds)} machines/s` },
    {
      says: 'times the least with half of every idle pool away at once',
      value: ratio(halfMs),
      unit: `times ${round(halfMs / 1_000)} s`,
    },
    {
      says: `times the least with ${IN_FLIGHT} away in all`,
      value: ratio(cappedMs),
      unit: `times ${round(cappedMs / 1_000)} s`,
    },
  ];
}

async function ofFleet({ simulator }: Bench, machines: number): Promise<Measure[]> {
  const truth = await readTruth(simulator.url, APP);
  const there = truth.filter(({ digest, state }) => digest === DIGEST && state === 'stopped');
  return [{ says: 'machines at target', value: there.length, unit: `of ${machines}`, least: machines }];
}

function ofHistory(chain: readonly History[], machines: number): Measure[] {
  const events = chain.reduce((sum, { events }) => sum + events, 0);
  const largest = (pick: (history: History) => number) => round(Math.max(...chain.map(pick)) / 1_024);
  const beside = {
    says: 'all events of the chain',
    value: events,
    unit: `in runs of ${chain.map((run) => run.events).join(', ')}`,
  };
  return [
    {
      says: 'Temporal events a machine',
      value: round((events - EVENTS_BESIDE) / machines),
      unit: `and ${EVENTS_BESIDE} beside them`,
      most: EVENTS_A_MACHINE,
    },
    beside,
    {
      says: 'runs in the chain',
      value: chain.length,
      unit: 'runs, each continued as new by the next',
      ...(machines >= SURELY_CONTINUES ? { least: 2 } : {}),
    },
    {
      says: 'events of the longest run',
      value: Math.max(...chain.map((run) => run.events)),
      unit: '',
      most: EVENTS_A_RUN,
    },
    { says: 'largest observation', value: largest((run) => run.observationBytes), unit: 'KB', most: OBSERVATION_KB },
    { says: 'largest plan', value: largest((run) => run.planBytes), unit: 'KB', most: OBSERVATION_KB },
    { says: 'largest payload of any event', value: largest((run) => run.payloadBytes), unit: 'KB' },
    { says: 'largest history of one run', value: largest((run) => run.bytes), unit: 'KB' },
  ];
}

async function ofCalls({ simulator }: Bench, machines: number): Promise<Measure[]> {
  const calls = (await readJournal(simulator.url)).filter(({ kind }) => kind === 'call');
  const addressed = calls.filter(({ machine }) => machine !== undefined);
  const counts = new Map<string, number>();
  for (const { op = '', machine } of calls) if (machine === undefined) counts.set(op, (counts.get(op) ?? 0) + 1);
  const others = [...counts].map(([op, count]) => `${op} ${count}`).join(', ');
  return [
    { says: 'API calls a machine', value: round(addressed.length / machines), unit: 'calls', most: CALLS_A_MACHINE },
    { says: 'calls for the whole rollout', value: calls.length - addressed.length, unit: others },
  ];
}

/** Whether a figure keeps its promise. */
export const isKept = ({ value, most, least }: Measure): boolean =>
  value <= (most ?? Infinity) && value >= (least ?? -Infinity);

export function sayMeasure(measure: Measure): string {
  const { says, value, unit, most, least } = measure;
  const promise = most === undefined ? (least === undefined ? '' : `(at least ${least})`) : `(at most ${most})`;
  return [`${says}: ${value}`, unit, promise, isKept(measure) ? '' : 'BROKEN'].filter((part) => part !== '').join(' ');
}
