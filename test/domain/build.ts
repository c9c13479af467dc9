import type { Candidate } from '../../src/domain/candidates.js';
import type { Observation, View } from '../../src/domain/fleet.js';
import type { Pool } from '../../src/domain/pools.js';
import { total } from '../../src/domain/pools.js';
import type { MachineFacts, RolloutContext } from '../../src/domain/machine.js';
import type { Flight, Pace } from '../../src/domain/pace.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { firstView } from '../../src/domain/look.js';
import { viewOf, wholeStep } from '../../src/domain/steps.js';
import type { Plan } from '../../src/domain/plan.js';
import { begin, type Doubt, type Failure, type Rest, type RolloutState } from '../../src/domain/state.js';

/** Noon of the first of January 2026: the present of every test of this room. */
export const NOW = Date.UTC(2026, 0, 1, 12);
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
/** What the fleet ran when planned, what it is to run, and what somebody else deployed. */
export const OLD = digest('1');
export const NEW = digest('2');
export const OTHER = digest('9');

export const HASH = 'abcdef012345';
/** The mark of this change, and of another one. */
export const MARK = `${HASH}.first#0`;
export const STRANGE_MARK = '543210fedcba.first#0';
export const M1 = 'a0000000000001';
export const M2 = 'a0000000000002';
export const M3 = 'a0000000000003';

/** A rollout of `encoder` from v1 to a pinned v2. */
export const context = (more: Partial<RolloutContext> = {}): RolloutContext => ({
  app: 'encoder',
  rollout: { hash: HASH, start: 'first' },
  change: { image: { repository: 'registry.fly.io/encoder', tag: 'v2' } },
  pin: NEW,
  origins: [OLD],
  cut: [],
  unread: [],
  selection: {},
  unmanaged: 'leave',
  suspended: 'leave',
  allowOtherRepository: false,
  healthy: { forMs: 10_000, withinMs: 5 * MINUTE },
  maxUnavailable: { share: 0.33 },
  ...more,
});

/** The same rollout before anybody could say which digest v2 is. */
export function unpinned(more: Partial<RolloutContext> = {}): RolloutContext {
  const { pin: _pin, ...rest } = context(more);
  return rest;
}

/** An idle machine on v1: ready. */
export const machine = (more: Partial<MachineFacts> = {}): MachineFacts => ({
  id: M1,
  region: 'ord',
  group: 'worker',
  metadata: {},
  readable: true,
  labelled: true,
  state: 'stopped',
  version: '01KDW00000000000000000000A',
  digest: OLD,
  image: 'registry.fly.io/encoder:v1@sha256:0123456789ab',
  managed: true,
  containers: 'none',
  cordoned: false,
  lastStartAt: undefined,
  hostOk: true,
  mark: undefined,
  standbyFor: [],
  bornAt: undefined,
  cut: false,
  bootedAt: undefined,
  envMatches: true,
  checksConfigured: 0,
  checks: [],
  life: {},
  ...more,
});

export const plan = (more: Partial<Plan> = {}): Plan => ({
  type: 'stoppedSweep',
  context: context(),
  plannedAt: NOW,
  steps: [wholeStep('sweep')],
  onFailure: 'pause',
  deadlineMs: 24 * HOUR,
  maxFailed: { share: 0.1 },
  bootFirst: 0,
  ramp: 3,
  selected: 4,
  listed: 5,
  unlisted: 0,
  target: 'registry.fly.io/encoder:v2',
  notes: [],
  attributes: [],
  ...more,
});

export const state = (more: Partial<RolloutState> = {}): RolloutState => ({ ...begin(plan(), NOW), ...more });

export const pool = (more: Partial<Pool> = {}): Pool => ({
  region: 'ord',
  group: 'worker',
  selected: 4,
  atTarget: 0,
  verified: 0,
  failed: 0,
  foreign: 0,
  left: 4,
  due: 0,
  fresh: 0,
  good: 0,
  idle: 4,
  up: 0,
  down: 0,
  room: 0,
  hands: 0,
  ...more,
});

/** What an observer knows before its look: nothing of any machine. */
export const view = (more: Partial<View> = {}): View => ({
  ...firstView(NOW, viewOf(wholeStep('sweep'))),
  ...more,
});

/** A proven, pinned rollout of one pool with nothing under way. */
export const pace = (more: Partial<Pace> = {}): Pace => ({
  pools: [pool()],
  inFlight: [],
  proven: true,
  pinned: true,
  trials: [],
  resting: [],
  landed: [],
  ramp: 3,
  boots: undefined,
  ...more,
});

/** A look at one pool; its candidates are those given. */
export const seen = (more: Partial<Observation> = {}): Observation => ({
  at: NOW,
  since: NOW,
  listed: 5,
  whole: true,
  unlisted: 0,
  doubtful: 0,
  unseen: 0,
  retried: 0,
  pools: [pool()],
  candidates: [],
  remarks: [],
  missed: [],
  sick: [],
  outside: {},
  stragglers: 0,
  overdue: 0,
  held: 0,
  trials: [],
  shown: [],
  early: {},
  unreachable: 0,
  busy: 0,
  aheadMs: 0,
  ...more,
});

/** A look that found nothing left to do. */
export const clearLook = (more: Partial<Pool> = {}): Observation =>
  seen({ pools: [pool({ atTarget: 4, left: 0, ...more })] });

/** The newest birth of a version of every candidate. */
export const BEFORE = NOW - HOUR;

/** What is noted of a machine with an order whose end nobody knows. */
export const doubt = (more: Partial<Doubt> = {}): Doubt => ({
  region: 'ord',
  group: 'worker',
  bornAt: BEFORE,
  ...more,
});

export const candidate = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  id,
  region: 'ord',
  group: 'worker',
  digest: OLD,
  bornAt: BEFORE,
  ...more,
});

export const flight = (id: string, more: Partial<Flight> = {}): Flight => ({
  ...candidate(id),
  since: NOW,
  ...more,
});

export const rest = (id: string, more: Partial<Rest> = {}): Rest => ({
  ...candidate(id),
  until: NOW + 5_000,
  tries: 1,
  says: 'Fly answered 503',
  ...more,
});

export const failure = (more: Partial<Failure> = {}): Failure => ({
  code: 'reverted',
  says: 'Fly went back to the version before',
  at: NOW - MINUTE,
  region: 'ord',
  group: 'worker',
  accepted: false,
  ...more,
});

/** A rollout that has one update in flight, and what it looked like before. */
export const flying = (id = M1, more: Partial<RolloutState> = {}): RolloutState =>
  state({ inFlight: { [id]: flight(id) }, seen: seen(), ...more });

export const paused = (more: Partial<RolloutState> = {}): RolloutState =>
  state({ pause: { code: 'asked', says: '5xx spike', since: NOW }, ...more });

export const UPDATED = {
  kind: 'updated',
  version: 'v-after',
  digest: NEW,
  wrote: true,
  interrupted: false,
} as const satisfies UpdateOutcome;
export const FAILED = {
  kind: 'failed',
  code: 'reverted',
  says: 'Fly went back to the version before',
  at: NOW,
  interrupted: false,
} as const satisfies UpdateOutcome;
export const ERROR = {
  kind: 'error',
  code: 'unavailable',
  says: 'Fly answered 503',
  retryAfterMs: 0,
  inDoubt: false,
} as const satisfies UpdateOutcome;

/** Each count of a look, summed over its pools. */
export const sums = ({
  pools,
}: Observation): Record<'selected' | 'atTarget' | 'foreign' | 'left' | 'failed', number> => ({
  selected: total(pools, 'selected'),
  atTarget: total(pools, 'atTarget'),
  foreign: total(pools, 'foreign'),
  left: total(pools, 'left'),
  failed: total(pools, 'failed'),
});
