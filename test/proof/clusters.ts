import { control } from '../../src/proof/by-hand.js';
import { drive, type DriveOptions } from '../../src/proof/drive.js';
import { servingOf } from '../../src/proof/serving.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Clusters in process, and how many of one are away at once by the simulator's journal. */

export const APP = 'storm';
export const OLD = `registry.fly.io/${APP}:v1`;
export const NEW = `registry.fly.io/${APP}:v2`;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
const REGIONS = ['ams', 'dfw', 'ord', 'sin', 'syd'];
export const block = servingOf(OLD);

/** @param count a region each. @param more of the scenario. @param config of each machine, beside its checks. */
export function zks(count: number, more: object = {}, config: object = {}): World {
  const { config: checked } = block('zk', 1, 'ams');
  const zk = (region: string) => block('zk', 1, region, { config: { ...checked, ...config } });
  const apps = [{ name: APP, machines: REGIONS.slice(0, count).map(zk) }];
  return createWorld({ seed: 1, images: { [OLD]: {}, [NEW]: {} }, apps, ...more });
}

export const machines = (world: World) => world.simulator.machines(APP);
export const on = (world: World, image: string) => machines(world).filter((one) => one.image.startsWith(image)).length;

export interface Away {
  readonly machine: string;
  readonly from: number;
  readonly to: number;
}

/** From each write to its machine's first passing check after it, whoever wrote. */
export function aways(world: World, since = 0): Away[] {
  const entries = world.simulator.journal.entries();
  return entries.flatMap((entry) => {
    const isWrite = entry.kind === 'call' && entry.op === 'update' && entry.status === 200;
    if (!isWrite || entry.t < since) return [];
    const { machine = '', t } = entry;
    const passing = entries.find(
      (one) => one.kind === 'checks' && one.machine === machine && one.t > t && one.checks === 'passing',
    );
    return [{ machine, from: t, to: passing?.t ?? Infinity }];
  });
}

/** So many were away at one moment at the most. @param always away besides, all the time. */
export function mostAway(world: World, always: readonly string[] = [], since = 0): number {
  const all = aways(world, since);
  const at = (t: number) => new Set([...always, ...all.flatMap((a) => (a.from <= t && t < a.to ? [a.machine] : []))]);
  return Math.max(0, ...all.map(({ from }) => at(from).size));
}

export const ABORT = { atMs: 2 * 60 * MINUTE, verb: 'abort' as const };

export async function forward(world: World, own: object, options: Partial<DriveOptions> = {}, more: object = {}) {
  const input = { app: APP, image: NEW, bake: '1m', ramp: 'off', groups: [{ group: 'zk', ...own }], ...more };
  const { end } = await drive(world, { type: 'processGroup', start: 'a', input, said: [ABORT], ...options });
  return 'outcome' in end ? end.outcome : end.kind;
}

export async function back(world: World, options: Partial<DriveOptions> = {}) {
  const input = { app: APP, rollout: 'latest' };
  const { end } = await drive(world, { type: 'rollback', start: 'b', input, said: [ABORT], ...options });
  return 'outcome' in end ? end.outcome : end.kind;
}

export const setChecks = (world: World, id: string, status: string) =>
  control(world, `machines/${id}/checks`, { status });

export const crash = (world: World, id: string) => control(world, `machines/${id}/exit`, { code: 1 });

export const lose = (world: World, id = '') => control(world, `machines/${id}/lose-host`);

/** By id, as a rollout takes them, all else being equal. */
export const inTurn = (world: World) => machines(world).toSorted((a, b) => (a.id < b.id ? -1 : 1));

export const NO_RESTART = { restart: { policy: 'no' } };

/** The two ways to say that a group is a cluster of which one at a time may be away. */
export const OWN = [
  ['a count of its own', { maxUnavailable: 1 }],
  ['"whole"', { whole: true }],
] as const;
