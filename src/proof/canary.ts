import { performance } from 'node:perf_hooks';
import type { CallEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import { drive, type DriveOptions, type Driven } from './drive.js';
import { CHECKED } from './serving.js';
import { createWorld, type World } from './world.js';

const APP = 'canary';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const REGIONS = ['ams', 'dfw', 'fra', 'gru', 'hkg', 'iad', 'nrt', 'syd'];
const MINUTE = 60_000;
const DAY = 86_400_000;

/** One figure of the proof, and whether it is as promised. */
export interface CanaryFigure {
  readonly says: string;
  readonly isKept: boolean;
}

/** What an image does, and to whom. */
type Image = Readonly<Record<string, unknown>>;

interface Fleet {
  readonly seed: number;
  readonly regions: readonly string[];
  readonly each: number;
  readonly image: Image;
  readonly env?: (index: number) => Readonly<Record<string, string>>;
}

function worldOf({ seed, regions, each, image, env }: Fleet): World {
  const machines = regions.flatMap((region, index) => ({
    count: each,
    region,
    image: OLD,
    state: 'started',
    running: true,
    config: CHECKED,
    ...(env === undefined ? {} : { env: env(index) }),
  }));
  return createWorld({ seed, images: { [OLD]: {}, [NEW]: image }, apps: [{ name: APP, machines }] });
}

/** Accepted updates by machine. */
const writesIn = (world: World): CallEntry[] =>
  world.simulator.journal
    .entries()
    .flatMap((entry) => (entry.kind === 'call' && entry.op === 'update' && entry.status === 200 ? [entry] : []));

const writtenIn = (world: World): Set<string> => new Set(writesIn(world).map(({ machine }) => machine ?? ''));

interface Halted extends Driven {
  readonly halted: boolean;
}

/** A canary that is let go on until it halts for the first time, or ends. */
async function untilHalt(world: World, input: object): Promise<Halted> {
  let halted = false;
  const watch: DriveOptions['watch'] = (loop) => {
    const { pause, stop } = loop.state();
    if (pause?.code !== 'failures' || stop !== undefined) return;
    halted = true;
    loop.put({ ...loop.state(), stop: { kind: 'abort', says: 'halted', since: world.clock.now() } });
  };
  const whole = { app: APP, image: NEW, bake: '5m', batches: [2, 3], ...input };
  const driven = await drive(world, { type: 'regionalCanary', input: whole, start: 'canary', watch });
  return { ...driven, halted };
}

/** An image that works nowhere: machines that it reached, the most of all seeds. */
async function neverWorks(seeds: number): Promise<CanaryFigure> {
  const images: readonly Image[] = [
    { failsChecks: true },
    { failsBoot: true },
    { reverts: true },
    { exits: { afterMs: 500, code: 1 } },
  ];
  let most = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const world = worldOf({ seed, regions: ['ams', 'ord'], each: 50, image: images[seed % images.length] ?? {} });
    await untilHalt(world, {});
    most = Math.max(most, writtenIn(world).size);
  }
  return {
    says: `an image that never works: at most ${most} of 100 machines reached, in ${seeds} rollouts`,
    isKept: most <= 2,
  };
}

/** Machines of one rollout, and in how many rollouts it halted. */
async function haltsOf(machines: number, share: number, seeds: number): Promise<number> {
  let halts = 0;
  const regions = machines >= 50 ? ['ams', 'dfw', 'ord'] : ['ams'];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const image = { failsChecks: true, hits: { share }, digest: digestOf(seed) };
    const each = Math.ceil(machines / regions.length);
    const { halted } = await untilHalt(worldOf({ seed, regions, each, image }), {});
    if (halted) halts += 1;
  }
  return halts;
}

/** Another one for each seed: whom a share of an image hits is drawn by its digest. */
const digestOf = (seed: number): string => `sha256:${seed.toString(16).padStart(64, '0')}`;

async function oftenFails(seeds: number): Promise<CanaryFigure> {
  const halts = await haltsOf(100, 0.2, seeds);
  const share = halts / seeds;
  return {
    says: `an image that hits 20 % of 100 machines: halted in ${halts} of ${seeds} rollouts (${(share * 100).toFixed(1)} %, at least 98)`,
    isKept: share >= 0.98,
  };
}

/** Of a healthy image with flakes there is no promise: an operator wants to know. */
async function flakes(seeds: number, sizes: readonly number[]): Promise<CanaryFigure[]> {
  const figures: CanaryFigure[] = [];
  for (const machines of sizes) {
    const runs = Math.max(5, Math.ceil((seeds * 20) / machines));
    const halts = await haltsOf(machines, 0.02, runs);
    const says = `a healthy image of which 2 % of ${machines} machines flake: ${halts} false halts in ${runs} rollouts (${((halts / runs) * 100).toFixed(0)} %)`;
    figures.push({ says, isKept: true });
  }
  return figures;
}

/** Looked at every five minutes while a bake goes on for hours, instead of every minute. */
function calm(fleet: Fleet): World {
  const world = worldOf(fleet);
  return { ...world, deps: { ...world.deps, pollMs: { ...world.deps.pollMs, calm: 5 * MINUTE } } };
}

/** Five days over eight regions, the fault in the fifth. */
async function faultInFifth(): Promise<CanaryFigure[]> {
  const began = performance.now();
  const world = calm({
    seed: 5,
    regions: REGIONS,
    each: 25,
    image: { failsChecks: true, hits: { regions: ['hkg'] } },
  });
  const input = { regions: REGIONS, onFailure: 'rollback', bake: '15h' };
  const { end } = await untilHalt(world, input);
  const after = new Set(REGIONS.slice(5));
  const regionOf = new Map(world.simulator.machines(APP).map(({ id, region }) => [id, region]));
  const late = writesIn(world).filter(({ machine }) => after.has(regionOf.get(machine ?? '') ?? ''));
  const notBack = world.simulator.machines(APP).filter(({ image }) => !image.startsWith(OLD));
  const outcome = end.kind === 'finish' ? end.outcome : end.kind;
  return [
    {
      says: `8 regions of 25, the fault in the fifth: ${late.length} writes in regions 6 to 8, ${notBack.length} of ${writtenIn(world).size} touched machines not back, it ended ${outcome}`,
      isKept: late.length + notBack.length === 0 && outcome === 'rolledBack',
    },
    await fiveDays(began),
  ];
}

async function fiveDays(began: number): Promise<CanaryFigure> {
  const world = calm({ seed: 6, regions: REGIONS, each: 25, image: {} });
  const from = world.clock.now();
  const { end } = await untilHalt(world, { regions: REGIONS, bake: '15h' });
  const days = (world.clock.now() - from) / DAY;
  const seconds = (performance.now() - began) / 1_000;
  const outcome = end.kind === 'finish' ? end.outcome : end.kind;
  return {
    says: `the same with a good image: ${days.toFixed(1)} days, ${outcome}; both in ${seconds.toFixed(0)} s of real time (at most 90)`,
    isKept: days >= 5 && outcome === 'completed' && seconds <= 90,
  };
}

/** The same text whatever the order of keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, field]) => `${key}:${canonical(field)}`).join(',')}}`;
}

/** A config as it is compared: our own record left out, the image by what it names, whatever pins it. */
function normal({ machine: { config } }: MachineTruth): string {
  const { metadata = {}, image = '', ...rest } = config ?? {};
  const others = Object.entries(metadata ?? {}).filter(([key]) => !key.startsWith('layover_'));
  return canonical([rest, Object.fromEntries(others), image.split('@')[0]]);
}

/** Mixed images and env, taken back when two fifths are done. */
async function backAtTwoFifths(): Promise<CanaryFigure[]> {
  const mixed = Array.from({ length: 5 }, (_, n) => `registry.fly.io/${APP}:old-${n}`);
  const machines = REGIONS.flatMap((region) =>
    mixed.map((image, n) => ({
      count: 5,
      region,
      image,
      env: { LOG: `level-${n}`, [`ONLY_${n}`]: region },
      state: n === 4 ? 'stopped' : 'started',
      running: n !== 4,
      config: CHECKED,
    })),
  );
  const images = Object.fromEntries([...mixed, NEW].map((ref) => [ref, {}]));
  const world = createWorld({ seed: 7, images, apps: [{ name: APP, machines }] });
  const before = new Map(world.simulator.machines(APP).map((one) => [one.id, normal(one)]));
  const begun = world.clock.now();
  let turnedAt = 0;
  const watch: DriveOptions['watch'] = (loop) => {
    const state = loop.state();
    if (state.turned !== undefined || state.written < 80) return;
    turnedAt = world.clock.now();
    loop.put({ ...state, turned: { says: 'two fifths are done', since: turnedAt, failed: {} } });
  };
  const input = { app: APP, image: NEW, env: { LOG: 'new' }, bake: '1s', batches: [2, 3] };
  const { end } = await drive(world, { type: 'regionalCanary', input, start: 'back', watch });
  const touched = writtenIn(world);
  const wrong = world.simulator.machines(APP).filter((one) => normal(one) !== before.get(one.id));
  const forwardMs = turnedAt - begun;
  const backMs = world.clock.now() - turnedAt;
  const outcome = end.kind === 'finish' ? end.outcome : end.kind;
  const most = Math.max(...[...touched].map((id) => writesIn(world).filter(({ machine }) => machine === id).length));
  return [
    {
      says: `a mixed fleet of 200 in 8 regions taken back at 40 %: ${touched.size} touched, ${wrong.length} configs differ from before, at most ${most} writes a machine (one each way), it ended ${outcome}`,
      isKept: wrong.length === 0 && most <= 2 && outcome === 'rolledBack',
    },
    {
      says: `the way back took ${(backMs / MINUTE).toFixed(1)} minutes where forward took ${(forwardMs / MINUTE).toFixed(1)} without bakes: ${(backMs / forwardMs).toFixed(2)} of it (at most 0.33)`,
      isKept: backMs / forwardMs <= 1 / 3,
    },
  ];
}

export interface CanaryOptions {
  /** Rollouts for each figure that is a share. */
  readonly seeds: number;
  /** Machines of the fleets whose false halts are counted. */
  readonly sizes: readonly number[];
  /** Without the figures that take minutes. */
  readonly isShort: boolean;
  /** Told of each figure as soon as it is there. */
  readonly say?: (line: string) => void;
}

/** What canaries see and do not see, in process on virtual time, by the decisions and activities that a worker runs. */
export async function proveCanary({ seeds, sizes, isShort, say }: CanaryOptions): Promise<CanaryFigure[]> {
  const parts = [
    ...(isShort ? [] : [faultInFifth]),
    backAtTwoFifths,
    async () => [await neverWorks(Math.min(seeds, 40))],
    async () => [await oftenFails(seeds)],
    () => flakes(seeds, sizes),
  ];
  const figures: CanaryFigure[] = [];
  for (const part of parts) {
    const found = await part();
    for (const figure of found) say?.(sayFigure(figure));
    figures.push(...found);
  }
  return figures;
}

const sayFigure = ({ says, isKept }: CanaryFigure): string => `${isKept ? '' : 'WRONG: '}${says}`;
