import { expect, test } from 'vitest';
import { type CanaryKillCase, judgeCanaryKills } from '../../src/proof/canary-kill-judge.js';
import { asJournal, asTruth } from '../../src/proof/evidence.js';

const machine = (id: string, region: string, facts: object = {}) => ({
  app: 'fleet',
  id,
  region,
  state: 'started',
  version: 'v2',
  digest: 'sha256:new',
  metadata: {},
  host: 'ok',
  cordoned: false,
  machine: { config: null },
  ...facts,
});

const write = (n: number, t: number, id: string, mark = 'abc.one#0') => ({
  n,
  t,
  kind: 'call',
  op: 'update',
  machine: id,
  status: 200,
  marks: { layover_rollout: mark },
});

const MACHINES = [machine('a', 'ams'), machine('b', 'ord')];

/** The first entry, its judge and its yes, the second, and both back. */
const DONE = {
  journal: [
    write(0, 100, 'a'),
    write(1, 400, 'b'),
    write(2, 500, 'b', 'back-abc.two#0'),
    write(3, 510, 'a', 'back-abc.two#0'),
  ],
  final: MACHINES,
  first: MACHINES,
  given: [{ rollout: 'abc.one', at: 300 }],
  asked: [{ rollout: 'abc.one', step: 'ams:bake', at: 200 }],
  askedAgain: [],
  wrongEnds: [],
};

type Committed = Partial<Record<keyof typeof DONE, readonly unknown[]>>;

function brokenBy(committed: Committed): string[] {
  const { journal, final, first, ...told } = { ...DONE, ...committed };
  const bakes = { firstRegion: 'ams', firstBakes: ['ams:bake'] };
  const evidence = { ...told, ...bakes, ends: 2, endedAt: 1_000 } as Omit<
    CanaryKillCase,
    'journal' | 'final' | 'first'
  >;
  const judged = judgeCanaryKills({
    ...evidence,
    journal: asJournal(journal),
    final: asTruth(final),
    first: asTruth(first),
  });
  return judged.filter(({ wrong }) => wrong > 0).map(({ says }) => says);
}

test('a canary and a rollback that did all they should are right in every figure', () => {
  expect(brokenBy({})).toEqual([]);
});

const PAST = 'writes past a gate or an approval';
const lease = { description: 'layover abc.one', expiresAt: 100_000 };

test.each<[string, Committed, string]>([
  [
    'a second write of the same change',
    { journal: [...DONE.journal, write(4, 600, 'a')] },
    'machines written twice one way',
  ],
  [
    'a second write back',
    { journal: [...DONE.journal, write(4, 600, 'a', 'back-abc.three#0')] },
    'machines written twice one way',
  ],
  ['no yes', { given: [] }, PAST],
  ['a yes that came later', { given: [{ rollout: 'abc.one', at: 450 }] }, PAST],
  ['the yes of another start', { given: [{ rollout: 'abc.other', at: 300 }] }, PAST],
  ['a judge that was never asked', { asked: [] }, PAST],
  ['a judge of another bake', { asked: [{ rollout: 'abc.one', step: 'others:bake', at: 200 }] }, PAST],
  ['a yes asked for again', { askedAgain: ['abc.one'] }, 'approvals asked for again after they were given'],
  ['a cordoned machine', { final: [machine('a', 'ams', { cordoned: true })] }, 'machines left held or cordoned'],
  ['a hold', { final: [machine('a', 'ams', { metadata: { layover_hold: '{}' } })] }, 'machines left held or cordoned'],
  [
    'a machine that served and is stopped',
    { final: [machine('a', 'ams', { state: 'stopped' })] },
    'machines that do not end as they were, started or stopped',
  ],
  ['a lease', { final: [machine('a', 'ams', { lease })] }, 'leases of ours alive 60 s after the end'],
  ['a wrong end', { wrongEnds: ['a'] }, 'machines that are not what the end of a rollout says'],
])('%s is condemned', (_what, committed, figure) => {
  expect(brokenBy(committed)).toEqual([figure]);
});
