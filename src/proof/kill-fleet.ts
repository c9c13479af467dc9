import { createHash } from 'node:crypto';

/** The worlds of the kill proof, as scenarios for the simulator: the same fleet with and without troubles. */

export interface FleetShape {
  readonly seed: number;
  readonly apps: number;
  /** Machines an app begins with; a few more are made while it is swept. */
  readonly machines: number;
  /** How long jobs run, in ms; idle times go with it. */
  readonly longestJobMs: number;
}

/** Images beyond the first, one for each change; more than any proof needs. */
const MOST_CHANGES = 60;

const REGIONS = ['ams', 'dfw', 'ord', 'syd'];

const hex = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);

export const appNames = ({ apps }: FleetShape): string[] => Array.from({ length: apps }, (_, at) => `fleet-${at + 1}`);

/** What a machine of an app runs after change number `change`; 0 is what it begins with. */
export const imageOf = (app: string, change: number): string => `registry.fly.io/${app}:v${change}`;

export const digestOf = (app: string, change: number): string => `sha256:${hex(`${app} ${change}`, 64)}`;

const idOf = (shape: FleetShape, app: string, name: string | number): string => hex(`${shape.seed} ${app} ${name}`, 14);

/** Kinds of machines and their share of an app; the rest of it are `idle`. */
const KINDS = [
  { kind: 'rotating', share: 0.42 },
  { kind: 'runsOnce', share: 0.28 },
  { kind: 'created', share: 0.03 },
  { kind: 'failed', share: 0.02 },
  { kind: 'suspended', share: 0.05 },
  { kind: 'unmanaged', share: 0.03 },
  { kind: 'endless', share: 0.04 },
  { kind: 'deaf', share: 0.02 },
  { kind: 'idle', share: 1 },
] as const;
type Kind = (typeof KINDS)[number]['kind'];

/** Longer than any proof: only a rollout that stops machines gets past it. */
const NEVER_MS = 1_000_000_000;

/** Above every job but the endless ones, with room for its start: whoever works longer may be stopped. */
export const forceAfterMs = ({ longestJobMs }: FleetShape): number => Math.ceil(longestJobMs / 1_000) * 1_500;

/** Machines that each change boots first. */
export const BOOT_FIRST = 1;

function kindsOf(machines: number): Kind[] {
  const kinds = KINDS.flatMap(({ kind, share }) =>
    Array.from({ length: Math.ceil(machines * share) }, (): Kind => kind),
  );
  return kinds.slice(0, machines);
}

function lifeOf(kind: Kind, { longestJobMs }: FleetShape): object {
  const lengthMs = [longestJobMs / 8, longestJobMs];
  switch (kind) {
    case 'rotating':
      return { state: 'started', job: { lengthMs, idleMs: [longestJobMs / 4, longestJobMs] } };
    case 'runsOnce':
      return { state: 'started', job: { lengthMs } };
    case 'created':
    case 'failed':
    case 'suspended':
      return { state: kind };
    case 'unmanaged':
      return { state: 'stopped', managed: false };
    case 'endless':
      return { state: 'started', job: { lengthMs: NEVER_MS, onStop: { afterMs: [200, 2_000], exitCode: 0 } } };
    case 'deaf':
      return {
        state: 'started',
        job: { lengthMs: NEVER_MS, onStop: 'ignore' },
        config: { stop_config: { timeout: '3s' } },
      };
    case 'idle':
      // Should it be booted, it works once and rests again.
      return { state: 'stopped', job: { lengthMs } };
  }
}

function machinesOf(shape: FleetShape, app: string): object[] {
  return kindsOf(shape.machines).map((kind, at) => ({
    ids: [idOf(shape, app, at)],
    region: REGIONS[at % REGIONS.length],
    group: at % 3 === 0 ? 'batch' : 'encode',
    image: imageOf(app, 0),
    env: { KIND: kind },
    ...lifeOf(kind, shape),
  }));
}

/** Machines that somebody makes in the middle of a sweep, still with the image of the beginning: a control call's body. */
export const bornLate = (shape: FleetShape, app: string, change: number): object => ({
  app,
  ids: [1, 2, 3].map((at) => idOf(shape, app, `late ${change} ${at}`)),
  region: REGIONS[change % REGIONS.length],
  group: 'encode',
  image: imageOf(app, 0),
  env: { KIND: 'late' },
  state: 'stopped',
});

/** Machines whose host is lost for a while in this change: two of the selected ones. */
export function unlucky(shape: FleetShape, app: string, change: number): string[] {
  const places = [...kindsOf(shape.machines).entries()].filter(
    ([, kind]) => kind !== 'suspended' && kind !== 'unmanaged',
  );
  const start = Number.parseInt(hex(`${shape.seed} ${app} lost ${change}`, 6), 16);
  return [0, 17].map((step) => idOf(shape, app, places[(start + step) % places.length]?.[0] ?? 0));
}

const answer = (status: number, error: string) => ({ status, error });

/** Troubles at a low rate: what kills have to be survived together with. Each call meets one at most. */
const TROUBLES = [
  { on: 'update', share: 0.03, effect: { delayMs: 200, loseAnswer: true } },
  { on: 'update', share: 0.02, effect: { delayMs: 200, late408: true } },
  { on: 'update', share: 0.01, effect: { delayMs: 200, cut: true } },
  { on: 'update', share: 0.01, effect: { answer: answer(503, 'service unavailable') } },
  { on: 'lease', share: 0.02, effect: { loseAnswer: true } },
  { on: 'release', share: 0.02, effect: { answer: answer(500, 'internal error') } },
  { on: 'wait', share: 0.02, effect: { answer: answer(500, 'internal error') } },
  { on: 'list', share: 0.05, effect: { delayMs: 100, staleReadMs: 3_000 } },
  { on: 'any', share: 0.005, effect: { answer: answer(503, 'service unavailable') } },
  { on: 'any', share: 0.005, effect: { answer: answer(429, 'rate limit exceeded') } },
  { on: 'any', share: 0.003, effect: { malformed: true } },
];

/**
 * A look at one machine that is a second old, lease or not. Not among the usual troubles: Fly has no way to make a
 * write depend on a machine's state, so a start in that second cannot be seen, and its job is cut (docs/proof.md).
 */
const STALE_READS = { on: 'get', share: 0.01, effect: { staleReadMs: 1_000 } };

/** A call takes its time, as over the sea: so there is a "between" for a kill to hit, and a write nobody hears of. */
const LATENCY = [
  { on: 'update', effect: { delayMs: 300 } },
  { on: 'list', effect: { delayMs: 100 } },
  { on: 'any', share: 0.5, effect: { delayMs: 120 } },
  { on: 'any', effect: { delayMs: 250 } },
];

/** `none` is for the run that kills are compared with. */
export type Troubles = 'none' | 'latency' | 'faults' | 'faults and stale reads';

/** The whole scenario. */
export function fleetScenario(shape: FleetShape, troubles: Troubles): object {
  const apps = appNames(shape);
  return { ...base(shape, troubles), apps: apps.map((name) => ({ name, machines: machinesOf(shape, name) })) };
}

const FAULTS: Readonly<Record<Troubles, readonly object[]>> = {
  none: [],
  latency: LATENCY,
  faults: [...TROUBLES, ...LATENCY],
  'faults and stale reads': [STALE_READS, ...TROUBLES, ...LATENCY],
};

/** Images of every change, durations and faults. */
function base(shape: FleetShape, troubles: Troubles): object {
  const refs = appNames(shape).flatMap((app) =>
    Array.from({ length: MOST_CHANGES + 1 }, (_, change) => ({ app, change })),
  );
  const images = Object.assign(
    {},
    ...refs.map(({ app, change }) => ({ [imageOf(app, change)]: { digest: digestOf(app, change) } })),
  ) as object;
  const timing = { replaceMs: [800, 2_500], bootMs: [500, 1_500], pullMs: [200, 800], stopMs: [200, 500] };
  return { seed: shape.seed, timing, images, faults: FAULTS[troubles] };
}

/** The first entry of the canaries, and the region of the second. */
export const FIRST_REGION = 'ams';
const SECOND_REGION = 'ord';

/** The same machines as the first region's, and as the others'. */
export const FIRST_GROUP = 'lead';
const SECOND_GROUP = 'rest';

/** Machines that serve, a third of them in the first region; every sixth is idle. */
export function servingScenario(shape: FleetShape, troubles: Troubles): object {
  const check = { checks: { up: { type: 'tcp', port: 8080, interval: '2s' } } };
  const machinesFor = (app: string) =>
    Array.from({ length: shape.machines }, (_, at) => ({
      ids: [idOf(shape, app, at)],
      region: at % 3 === 0 ? FIRST_REGION : SECOND_REGION,
      group: at % 3 === 0 ? FIRST_GROUP : SECOND_GROUP,
      image: imageOf(app, 0),
      env: { AT: String(at) },
      config: check,
      ...(at % 6 === 5 ? { state: 'stopped' } : { state: 'started', running: true }),
    }));
  return { ...base(shape, troubles), apps: appNames(shape).map((name) => ({ name, machines: machinesFor(name) })) };
}

const commitOf = (change: number): string => change.toString(16).padStart(40, '0');

/** How a change of a serving fleet is brought: to the same machines, by their regions or, every third, by their groups. */
export function forwardOf(app: string, change: number): { readonly type: string; readonly input: object } {
  const input = {
    app,
    image: imageOf(app, change),
    env: { CHANGE: String(change) },
    bake: '5s',
    drain: '1s',
    gates: [{ http: 'checkout' }, 'approval'],
    maxFailed: '50%',
    source: { commit: commitOf(change) },
  };
  return change % 3 === 0
    ? { type: 'processGroup', input: { ...input, groups: [FIRST_GROUP, { group: SECOND_GROUP, maxUnavailable: 2 }] } }
    : { type: 'regionalCanary', input: { ...input, regions: [FIRST_REGION, '*'], batches: [2] } };
}
