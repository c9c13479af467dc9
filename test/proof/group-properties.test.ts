import { afterEach, describe, expect, test, vi } from 'vitest';
import type * as compile from '../../src/domain/compile-groups.js';
import type { Case, CaseGroup, CaseInput } from '../../src/proof/fleets.js';
import type { Record as Happened } from '../../src/proof/happened.js';
import { judgeRecord } from '../../src/proof/laws.js';
import { isLawful, proveProperties } from '../../src/proof/properties.js';
import { runCase } from '../../src/proof/run-case.js';
import { APP, NEW, OLD } from '../../src/proof/scenarios.js';
import type { CallEntry, JournalEntry } from '../../src/simulator/journal.js';
import type { MachineTruth } from '../../src/simulator/truth.js';

/** Random process groups, and what each law of theirs condemns. */

const MINUTE = 60_000;

test('two hundred and fifty random fleets keep every law of process groups, and end in every way', async () => {
  const figures = await proveProperties(250, 20_260_101, 'processGroup');
  expect(figures.examples).toEqual([]);
  expect(isLawful(figures)).toBe(true);
  for (const end of ['completed', 'partial', 'aborted', 'refused'])
    expect(figures.outcomes[end] ?? 0).toBeGreaterThanOrEqual(8);
}, 60_000);

const block = (group: string, count: number, more: object = {}) => ({
  count,
  region: 'ord',
  group,
  image: OLD,
  state: 'started',
  running: true,
  managed: true,
  env: {},
  metadata: {},
  ...more,
});

const caseOf = (groups: readonly CaseGroup[], more: Partial<CaseInput> = {}): Case => ({
  seed: 1,
  scenario: {
    seed: 1,
    switches: {},
    images: { [OLD]: {}, [NEW]: { reverts: 0 } },
    apps: [{ name: APP, machines: [block('zk', 3), block('zk', 1, { region: 'ams' }), block('app', 3)] }],
    faults: [],
    at: [],
  },
  input: { app: APP, image: NEW, suspended: 'leave', unmanaged: 'leave', bake: '2m', ramp: 'off', ...more, groups },
  said: [],
  mishaps: [],
  terminateAtMs: undefined,
  continueEvery: undefined,
});

const TRUTH = { machine: { config: { env: {} } }, metadata: { fly_platform_version: 'v2' }, state: 'started' };
/** Machines called by their group: `zk1`, `app1`. */
const truth = (id: string): MachineTruth =>
  ({ ...TRUTH, id, region: 'ord', group: id.slice(0, -1), image: NEW, host: 'ok' }) as unknown as MachineTruth;

let n = 0;
const write = (machine: string, t: number, mark = 'abc.one#0', more: Partial<CallEntry> = {}): CallEntry => ({
  n: (n += 1),
  t,
  kind: 'call',
  op: 'update',
  method: 'POST',
  path: '',
  machine,
  status: 200,
  marks: { layover_rollout: mark },
  stateBefore: 'started',
  ...more,
});

function lawsOf(groups: readonly CaseGroup[], entries: readonly JournalEntry[]): string[] {
  const machines = ['zk1', 'zk2', 'app1'].map(truth);
  const record: Happened = {
    testCase: caseOf(groups),
    outcome: 'completed',
    says: '',
    interrupted: new Set(),
    entries,
    endedAt: entries.length,
    truthAtEnd: machines,
    truthLater: machines,
  };
  return judgeRecord(record).map(({ law }) => law);
}

const ZK_FIRST = [{ group: 'zk' }, { group: 'app' }];

describe('of what was written', () => {
  test('in its turn, after the bake, nothing is condemned', () => {
    expect(lawsOf(ZK_FIRST, [write('zk1', 0), write('zk2', MINUTE), write('app1', 3 * MINUTE)])).toEqual([]);
  });

  test('a group that nobody named is outside', () => {
    expect(lawsOf([{ group: 'app' }], [write('zk1', 0)])).toEqual(['outside']);
  });

  test('a machine of the group before, after the next had begun, is out of order', () => {
    const entries = [write('zk1', 0), write('app1', 3 * MINUTE), write('zk2', 4 * MINUTE)];
    expect(lawsOf(ZK_FIRST, entries)).toEqual(['order']);
  });

  test('so written by a retry, in another start, or made or woken meanwhile, is not', () => {
    const begun = [write('zk1', 0), write('app1', 3 * MINUTE)];
    const born = { n: 0, t: 2 * MINUTE, kind: 'created', machine: 'zk2' } as const;
    const woken = { n: 0, t: 2 * MINUTE, kind: 'autostart', machine: 'zk2' } as const;
    expect(lawsOf(ZK_FIRST, [...begun, write('zk2', 4 * MINUTE, 'abc.one#1')])).toEqual([]);
    expect(lawsOf(ZK_FIRST, [...begun, write('zk2', 4 * MINUTE, 'abc.two#0')])).toEqual([]);
    for (const entry of [born, woken])
      expect(lawsOf(ZK_FIRST, [...begun, entry, write('zk2', 4 * MINUTE)])).toEqual([]);
  });

  test('a group that begins before the one before has baked is condemned, by its own bake where it has one', () => {
    const entries = [write('zk1', 0), write('app1', 90_000)];
    expect(lawsOf(ZK_FIRST, entries)).toEqual(['bake']);
    expect(lawsOf([{ group: 'zk', bake: '1m' }, { group: 'app' }], entries)).toEqual([]);
  });
});

test('a job that an update ended is condemned in a group that is only to be met idle, and in no other', () => {
  const cut = { n: 0, t: 0, kind: 'job-cut', machine: 'zk1', by: { n: 1, op: 'update' } } as const;
  expect(lawsOf([{ group: 'zk', idleOnly: true }], [write('zk1', 0), cut])).toEqual(['cut']);
  expect(lawsOf([{ group: 'zk' }], [write('zk1', 0), cut])).toEqual([]);
});

describe('while a case runs', () => {
  afterEach(() => {
    for (const path of ['../../src/domain/pace.js', '../../src/domain/compile-groups.js']) vi.doUnmock(path);
    vi.resetModules();
  });

  async function runBroken(testCase: Case): Promise<string[]> {
    vi.resetModules();
    const broken = await import('../../src/proof/run-case.js');
    return [...new Set((await broken.runCase(testCase)).broken.map(({ law }) => law))];
  }

  test('the code as it is keeps every law, with numbers of a group’s own too', async () => {
    const groups = [{ group: 'zk', maxUnavailable: 1 }, { group: 'app' }];
    expect(await runCase(caseOf(groups))).toMatchObject({ broken: [], outcome: 'completed' });
    expect(await runCase(caseOf([{ group: 'zk', whole: true }]))).toMatchObject({ broken: [], outcome: 'completed' });
  });

  test('a pace that admits more of a group than its own number lets is condemned', async () => {
    vi.doMock('../../src/domain/pace.js', async (original) => ({
      ...(await original<object>()),
      admit: <T>(queue: readonly T[]) => [...queue],
    }));
    expect(await runBroken(caseOf([{ group: 'zk', maxUnavailable: 1 }]))).toContain('room');
    expect(await runBroken(caseOf([{ group: 'zk', whole: true }]))).toContain('room');
  });

  test('steps in another order, and bakes that are left out, are condemned', async () => {
    vi.doMock('../../src/domain/compile-groups.js', async (original) => {
      const real = await original<typeof compile>();
      return {
        ...real,
        compileGroups: (...args: Parameters<typeof compile.compileGroups>) =>
          real.compileGroups(...args).filter(({ kind }) => kind !== 'bake'),
      };
    });
    expect(await runBroken(caseOf(ZK_FIRST))).toContain('bake');
    vi.doMock('../../src/domain/compile-groups.js', async (original) => {
      const real = await original<typeof compile>();
      return {
        ...real,
        compileGroups: (...args: Parameters<typeof compile.compileGroups>) => {
          const steps = real.compileGroups(...args);
          const first = steps.filter(({ scope }) => 'groups' in scope && scope.groups?.[0] === 'zk');
          return [...steps.filter((step) => !first.includes(step)), ...first];
        },
      };
    });
    expect(await runBroken(caseOf(ZK_FIRST))).toContain('order');
  });
});
