import * as fc from 'fast-check';

export interface Block {
  readonly count: number;
  readonly region: string;
  readonly group: string;
  readonly image: string;
  readonly state: string;
  readonly managed: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly host?: { readonly lostAtMs: number; readonly backAtMs: number };
  readonly [key: string]: unknown;
}

export interface CaseScenario {
  readonly seed: number;
  readonly switches: Readonly<Record<string, boolean | number | string>>;
  readonly images: Readonly<Record<string, object>>;
  readonly apps: readonly { readonly name: string; readonly machines: readonly Block[] }[];
  readonly faults: readonly object[];
  readonly at: readonly { readonly ms: number; readonly do: object }[];
}

export const APP = 'fleet';
export const OLD = `registry.fly.io/${APP}:v1`;
const OLDER = `registry.fly.io/${APP}:v0`;
export const NEW = `registry.fly.io/${APP}:v2`;
export const FOREIGN = `registry.fly.io/${APP}:v9`;

export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** There in one case of `of`. */
export const sometimes = <T>(of: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: of - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const job = fc.record({
  lengthMs: fc.tuple(fc.integer({ min: MINUTE, max: 5 * MINUTE }), fc.integer({ min: 5 * MINUTE, max: 20 * MINUTE })),
  idleMs: sometimes(2, fc.constant([2 * MINUTE, 10 * MINUTE])),
});

/** Jobs that never end by themselves: only a rollout that stops machines gets past them. */
export const endless = fc
  .record({ onStop: sometimes(2, fc.constantFrom<unknown>('ignore', { afterMs: 2_000, exitCode: 0 })) })
  .map(({ onStop }) => ({ lengthMs: [100 * HOUR, 200 * HOUR], ...(onStop === undefined ? {} : { onStop }) }));

const block: fc.Arbitrary<Block> = fc
  .record({
    count: fc.integer({ min: 1, max: 3 }),
    region: fc.constantFrom('ord', 'ams'),
    group: fc.constantFrom('app', 'worker'),
    image: fc.constantFrom(OLD, OLD, OLD, OLDER, NEW),
    state: fc.constantFrom('stopped', 'stopped', 'stopped', 'started', 'created', 'suspended', 'failed'),
    managed: fc.constantFrom(true, true, true, true, false),
    env: fc.constantFrom({}, { LOG: 'info' }, { LOG: 'debug', KEEP: '1' }),
    metadata: fc.constantFrom({}, {}, {}, {}, { fly_canary: 'true' }),
    job: sometimes(2, job),
    host: sometimes(
      8,
      fc.record({
        lostAtMs: fc.integer({ min: 0, max: 10 * MINUTE }),
        backAtMs: fc.integer({ min: 11 * MINUTE, max: 40 * MINUTE }),
      }),
    ),
  })
  .map(({ job: work, host, ...rest }) => ({
    ...rest,
    // A started machine without work of its own would run for ever: the sweep's deadline is a test of its own.
    ...(work === undefined && rest.state !== 'started' ? {} : { job: work ?? { lengthMs: [MINUTE, 10 * MINUTE] } }),
    ...(host === undefined ? {} : { host }),
  }));

const effect = fc.constantFrom<object>(
  { answer: { status: 429, error: 'rate limit exceeded' } },
  { answer: { status: 500, error: 'internal' } },
  { answer: { status: 503, error: 'unavailable: upstream' } },
  { answer: { status: 409, error: 'aborted: machine is replacing: concurrent update in progress' } },
  { answer: { status: 412, error: 'failed_precondition: not now' } },
  { loseAnswer: true },
  { late408: true },
  { cut: true },
  { malformed: true },
  { delayMs: 4_000 },
);

const fault = fc.record({
  on: fc.constantFrom(
    'list',
    'get',
    'update',
    'lease',
    'release',
    'wait',
    'versions',
    'start',
    'stop',
    'cordon',
    'any',
  ),
  share: fc.constantFrom(0.05, 0.15, 0.3),
  times: fc.integer({ min: 1, max: 12 }),
  effect,
});
const listFault = fc.record({
  on: fc.constant('list'),
  share: fc.constant(0.2),
  times: fc.integer({ min: 1, max: 4 }),
  effect: fc.constantFrom<object>({ emptyList: true }, { halfList: true }, { staleReadMs: 3_000 }),
});

const happening = fc.oneof(
  fc.record({
    createMachines: fc.record({
      app: fc.constant(APP),
      count: fc.integer({ min: 1, max: 2 }),
      region: fc.constantFrom('ord', 'ams'),
      group: fc.constantFrom('app', 'worker'),
      image: fc.constant(OLD),
      state: fc.constant('stopped'),
    }),
  }),
  fc.record({ destroy: fc.record({ app: fc.constant(APP), index: fc.integer({ min: 0, max: 4 }) }) }),
  fc.record({
    deploy: fc.record({ app: fc.constant(APP), index: fc.integer({ min: 0, max: 4 }), image: fc.constant(FOREIGN) }),
  }),
  fc.record({ autostart: fc.record({ app: fc.constant(APP), index: fc.integer({ min: 0, max: 4 }) }) }),
);
const at = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 30 * MINUTE }), do: happening }), { maxLength: 3 });

/** What else Fly leaves open, each as it is by default in most cases. */
const either = <T extends boolean | number | string>(usual: T, other: T): fc.Arbitrary<T> =>
  fc.constantFrom(usual, usual, usual, other);
const settings = {
  leaseBlocksAutostop: either(true, false),
  leaseMaxTtl: either(3_600, 30),
  expiredNonceAccepted: either(false, true),
  expiredNonceStatus: either(400, 409),
  currentVersionStatus: either(409, 412),
  skipLaunchUpdateState: either('stopped', 'created'),
  identicalMintsVersion: either(true, false),
  capacityStatus: either(412, 503),
  startedStartStatus: either(200, 412),
  waitReplaced: either('refuses', 'times-out'),
  lostHostRefusesLeases: either(true, false),
  rateLimits: either(false, true),
};

/** Random worlds: every bad thing possible at once. */
export const scenario: fc.Arbitrary<CaseScenario> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    switches: fc.record({
      leaseBlocksAutostart: fc.boolean(),
      currentVersionEnforced: fc.constantFrom(true, true, true, false),
      versionsKeepReverted: fc.boolean(),
      updateAnswersEvents: fc.boolean(),
      waitAnswersState: fc.boolean(),
      ...settings,
    }),
    reverts: fc.constantFrom(0, 0, 0, 0.3, 1),
    blocks: fc.array(block, { minLength: 1, maxLength: 4 }),
    faults: fc.array(fc.oneof({ weight: 4, arbitrary: fault }, { weight: 1, arbitrary: listFault }), { maxLength: 2 }),
    at,
  })
  .map(({ seed, switches, reverts, blocks, faults, at: happenings }) => ({
    seed,
    switches,
    images: { [OLD]: {}, [OLDER]: {}, [NEW]: { reverts }, [FOREIGN]: {} },
    apps: [{ name: APP, machines: blocks }],
    faults,
    at: happenings,
  }));
