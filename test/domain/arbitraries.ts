import * as fc from 'fast-check';
import type { Change } from '../../src/domain/change.js';
import type { Candidate } from '../../src/domain/candidates.js';
import type { Observation, Remark } from '../../src/domain/fleet.js';
import type { Pool } from '../../src/domain/pools.js';
import type { MachineFacts, RolloutContext } from '../../src/domain/machine.js';
import type { Selection } from '../../src/domain/selection.js';
import type { Failure, RolloutState } from '../../src/domain/state.js';
import { begin } from '../../src/domain/state.js';
import type { NonEmpty, Selector } from '../../src/input/types.js';
import { context, HOUR, M1, MARK, MINUTE, NEW, NOW, OLD, OTHER, plan, STRANGE_MARK } from './build.js';

const QUIET = ['stopped', 'created', 'failed', 'suspended', 'suspending', 'started'] as const;
const MOVING = ['starting', 'stopping', 'restarting', 'replacing', 'updating', 'creating'] as const;
const GONE = ['destroyed', 'destroying', 'replaced', 'migrated', 'launch_failed'] as const;

/** Every state of a machine that Fly documents, and one that it does not. */
export const STATES = [...QUIET, ...MOVING, ...GONE, 'a state nobody has seen'] as const;

const REGIONS = ['ord', 'ams'] as const;
const GROUPS = ['app', 'worker'] as const;

/** Few ids, so that selections, marks and lists meet the machines they name. */
export const id = fc.integer({ min: 1, max: 12 }).map((n) => `a${String(n).padStart(13, '0')}`);

const life = fc.record(
  {
    startedAt: fc.integer({ min: NOW - HOUR, max: NOW }),
    exit: fc.record({
      at: fc.integer({ min: NOW - HOUR, max: NOW }),
      code: fc.constantFrom(0, 1, 137),
      requested: fc.boolean(),
      oom: fc.boolean(),
      looping: fc.boolean(),
    }),
  },
  { requiredKeys: [] },
);

const check = fc.record({
  name: fc.constantFrom('alive', 'ready'),
  status: fc.constantFrom('passing', 'critical', 'warning'),
  since: fc.integer({ min: NOW - HOUR, max: NOW }),
});

/** Machines of every sort, ordinary ones frequent enough to get past the first rows. */
export const facts: fc.Arbitrary<MachineFacts> = fc
  .record(
    {
      id,
      region: fc.constantFrom(...REGIONS),
      group: fc.constantFrom(...GROUPS),
      metadata: fc.constantFrom<Record<string, string>>({}, { tier: 'gold' }, { tier: 'tin' }),
      readable: fc.constantFrom(true, true, true, false),
      labelled: fc.constantFrom(true, true, true, false),
      state: fc.constantFrom(...STATES, 'stopped', 'stopped', 'started', 'started'),
      version: fc.constantFrom('v-one', 'v-two'),
      digest: fc.constantFrom(OLD, OLD, NEW, OTHER, undefined),
      image: fc.constantFrom('a:v1', 'a:v2'),
      managed: fc.constantFrom(true, true, true, false),
      special: fc.constantFrom<NonNullable<MachineFacts['special']>>('console', 'canary', 'auto_destroy'),
      onlyIdle: fc.constantFrom<NonNullable<MachineFacts['onlyIdle']>>('scheduled', 'standby'),
      containers: fc.constantFrom<MachineFacts['containers']>(...Array<'none'>(9).fill('none'), 'named', 'others'),
      hold: fc.record({
        rollout: fc.constant('abcdef012345.first'),
        machine: id,
        started: fc.boolean(),
        cordoned: fc.boolean(),
      }),
      cordoned: fc.constantFrom(false, false, false, true),
      lastStartAt: fc.constantFrom(undefined, NOW - 5 * HOUR, NOW - MINUTE),
      hostOk: fc.constantFrom(true, true, true, false),
      mark: fc.constantFrom(undefined, undefined, MARK, STRANGE_MARK, 'no mark at all'),
      standbyFor: fc.constantFrom<readonly string[]>([], [], [M1]),
      bornAt: fc.constantFrom(undefined, NOW - HOUR),
      cut: fc.constantFrom(false, false, false, true),
      bootedAt: fc.constantFrom(undefined, NOW - HOUR, NOW - MINUTE),
      envMatches: fc.boolean(),
      checksConfigured: fc.integer({ min: 0, max: 2 }),
      checks: fc.array(check, { maxLength: 2 }),
      life,
    },
    {
      requiredKeys: [
        ...([
          'id',
          'region',
          'group',
          'metadata',
          'readable',
          'labelled',
          'state',
          'version',
          'digest',
          'image',
          'managed',
        ] as const),
        ...(['standbyFor', 'bornAt', 'cut', 'cordoned', 'lastStartAt'] as const),
        ...(['containers', 'hostOk', 'mark', 'bootedAt', 'envMatches', 'checksConfigured', 'checks', 'life'] as const),
      ],
    },
  )
  .chain((drawn) => {
    const { special, hold, ...plain } = drawn;
    const hostOk = drawn.readable && drawn.hostOk;
    return fc.integer({ min: 0, max: 9 }).map((n) => ({
      ...plain,
      ...(n === 0 && special !== undefined ? { special } : {}),
      ...(n === 1 && hold !== undefined ? { hold } : {}),
      hostOk,
    }));
  });

/** A fleet as a list shows it: each id once. */
export const fleet = (most = 12): fc.Arbitrary<MachineFacts[]> =>
  fc.uniqueArray(facts, { selector: (machine) => machine.id, maxLength: most });

const nonEmpty = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<NonEmpty<T>> =>
  fc.array(arbitrary, { minLength: 1, maxLength: 3 }).map(([first, ...more]): NonEmpty<T> => [first as T, ...more]);

export const selector: fc.Arbitrary<Selector> = fc.record(
  {
    regions: nonEmpty(fc.constantFrom(...REGIONS)),
    processGroups: nonEmpty(fc.constantFrom(...GROUPS)),
    machines: nonEmpty(id),
    metadata: fc.constantFrom<Record<string, string>>({ tier: 'gold' }, { tier: 'tin' }, {}),
  },
  { requiredKeys: [] },
);

export const selection: fc.Arbitrary<Selection> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Selection>({}) },
  { weight: 2, arbitrary: fc.record({ only: selector, except: selector }, { requiredKeys: [] }) },
);

const change: fc.Arbitrary<Change> = fc.constantFrom<Change>(
  { image: { repository: 'registry.fly.io/encoder', tag: 'v2' } },
  { env: { LOG: 'debug' } },
  { image: { repository: 'registry.fly.io/encoder' }, env: { LOG: null } },
);

/** Rollouts of every sort, over the fleets above. */
export const contexts: fc.Arbitrary<RolloutContext> = fc
  .record({
    change,
    isPinned: fc.constantFrom(true, true, true, false),
    origins: fc.constantFrom([OLD], [OLD, NEW], [OLD, ''], []),
    unread: fc.array(id, { maxLength: 2 }),
    selection,
    unmanaged: fc.constantFrom<'leave' | 'include'>('leave', 'include'),
    suspended: fc.constantFrom<'leave' | 'update'>('leave', 'update'),
    force: fc.constantFrom({}, {}, { forceBefore: NOW - HOUR }),
  })
  .map(({ isPinned, force, ...drawn }) => {
    const { pin: _pin, ...bare } = context({ ...drawn, ...force });
    return drawn.change.image !== undefined && isPinned ? { ...bare, pin: NEW } : bare;
  });

export const candidate: fc.Arbitrary<Candidate> = fc.record({
  id,
  region: fc.constantFrom(...REGIONS),
  group: fc.constantFrom(...GROUPS),
  digest: fc.constantFrom(OLD, OTHER),
});

export const candidates: fc.Arbitrary<Candidate[]> = fc.uniqueArray(candidate, { selector: (c) => c.id });

const small = fc.integer({ min: 0, max: 9 });

const pool = (region: string, group: string): fc.Arbitrary<Pool> =>
  fc
    .record({
      atTarget: small,
      foreign: small,
      left: small,
      failedOff: small,
      failedOn: small,
      idle: small,
      ran: small,
      up: small,
      down: small,
      room: small,
      hands: small,
    })
    .map(({ atTarget, foreign, left, failedOff, failedOn, idle, ran, up, down, room, hands }) => ({
      region,
      group,
      selected: atTarget + foreign + left + failedOff,
      atTarget,
      verified: Math.min(ran, atTarget),
      good: Math.min(ran, atTarget),
      fresh: 0,
      due: 0,
      failed: failedOff + Math.min(failedOn, atTarget),
      foreign,
      left,
      idle,
      up,
      down: Math.min(down, up),
      room: Math.min(room, up),
      hands: Math.min(hands, up),
    }));

export const pools: fc.Arbitrary<Pool[]> = fc.tuple(
  ...REGIONS.flatMap((region) => GROUPS.map((group) => pool(region, group))),
);

const remark: fc.Arbitrary<Remark> = fc.record({
  id,
  region: fc.constantFrom(...REGIONS),
  group: fc.constantFrom(...GROUPS),
  standing: fc.constantFrom<Remark['standing']>('straggler', 'unreachable', 'foreign', 'busy'),
  says: fc.constant('it is working; it is updated when it stops'),
});

/** A look of the fleet's last hour. */
export const observation: fc.Arbitrary<Observation> = fc.record({
  at: fc.integer({ min: NOW - HOUR, max: NOW }),
  since: fc.constant(NOW - HOUR),
  listed: small,
  whole: fc.constant(true),
  unlisted: fc.constantFrom(0, 0, 2),
  doubtful: fc.constant(0),
  unseen: fc.constant(0),
  retried: fc.constantFrom(0, 0, 1),
  pools,
  candidates,
  remarks: fc.uniqueArray(remark, { selector: (r) => r.id, maxLength: 4 }),
  missed: fc.constant([]),
  sick: fc.constant([]),
  outside: fc.constant({}),
  stragglers: small,
  overdue: small,
  held: small,
  trials: fc.constant([]),
  shown: fc.constant([]),
  early: fc.constant({}),
  unreachable: small,
  busy: small,
  aheadMs: fc.constant(0),
});

const failure: fc.Arbitrary<Failure> = fc.record({
  code: fc.constantFrom<Failure['code']>('reverted', 'checks', 'crash_loop'),
  says: fc.constant('exits with code 1 again and again on the new version'),
  at: fc.integer({ min: NOW - HOUR, max: NOW }),
  region: fc.constantFrom(...REGIONS),
  group: fc.constantFrom(...GROUPS),
  accepted: fc.boolean(),
});

const since = fc.integer({ min: NOW - HOUR, max: NOW });

/** Each machine at most once in flight, resting, failed or queued: as the reducers keep it. */
const crew = fc
  .record({ all: candidates, failures: fc.array(failure, { minLength: 10, maxLength: 10 }), since, tries: small })
  .map(({ all, failures, since: at, tries }) => {
    const share = (n: number) => all.filter((_, index) => index % 4 === n);
    const keyed = <T>(items: readonly Candidate[], make: (c: Candidate, index: number) => T) =>
      Object.fromEntries(items.map((item, index) => [item.id, make(item, index)]));
    return {
      queue: share(0),
      inFlight: keyed(share(1), (c) => ({ ...c, since: at })),
      resting: keyed(share(2), (c) => ({ ...c, until: NOW + MINUTE, tries: tries + 1, says: 'Fly answered 503' })),
      failed: Object.fromEntries(
        share(3).flatMap((c, index) => {
          const drawn = failures[index];
          return drawn === undefined ? [] : [[c.id, drawn] as const];
        }),
      ),
    };
  });

/** Rollouts in the middle of their work, in every phase. */
export const states: fc.Arbitrary<RolloutState> = fc
  .record(
    {
      crew,
      context: contexts,
      pausedMs: fc.integer({ min: 0, max: HOUR }),
      startedAt: fc.integer({ min: NOW - 25 * HOUR, max: NOW }),
      clear: fc.record({ looks: fc.constantFrom(0, 0, 0, 1, 2), at: since }),
      written: fc.constantFrom(0, 0, 3),
      calm: fc.boolean(),
      pause: fc.record({
        code: fc.constantFrom<'asked' | 'failures' | 'list_suspect'>('asked', 'failures', 'list_suspect'),
        says: fc.constant('5xx spike'),
        since,
      }),
      stop: fc.record({
        kind: fc.constantFrom<'abort' | 'cancel'>('abort', 'cancel'),
        says: fc.constant('wrong'),
        since,
      }),
      seen: observation,
      halt: fc.constantFrom('none', 'none', 'none', 'pause', 'stop'),
    },
    { requiredKeys: ['crew', 'context', 'pausedMs', 'startedAt', 'clear', 'written', 'calm', 'pause', 'stop', 'halt'] },
  )
  .map(({ crew: people, context: ctx, calm, pause, stop, halt, ...rest }) => ({
    ...begin(plan({ context: ctx }), NOW),
    ...people,
    ...rest,
    ...(calm ? { inFlight: {} } : {}),
    ...(halt === 'pause' ? { pause } : {}),
    ...(halt === 'stop' ? { stop } : {}),
  }));
