/** Fleets full of secrets, and rollouts over them that fail in every way there is. */

/** In every token, secret, config, check output and error body. */
export const CANARY = 'c4narythatnobodymaysee';
/** What an operator writes into `env`: it is in the input, and documented to be there. */
export const WRITTEN = 'wr1ttenbytheoperator';

export type Ending = 'completed' | 'RolloutRolledBack' | 'RolloutPartial' | 'RolloutAborted' | 'RolloutRefused';

export interface SecretRollout {
  readonly app: string;
  readonly because: string;
  readonly machines: readonly object[];
  readonly faults?: readonly object[];
  /** Left out: a stoppedSweep. */
  readonly type?: string;
  readonly input: object;
  readonly ends: readonly Ending[];
}

const IMAGE = 'registry.fly.io/secrets';
const image = (tag: string): string => `${IMAGE}:${tag}`;

/** A config with the canary in each of its corners, which every write carries back to Fly. */
const SECRETIVE = {
  image: image('v1'),
  env: { API_KEY: CANARY, DATABASE_URL: `postgres://user:${CANARY}@db` },
  metadata: { owner: CANARY },
  config: {
    init: { cmd: ['run', '--key', CANARY] },
    files: [{ guest_path: '/key', raw_value: Buffer.from(CANARY).toString('base64') }],
    checks: { alive: { type: 'http', port: 80, path: `/${CANARY}`, headers: [{ name: 'key', values: [CANARY] }] } },
  },
};
const idle = (count: number): object => ({ ...SECRETIVE, count, state: 'stopped' });
const working = (count: number): object => ({
  ...SECRETIVE,
  count,
  state: 'started',
  job: { lengthMs: 1_000_000_000, onStop: 'ignore' },
  config: { ...SECRETIVE.config, stop_config: { timeout: '1s' } },
});

/** Works on, and bears the checks that every config here has. */
const serving = (count: number): object => ({ ...SECRETIVE, count, state: 'started', running: true });

const answer = (status: number, error: string) => ({ answer: { status, error } });
const SOON = { healthy: { for: '1s', within: '4s' } };

/** Every rollout, with what it is to meet and how it may end when each pause is accepted once. */
export const SECRET_ROLLOUTS: readonly SecretRollout[] = [
  {
    app: 'plain',
    because: 'an environment that the operator writes',
    machines: [idle(3)],
    input: { image: image('v2'), env: { NOTE: WRITTEN } },
    ends: ['completed'],
  },
  {
    app: 'reverting',
    because: 'Fly goes back to the old version',
    machines: [idle(2)],
    input: { image: image('reverts') },
    ends: ['RolloutPartial', 'RolloutAborted'],
  },
  {
    app: 'sick',
    because: 'checks that do not pass, with an output',
    machines: [idle(2)],
    input: { image: image('sick'), bootFirst: 1, ...SOON },
    ends: ['RolloutPartial', 'RolloutAborted'],
  },
  {
    app: 'crashing',
    because: 'a crash loop',
    machines: [idle(2)],
    input: { image: image('crashes'), bootFirst: 1, ...SOON },
    ends: ['RolloutPartial', 'RolloutAborted'],
  },
  {
    app: 'unbootable',
    because: 'a version that does not boot',
    machines: [idle(2)],
    input: { image: image('dead'), bootFirst: 1, ...SOON },
    ends: ['RolloutPartial', 'RolloutAborted'],
  },
  {
    app: 'refusing',
    because: 'writes that Fly refuses, repeating the config',
    machines: [idle(2)],
    faults: [{ on: 'update', app: 'refusing', effect: answer(422, 'invalid_argument: config is not valid') }],
    input: { image: image('v2') },
    ends: ['RolloutPartial', 'RolloutAborted'],
  },
  {
    app: 'stormy',
    because: 'errors of every kind, and answers that cannot be read',
    machines: [idle(4)],
    faults: [
      { on: 'list', app: 'stormy', times: 1, effect: answer(503, 'service unavailable') },
      { on: 'update', app: 'stormy', times: 1, effect: { malformed: true } },
      { on: 'get', app: 'stormy', times: 2, effect: answer(500, 'internal error') },
      { on: 'lease', app: 'stormy', times: 1, effect: answer(429, 'rate limit exceeded') },
      { on: 'wait', app: 'stormy', times: 1, effect: answer(412, 'failed_precondition') },
      { on: 'update', app: 'stormy', times: 1, effect: { late408: true } },
      { on: 'get', app: 'stormy', times: 1, effect: { cut: true } },
      { on: 'release', app: 'stormy', times: 1, effect: { malformed: true } },
    ],
    input: { image: image('v2') },
    ends: ['completed'],
  },
  {
    app: 'forced',
    because: 'machines that never stop, stopped by force',
    machines: [working(2)],
    input: { image: image('v2'), forceAfter: '1s', maxUnavailable: '100%', ramp: 'off', ...SOON },
    ends: ['completed'],
  },
  {
    app: 'canary',
    because: 'machines that serve, drained and baked, with a gate that the worker asks',
    type: 'regionalCanary',
    machines: [serving(3)],
    input: { image: image('v2'), env: { NOTE: WRITTEN }, bake: '2s', drain: '1s', gates: [{ http: 'checkout' }] },
    ends: ['completed'],
  },
  {
    app: 'returning',
    because: 'a canary whose checks fail, and that goes back to configs out of Fly’s versions',
    type: 'regionalCanary',
    machines: [serving(3)],
    input: { image: image('sick'), onFailure: 'rollback', bake: '2s', ...SOON },
    ends: ['RolloutRolledBack'],
  },
  {
    app: 'forbidden',
    because: 'a token that may not write',
    machines: [idle(2)],
    faults: [{ on: 'lease', app: 'forbidden', times: 1, effect: answer(403, 'forbidden') }],
    input: { image: image('v2') },
    ends: ['completed'],
  },
  {
    app: 'planned',
    because: 'a plan of a fleet whose machines differ',
    machines: [idle(2), { ...idle(1), env: { API_KEY: `${CANARY}2` } }],
    input: { image: image('v2'), dryRun: true },
    ends: ['completed'],
  },
  {
    app: 'unwilling',
    because: 'a token that Fly does not accept',
    machines: [idle(1)],
    faults: [{ on: 'app', app: 'unwilling', effect: answer(401, 'token validation error') }],
    input: { image: image('v2') },
    ends: ['RolloutRefused'],
  },
  {
    app: 'mistyped',
    because: 'an input that is refused',
    machines: [idle(1)],
    input: { image: image('v2'), env: { NOTE: WRITTEN }, colour: WRITTEN },
    ends: ['RolloutRefused'],
  },
];

export const secretsScenario: object = {
  timing: { replaceMs: [300, 600], pullMs: 100, bootMs: 200, stopMs: 100, restartMs: 200, checksPassMs: 400 },
  tokens: [CANARY],
  images: {
    [image('v2')]: {},
    [image('reverts')]: { reverts: true },
    [image('sick')]: { failsChecks: true },
    [image('dead')]: { failsBoot: true },
    [image('crashes')]: { exits: { afterMs: 300, code: 1 } },
  },
  apps: SECRET_ROLLOUTS.map(({ app, machines }) => ({ name: app, machines })),
  faults: SECRET_ROLLOUTS.flatMap(({ faults = [] }) => faults),
};
