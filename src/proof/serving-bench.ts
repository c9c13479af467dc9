import { setMaxListeners } from 'node:events';
import { type Bench, openBench } from './bench.js';
import { readJournal, readTruth, tookEffect } from './evidence.js';
import { readChain } from './history.js';
import type { Measure } from './scale.js';
import { roomOf, sweep } from './sweep.js';

const APP = 'serving';
const IMAGE = `registry.fly.io/${APP}`;
const DIGEST = `sha256:${'6'.repeat(64)}`;

/** What one machine's update takes at Fly: replaced at once, five seconds of boot, checks that pass after three. */
const BOOT_MS = 5_000;
const CHECKS_MS = 3_000;
const REPLACE_MS = 100;
const ONE_MS = REPLACE_MS + BOOT_MS + CHECKS_MS;

const AWAY = 0.33;
const CALLS_A_MACHINE = 8;
const EVENTS_A_MACHINE = 6.5;
const EVENTS_BESIDE = 60;
const TIMES_THE_FLOOR = 1.15;

const scenario = (machines: number): object => ({
  timing: {
    replaceMs: REPLACE_MS,
    pullMs: 0,
    bootMs: BOOT_MS,
    checksFirstMs: CHECKS_MS / 3,
    checksPassMs: (CHECKS_MS * 2) / 3,
  },
  images: { [`${IMAGE}:v1`]: {}, [`${IMAGE}:v2`]: { digest: DIGEST } },
  apps: [
    {
      name: APP,
      machines: [
        {
          count: machines,
          region: 'ams',
          image: `${IMAGE}:v1`,
          state: 'started',
          running: true,
          config: { checks: { up: { type: 'tcp', port: 8080, interval: '3s' } } },
        },
      ],
    },
  ],
});

/**
 * How often machines follow one another at the least: the first alone, then as many as have a slot.
 * @param ramp so many more after each that passed; undefined: all slots after the first.
 */
export function wavesOf(machines: number, slots: number, ramp: number | undefined): number {
  let passed = 0;
  let waves = 0;
  while (passed < machines) {
    const most = passed === 0 ? 1 : ramp === undefined ? slots : Math.min(slots, 1 + ramp * passed);
    passed += Math.min(most, machines - passed);
    waves += 1;
  }
  return waves;
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** From the first lease to the last one's release: bakes, the plan and the closing pass are not the machines' time. */
async function wallMs({ simulator }: Bench): Promise<number> {
  const journal = await readJournal(simulator.url);
  const at = (op: string) => journal.filter((entry) => entry.op === op && tookEffect(entry)).map(({ t }) => t);
  return Math.max(...at('release')) - Math.min(...at('lease'));
}

async function measure(bench: Bench, machines: number, ramp: number | 'off', signal: AbortSignal): Promise<Measure[]> {
  await bench.crew.keep(1);
  const input = { app: APP, image: `${IMAGE}:v2`, batches: [1], bake: '1s', maxUnavailable: '33%', ramp };
  const unexpected: string[] = [];
  const log = { restarted: () => undefined, unexpected: (says: string) => unexpected.push(says) };
  await sweep(bench.client, { app: APP, name: APP, input, type: 'regionalCanary' }, log, signal);
  const chain = await readChain(bench.client, roomOf(APP));
  const events = chain.reduce((sum, run) => sum + run.events, 0);
  const calls = (await readJournal(bench.simulator.url)).filter(
    ({ kind, machine }) => kind === 'call' && machine !== undefined,
  );
  const truth = await readTruth(bench.simulator.url, APP);
  const there = truth.filter(({ digest, state }) => digest === DIGEST && state === 'started').length;
  const waves = wavesOf(machines, Math.ceil(machines * AWAY), ramp === 'off' ? undefined : ramp);
  const wall = await wallMs(bench);
  return [
    { says: 'ends and pauses nobody asked for', value: unexpected.length, unit: unexpected.join('; '), most: 0 },
    { says: 'machines at target, and started', value: there, unit: `of ${machines}`, least: machines },
    {
      says: 'Temporal events a machine',
      value: round((events - EVENTS_BESIDE) / machines),
      unit: `and ${EVENTS_BESIDE} beside them`,
      most: EVENTS_A_MACHINE,
    },
    { says: 'API calls a machine', value: round(calls.length / machines), unit: 'calls', most: CALLS_A_MACHINE },
    {
      says: 'wall time',
      value: round(wall / 1_000),
      unit: `s; the least is ${waves} after one another, ${round((waves * ONE_MS) / 1_000)} s`,
    },
    { says: 'times the least', value: round(wall / (waves * ONE_MS)), unit: '', most: TIMES_THE_FLOOR },
  ];
}

/** A canary over machines that serve, a third of them away at a time, and what it costs. */
export async function benchServing(machines: number, ramp: number | 'off', given: AbortSignal): Promise<Measure[]> {
  const ended = new AbortController();
  const signal = AbortSignal.any([given, ended.signal]);
  setMaxListeners(0, signal);
  const bench = await openBench(scenario(machines), signal, { polls: { busy: '3s', calm: '1m' } });
  try {
    return await measure(bench, machines, ramp, signal);
  } finally {
    ended.abort();
    await bench.close();
  }
}
