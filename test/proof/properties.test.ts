import { afterEach, describe, expect, test, vi } from 'vitest';
import type * as update from '../../activities/update-machine.js';
import type { UpdateOrder } from '../../src/domain/orders.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import type { Case, CaseInput } from '../../src/proof/fleets.js';
import { APP, FOREIGN, NEW, OLD } from '../../src/proof/scenarios.js';
import type { Record as Happened } from '../../src/proof/happened.js';
import { judgeRecord, LAWS } from '../../src/proof/laws.js';
import { isLawful, type PropertyFigures, proveProperties, sayProperties } from '../../src/proof/properties.js';
import { runCase } from '../../src/proof/run-case.js';
import type { CallEntry, HappeningEntry } from '../../src/simulator/journal.js';
import type { MachineTruth } from '../../src/simulator/truth.js';

const SEED = 20_260_101;
const HOUR = 3_600_000;

describe('random fleets, inputs and orders of events', () => {
  test('four hundred of them keep every law, and end in every way', { timeout: 120_000 }, async () => {
    const figures = await proveProperties(400, SEED);
    expect(figures.examples).toEqual([]);
    expect(isLawful(figures)).toBe(true);
    expect(figures.fleets).toBe(400);
    for (const end of ['completed', 'partial', 'aborted', 'refused']) {
      expect(figures.outcomes[end] ?? 0).toBeGreaterThanOrEqual(10);
    }
  });

  test('the same seed draws and judges the same cases, another seed others', async () => {
    const first = await proveProperties(25, 7);
    expect(await proveProperties(25, 7)).toEqual(first);
    expect(await proveProperties(25, 8)).not.toEqual(first);
  });

  test('a proof that is called off stops', async () => {
    await expect(proveProperties(1_000, 7, 'stoppedSweep', AbortSignal.abort(new Error('called off')))).rejects.toThrow(
      'called off',
    );
  });
});

describe('the report', () => {
  const none = Object.fromEntries(Object.keys(LAWS).map((law) => [law, 0])) as PropertyFigures['breaches'];
  const figures: PropertyFigures = {
    fleets: 3,
    breaches: none,
    outcomes: { partial: 1, completed: 2 },
    stopped: 0,
    calls: 44,
    examples: [],
  };

  test('says a figure a line, a law each, and the ways they ended by name', () => {
    const [head, ...laws] = sayProperties(figures);
    expect(head).toBe(
      'random fleets, inputs and event orders: 3 (2 completed, 1 partial; 44 API calls; 0 machines stopped past "forceAfter")',
    );
    expect(laws).toEqual(Object.values(LAWS).map((says) => `${says}: 0`));
  });

  test('is lawful only without a single breach, and shows the case to run again', () => {
    const broken = { ...figures, breaches: { ...none, lease: 1 }, examples: ['lease: case 1 of seed 7: …'] };
    expect([isLawful(figures), isLawful(broken)]).toEqual([true, false]);
    expect(sayProperties(broken)).toContain('leases of ours alive 60 s after the end: 1');
    expect(sayProperties(broken).at(-1)).toBe('lease: case 1 of seed 7: …');
  });
});

const M1 = 'a0000000000001';
const TARGET = `sha256:${'2'.repeat(64)}`;

const INPUT: CaseInput = { app: APP, image: NEW, suspended: 'leave', unmanaged: 'leave', deadline: '3h' };

/** A case in which nothing goes wrong. */
const calm = (more: Partial<Case> = {}): Case => ({
  seed: 1,
  scenario: {
    seed: 1,
    switches: {},
    images: { [OLD]: {}, [NEW]: { reverts: 0 }, [FOREIGN]: {} },
    apps: [{ name: APP, machines: [] }],
    faults: [],
    at: [],
  },
  input: INPUT,
  said: [],
  mishaps: [],
  terminateAtMs: undefined,
  continueEvery: undefined,
  ...more,
});

const scened = (scenario: Partial<Case['scenario']>): Case => calm({ scenario: { ...calm().scenario, ...scenario } });

const call = (op: string, more: Partial<CallEntry> = {}): CallEntry => ({
  n: 0,
  t: 0,
  kind: 'call',
  op,
  method: 'POST',
  path: `/v1/apps/${APP}/machines/${M1}`,
  machine: M1,
  status: 200,
  ...more,
});
const write = (mark: string, more: Partial<CallEntry> = {}): CallEntry =>
  call('update', { marks: { layover_rollout: mark }, stateBefore: 'stopped', ...more });
const happening = (kind: HappeningEntry['kind'], more: Partial<HappeningEntry> = {}): HappeningEntry => ({
  n: 0,
  t: 0,
  kind,
  machine: M1,
  ...more,
});

const truth = (more: Partial<MachineTruth> = {}): MachineTruth => ({
  app: APP,
  id: M1,
  region: 'ord',
  group: 'app',
  state: 'stopped',
  version: 'v-after',
  image: `${NEW}@${TARGET}`,
  digest: TARGET,
  metadata: { fly_platform_version: 'v2' },
  cordoned: false,
  host: 'ok',
  working: false,
  machine: { id: M1, state: 'stopped', region: 'ord', instance_id: 'v-after', config: { env: {} } },
  ...more,
});

const LIST = call('list');

/** One machine, updated once, as it should be. */
const record = (more: Partial<Happened> = {}): Happened => {
  const entries = more.entries ?? [LIST, call('lease', { status: 201 }), write('abc.one#0'), call('release'), LIST];
  const truthAtEnd = more.truthAtEnd ?? [truth()];
  return {
    testCase: calm(),
    outcome: 'completed',
    says: 'all 1 machines are at target',
    interrupted: new Set(),
    endedAt: entries.length,
    truthLater: truthAtEnd,
    ...more,
    entries,
    truthAtEnd,
  };
};

const laws = (happened: Happened): string[] => judgeRecord(happened).map((breach) => breach.law);
const withInput = (more: Partial<CaseInput>): Case => calm({ input: { ...INPUT, ...more } });
const STALLS = [{ kind: 'stalls', call: 1, ms: 20_000 }] as const;

test('what went as it should breaks no law', () => {
  expect(judgeRecord(record())).toEqual([]);
});

describe('outside: a write to a machine', () => {
  test.each<[string, Case, MachineTruth]>([
    ['of another region', withInput({ only: { regions: ['ams'] } }), truth()],
    ['of another process group', withInput({ only: { processGroups: ['worker'] } }), truth()],
    ['in a region left out', withInput({ except: { regions: ['ord'] } }), truth()],
    ['of a process group left out', withInput({ except: { processGroups: ['app'] } }), truth()],
    ['that nothing manages', calm(), truth({ metadata: {} })],
    ['that is a canary', calm(), truth({ metadata: { fly_platform_version: 'v2', fly_canary: 'true' } })],
  ])('%s is condemned', (_which, testCase, machine) => {
    expect(laws(record({ testCase, truthAtEnd: [machine] }))).toEqual(['outside']);
  });

  test('while it is suspended is condemned, unless that was asked for', () => {
    const entries = [LIST, write('abc.one#0', { stateBefore: 'suspended' }), LIST];
    expect(laws(record({ entries }))).toEqual(['outside']);
    expect(laws(record({ entries, testCase: withInput({ suspended: 'update' }) }))).toEqual([]);
  });

  test('that took effect though its answer was lost is condemned, one that Fly refused is not', () => {
    const testCase = withInput({ only: { regions: ['ams'] } });
    const lost = write('abc.one#0', { status: 'cut', actual: 200 });
    expect(laws(record({ testCase, entries: [lost] }))).toEqual(['outside']);
    expect(laws(record({ testCase, entries: [write('abc.one#0', { status: 409 })] }))).toEqual([]);
  });

  test('by somebody else is not ours', () => {
    const testCase = withInput({ only: { regions: ['ams'] } });
    expect(laws(record({ testCase, entries: [call('update')] }))).toEqual([]);
  });
});

describe('twice: a machine written', () => {
  test('again under the same mark is condemned, reverted or not', () => {
    expect(laws(record({ entries: [write('abc.one#0'), write('abc.one#0')] }))).toContain('twice');
    const entries = [write('abc.one#0'), happening('reverted'), write('abc.one#0')];
    expect(laws(record({ entries }))).toEqual(['twice']);
  });

  test('again by another start of the same change is condemned, unless Fly went back in between', () => {
    expect(laws(record({ entries: [write('abc.one#0'), write('abc.two#0')] }))).toEqual(['twice']);
    expect(laws(record({ entries: [write('abc.one#0'), happening('reverted'), write('abc.two#0')] }))).toEqual([]);
    const elsewhere = happening('reverted', { machine: 'another' });
    expect(laws(record({ entries: [write('abc.one#0'), elsewhere, write('abc.two#0')] }))).toEqual(['twice']);
  });

  test('for another change, or another machine, is not', () => {
    expect(laws(record({ entries: [write('abc.one#0'), write('def.one#0')] }))).toEqual([]);
    expect(laws(record({ entries: [write('abc.one#0'), write('abc.one#0', { machine: 'another' })] }))).toEqual([]);
  });
});

describe('cut: a job that our update ended', () => {
  const cut = happening('job-cut', { by: { n: 1, op: 'update' } });
  const entries = [write('abc.one#0'), cut, LIST];

  test('is condemned where it was not reported', () => {
    expect(laws(record({ entries }))).toEqual(['cut']);
    expect(laws(record({ entries, interrupted: new Set([M1]) }))).toEqual([]);
    expect(laws(record({ entries, interrupted: new Set(['another']) }))).toEqual(['cut']);
  });

  test('is condemned even when reported where a lease could have blocked the start', () => {
    const testCase = scened({ switches: { leaseBlocksAutostart: true } });
    expect(laws(record({ entries, testCase, interrupted: new Set([M1]) }))).toEqual(['cut']);
  });

  test('by a stop is condemned too, by itself or by somebody else it is not', () => {
    expect(laws(record({ entries: [happening('job-cut', { by: { n: 1, op: 'stop' } })] }))).toEqual(['cut']);
    expect(laws(record({ entries: [happening('job-cut')] }))).toEqual([]);
    expect(laws(record({ entries: [happening('job-cut', { by: { n: 1, op: 'destroy' } })] }))).toEqual([]);
  });

  test('needs no report of a start that was terminated, or of a ghost: they could tell nobody', () => {
    expect(laws(record({ entries, testCase: calm({ terminateAtMs: 1 }) }))).toEqual([]);
    expect(laws(record({ entries, testCase: calm({ mishaps: STALLS }) }))).toEqual([]);
  });
});

describe('held: a machine that is left', () => {
  const left = (machine: MachineTruth, more: Partial<Happened> = {}) =>
    laws(record({ truthAtEnd: [machine], ...more }));
  const metadata = { fly_platform_version: 'v2', layover_hold: '{}' };

  test('with a hold, or cordoned, is condemned', () => {
    expect(left(truth({ metadata }))).toEqual(['held']);
    expect(left(truth({ cordoned: true }))).toEqual(['held']);
  });

  test('stopped by us and not started again is condemned; started since, it is not', () => {
    const stop = call('stop', { n: 1, working: true });
    const entries = [LIST, stop, write('abc.one#0', { n: 2 }), LIST];
    expect(left(truth(), { entries })).toEqual(['held']);
    expect(left(truth(), { entries: [...entries, happening('job-started', { n: 3 })] })).toEqual([]);
  });

  test('so by a ghost, or on a host that is lost, or that is destroyed, is not', () => {
    expect(left(truth({ metadata }), { testCase: calm({ mishaps: STALLS }) })).toEqual([]);
    expect(left(truth({ metadata, host: 'unreachable' }))).toEqual([]);
    expect(left(truth({ metadata, state: 'destroyed' }))).toEqual([]);
  });
});

test('cut: a stop of ours after its time is what "forceAfter" is for, and one before it is condemned', () => {
  const testCase = withInput({ forceAfter: '10m' });
  const stopped = (afterMs: number) => [
    happening('job-started', { n: 0, t: 1_000 }),
    call('stop', { n: 1, t: 1_000 + afterMs }),
    happening('job-cut', { n: 2, t: 1_000 + afterMs, by: { n: 1, op: 'stop' } }),
    happening('job-started', { n: 3, t: 2_000 + afterMs }),
    LIST,
  ];
  expect(laws(record({ testCase, entries: stopped(600_000) }))).toEqual([]);
  expect(laws(record({ testCase, entries: stopped(599_999) }))).toEqual(['cut']);
});

describe('afterEnd: a call that changes something after the end', () => {
  const entries = [LIST, write('abc.one#0'), LIST, call('lease', { status: 201 })];

  test.each(['lease', 'refresh', 'update', 'start', 'stop', 'cordon', 'uncordon', 'destroy', 'create'])(
    '(%s) is condemned',
    (op) => {
      expect(laws(record({ entries: [LIST, call(op)], endedAt: 1 }))).toEqual(['afterEnd']);
    },
  );

  test('is condemned from the very first after it, and not before', () => {
    expect(laws(record({ entries, endedAt: 3 }))).toEqual(['afterEnd']);
    expect(laws(record({ entries, endedAt: 4 }))).toEqual([]);
  });

  test('only looks, releases or is refused, and is not', () => {
    const harmless = [call('get'), call('list'), call('wait'), call('release'), call('update', { status: 409 })];
    expect(laws(record({ entries: harmless, endedAt: 0 }))).toEqual([]);
  });

  test('is the ghost’s or the second start’s, and is not', () => {
    expect(laws(record({ entries, endedAt: 3, testCase: calm({ mishaps: STALLS }) }))).toEqual([]);
    expect(laws(record({ entries, endedAt: 3, testCase: calm({ terminateAtMs: 1 }) }))).toEqual([]);
  });
});

test('lease: one of ours that lives on is condemned, somebody else’s is not', () => {
  const held = (description: string) => [truth({ lease: { nonce: 'x', description, expiresAt: 1 } })];
  expect(laws(record({ truthLater: held('layover abc.one') }))).toEqual(['lease']);
  expect(laws(record({ truthLater: held('flyctl deploy') }))).toEqual([]);
});

describe('forgotten: a rollout that completed', () => {
  const behind = truth({ id: 'behind', image: OLD, digest: 'sha256:old' });
  const left = (machine: Partial<MachineTruth>) => [truth(), { ...behind, ...machine }];

  test('with a machine off target is condemned', () => {
    expect(laws(record({ truthAtEnd: left({}) }))).toEqual(['forgotten']);
    expect(laws(record({ truthAtEnd: left({ state: 'started' }) }))).toEqual(['forgotten']);
  });

  test('with a machine that lacks the env, or keeps what was to go, is condemned', () => {
    const having = (env: Record<string, string>) => [truth({ machine: { ...truth().machine, config: { env } } })];
    const set = withInput({ env: { LOG: 'debug' } });
    const removed = withInput({ env: { LOG: null } });
    expect(laws(record({ testCase: set, truthAtEnd: having({}) }))).toEqual(['forgotten']);
    expect(laws(record({ testCase: set, truthAtEnd: having({ LOG: 'debug' }) }))).toEqual([]);
    expect(laws(record({ testCase: removed, truthAtEnd: having({ LOG: 'info' }) }))).toEqual(['forgotten']);
    expect(laws(record({ testCase: removed, truthAtEnd: having({}) }))).toEqual([]);
  });

  test('with one that is destroyed, not selected or left suspended is not', () => {
    expect(laws(record({ truthAtEnd: left({ state: 'destroyed' }) }))).toEqual([]);
    expect(laws(record({ truthAtEnd: left({ metadata: {} }) }))).toEqual([]);
    expect(laws(record({ truthAtEnd: left({ state: 'suspended' }) }))).toEqual([]);
    const asked = withInput({ suspended: 'update' });
    expect(laws(record({ testCase: asked, truthAtEnd: left({ state: 'suspended' }) }))).toEqual(['forgotten']);
  });

  test('before one was woken that no list showed is not', () => {
    const woken = happening('autostart', { machine: 'behind' });
    expect(laws(record({ entries: [LIST, woken], truthAtEnd: left({}) }))).toEqual([]);
    expect(laws(record({ entries: [woken, LIST], truthAtEnd: left({}) }))).toEqual(['forgotten']);
  });

  test('is one that says so: others may leave what they say they leave', () => {
    expect(
      laws(
        record({ outcome: 'aborted', testCase: scened({ at: [{ ms: 1, do: { deploy: {} } }] }), truthAtEnd: left({}) }),
      ),
    ).toEqual([]);
  });
});

describe('converge: a fleet that can reach its target', () => {
  const partial = { outcome: 'partial', says: '1 failed' } as const;

  test('and does not is condemned', () => {
    expect(laws(record(partial))).toEqual(['converge']);
    expect(laws(record({ outcome: 'aborted', says: 'asked for' }))).toEqual(['converge']);
    expect(laws(record({ outcome: 'partial', says: 'every selected machine is gone' }))).toEqual([]);
  });

  test('is one whose image boots, that nobody deploys to, whose rollout nobody aborts, and that has none suspended', () => {
    const block = { count: 1, region: 'ord', group: 'app', image: OLD, managed: true, env: {}, metadata: {} };
    const cannot = [
      scened({ images: { [OLD]: {}, [NEW]: { reverts: 1 } } }),
      scened({ at: [{ ms: 1, do: { deploy: {} } }] }),
      scened({ at: [{ ms: 1, do: { autostart: {} } }] }),
      scened({ apps: [{ name: APP, machines: [{ ...block, state: 'suspended' }] }] }),
      calm({ said: [{ atMs: 1, verb: 'abort' }] }),
    ];
    for (const testCase of cannot) expect(laws(record({ ...partial, testCase }))).toEqual([]);
    const can = [
      scened({ at: [{ ms: 1, do: { destroy: {} } }] }),
      calm({
        said: [
          { atMs: 5 * HOUR, verb: 'abort' },
          { atMs: 1, verb: 'pause' },
        ],
      }),
    ];
    for (const testCase of can) expect(laws(record({ ...partial, testCase }))).toEqual(['converge']);
  });
});

/** Six idle machines whose reads take four seconds, and a person who pauses after six and resumes after an hour. */
const PAUSED_EARLY: Case = {
  ...scened({
    apps: [
      {
        name: APP,
        machines: [
          { count: 6, region: 'ord', group: 'app', image: OLD, state: 'stopped', managed: true, env: {}, metadata: {} },
        ],
      },
    ],
    faults: [{ on: 'get', share: 1, times: 60, effect: { delayMs: 4_000 } }],
  }),
  said: [
    { atMs: 6_000, verb: 'pause' },
    { atMs: HOUR, verb: 'resume' },
  ],
};

describe('what is watched while a case runs', () => {
  afterEach(() => {
    vi.doUnmock('../../src/domain/pace.js');
    vi.doUnmock('../../activities/update-machine.js');
    vi.resetModules();
  });

  /** Runs the case with one module broken on purpose. */
  async function runBroken(testCase = PAUSED_EARLY): Promise<string[]> {
    vi.resetModules();
    const broken = await import('../../src/proof/run-case.js');
    const { broken: breaches } = await broken.runCase(testCase);
    return [...new Set(breaches.map((breach) => breach.law))];
  }

  test('is lawful with the code as it is', async () => {
    expect(await runCase(PAUSED_EARLY)).toMatchObject({ broken: [], outcome: 'completed' });
  });

  test('half: a pace that admits everybody is condemned', async () => {
    vi.doMock('../../src/domain/pace.js', async (original) => ({
      ...(await original<object>()),
      admit: <T>(queue: readonly T[]) => [...queue],
    }));
    expect(await runBroken()).toContain('half');
  });

  test('room: a pace that stops everybody at once is condemned', async () => {
    const block = { count: 6, region: 'ord', group: 'app', image: OLD, state: 'started', managed: true, env: {} };
    const machines = [{ ...block, metadata: {}, job: { lengthMs: 1e10 } }];
    const input = { ...INPUT, forceAfter: '10m', maxUnavailable: 1 };
    const stops = { ...scened({ apps: [{ name: APP, machines }] }), input };
    expect(await runCase(stops)).toMatchObject({ broken: [], outcome: 'completed', stopped: 6 });
    vi.doMock('../../src/domain/pace.js', async (original) => ({
      ...(await original<object>()),
      admit: <T>(queue: readonly T[]) => [...queue],
    }));
    expect(await runBroken(stops)).toContain('room');
  });

  test('paused: an update that says it was called back and writes all the same is condemned', async () => {
    vi.doMock('../../activities/update-machine.js', async (original) => {
      const { updateMachine } = await original<typeof update>();
      return {
        updateMachine: (order: UpdateOrder, deps: update.UpdateDeps, attempt: update.Attempt) => {
          const deaf = { ...attempt, cancelled: new AbortController().signal };
          const calledBack = new Promise<UpdateOutcome>((resolve) => {
            attempt.cancelled.addEventListener('abort', () => resolve({ kind: 'calledBack' }));
          });
          return Promise.race([updateMachine(order, deps, deaf), calledBack]);
        },
      };
    });
    expect(await runBroken()).toContain('paused');
  });
});
