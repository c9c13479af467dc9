import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOfMark } from '../../src/domain/change.js';
import { isAtTarget, isIdle, type MachineFacts, type RolloutContext, type Standing } from '../../src/domain/machine.js';
import { classify, TABLE } from '../../src/domain/table.js';
import { isSelected } from '../../src/domain/selection.js';
import { contexts, facts, STATES } from './arbitraries.js';
import { context, HOUR, M1, machine, MARK, NEW, NOW, OLD, OTHER, STRANGE_MARK, unpinned } from './build.js';

interface Sample {
  readonly standing: Standing;
  readonly because: string;
  readonly machine: MachineFacts;
  readonly context?: RolloutContext;
}

/** Between two states, so that neither idleness nor work catches it: only the row under test, and the last one. */
const between = (more: Partial<MachineFacts> = {}): MachineFacts => machine({ state: 'starting', ...more });

/** For each row, in order, a machine that only this row and the last one catch. */
const SAMPLES: readonly Sample[] = [
  { standing: 'gone', because: 'it was destroyed', machine: machine({ state: 'destroyed' }) },
  {
    standing: 'excluded',
    because: 'only/except leave it out',
    machine: between({ region: 'ams' }),
    context: context({ selection: { only: { regions: ['ord'] } } }),
  },
  { standing: 'special', because: 'Fly or flyctl made it for a moment', machine: between({ special: 'console' }) },
  {
    standing: 'unmanaged',
    because: 'it was made by the API without fly_platform_version=v2, and "unmanaged" says leave',
    machine: between({ managed: false }),
  },
  {
    standing: 'unreachable',
    because: 'its host is not ok, so its config cannot be read',
    machine: between({ hostOk: false }),
  },
  {
    standing: 'containers',
    because: 'the change is not for its containers: "image" names each, like {"api": "registry.fly.io/api:v2"}',
    machine: between({ containers: 'others' }),
  },
  { standing: 'busy', because: 'an update of it is under way', machine: machine({ state: 'replacing' }) },
  {
    standing: 'held',
    because: 'Layover cordoned or stopped it and could not put that back yet: it is put right',
    machine: between({ hold: { rollout: 'abcdef012345.first', machine: M1, started: true, cordoned: false } }),
  },
  {
    standing: 'cut',
    because: 'an earlier start of this change met it at work and stopped it: it is started again',
    machine: machine({ digest: NEW, cut: true }),
    context: context({ origins: [OLD, NEW], cut: [M1] }),
  },
  {
    standing: 'cut',
    because: 'it has crashed, and its group misses it: a start is all that it needs',
    machine: machine({
      life: {
        startedAt: NOW - 9 * HOUR,
        exit: { at: NOW - 8 * HOUR, code: 1, requested: false, oom: false, looping: false },
      },
    }),
    context: context({ change: { startedSince: NOW - HOUR }, inPlace: true, groups: { worker: { whole: true } } }),
  },
  {
    standing: 'atTarget',
    because: 'it is as the change wants it',
    machine: between({ digest: NEW }),
    context: context({ origins: [OLD, NEW] }),
  },
  {
    standing: 'suspended',
    because: 'an update would lose its memory, and "suspended" says leave',
    machine: machine({ state: 'suspended' }),
  },
  {
    standing: 'foreign',
    because: 'it carries the mark of this rollout and was changed since',
    machine: between({ mark: MARK }),
  },
  {
    standing: 'foreign',
    because: 'it runs an image of another repository',
    machine: between({ repository: 'registry.fly.io/zookeeper' }),
  },
  {
    standing: 'foreign',
    because: 'it runs an image that was not in the fleet when this rollout was planned',
    machine: between({ digest: OTHER }),
  },
  { standing: 'ready', because: 'it is idle and off target', machine: machine() },
  {
    standing: 'overdue',
    because: 'it has worked past "forceAfter": it is cordoned, stopped and updated',
    machine: machine({ state: 'started', lastStartAt: NOW - HOUR }),
    context: context({ forceBefore: NOW - HOUR }),
  },
  {
    standing: 'due',
    because: 'it is working and off target: it is updated where it is',
    machine: machine({ state: 'started' }),
    context: context({ inPlace: true }),
  },
  {
    standing: 'straggler',
    because: 'it is working; it is updated when it stops',
    machine: machine({ state: 'started' }),
  },
  { standing: 'busy', because: 'it is between two states; look again', machine: between() },
];

describe('the table, row by row', () => {
  test('every row has a sample, and no sample is left over', () => {
    expect(TABLE.map((row) => row.standing)).toEqual(SAMPLES.map((sample) => sample.standing));
  });

  test.each(SAMPLES.map((sample, row) => ({ row, ...sample })))(
    'row $row: $standing, because $because',
    ({ row, standing, because, machine: sample, context: about = context() }) => {
      const matching = TABLE.flatMap((candidate, index) => (candidate.when(sample, about) ? [index] : []));
      // What was cut is at target as well, and who is overdue or due is a straggler too: only the order of the rows tells them apart.
      const also = ['cut', 'ready', 'overdue', 'due'].includes(standing) ? matching.slice(1, -1) : [];
      expect(matching.filter((index) => !also.includes(index))).toEqual([...new Set([row, TABLE.length - 1])]);
      expect(classify(sample, about)).toEqual({ standing, because });
    },
  );

  test.each([
    ...['destroyed', 'destroying', 'replaced', 'migrated', 'launch_failed'].map((state) => [state, 'gone'] as const),
    ...['replacing', 'updating', 'creating', 'starting', 'stopping', 'restarting'].map((s) => [s, 'busy'] as const),
    ...['stopped', 'created', 'failed'].map((state) => [state, 'ready'] as const),
    ...['suspended', 'suspending'].map((state) => [state, 'suspended'] as const),
    ['started', 'straggler'] as const,
    ['a state nobody has seen', 'busy'] as const,
  ])('off target and %s, a machine is %s', (state, standing) => {
    expect(classify(machine({ state }), context()).standing).toBe(standing);
  });

  test.each(['release command', 'console', 'test', 'auto_destroy', 'canary', 'blue-green left-over'] as const)(
    'a %s machine is never touched',
    (special) => {
      expect(classify(machine({ special }), context()).standing).toBe('special');
    },
  );
});

test('a mark of an earlier start of the change is no reason: somebody went back, and this start goes on from there', () => {
  expect(classify(machine({ mark: MARK.replace(/\..*#/, '.earlier#') }), context()).standing).toBe('ready');
});

test('a machine whose host hid it when planned is still foreign where it runs another repository', () => {
  const hidden = machine({ digest: OTHER, repository: 'registry.fly.io/zookeeper' });
  expect(classify(hidden, context({ unread: [hidden.id] })).standing).toBe('foreign');
  expect(
    classify({ ...hidden, repository: 'registry.fly.io/encoder' }, context({ unread: [hidden.id] })).standing,
  ).toBe('ready');
});

test('a machine of another repository is ready where the operator allows it', () => {
  const other = machine({ repository: 'registry.fly.io/zookeeper' });
  expect(classify(other, context({ allowOtherRepository: true })).standing).toBe('ready');
});

interface Precedence {
  readonly wins: Standing;
  readonly over: string;
  readonly why: string;
  readonly machine: MachineFacts;
  readonly context?: RolloutContext;
}

const onlyAms = context({ selection: { only: { regions: ['ams'] } } });

/** Machines that two rows want. */
const PRECEDENCES: readonly Precedence[] = [
  {
    wins: 'gone',
    over: 'excluded',
    why: 'what was destroyed is no longer anybody’s choice',
    machine: machine({ state: 'destroyed' }),
    context: onlyAms,
  },
  {
    wins: 'excluded',
    over: 'special',
    why: 'the operator’s own words are the first reason to give',
    machine: machine({ special: 'canary' }),
    context: onlyAms,
  },
  {
    wins: 'special',
    over: 'unmanaged',
    why: '"unmanaged": "include", which that reason offers, would not take it either',
    machine: machine({ special: 'console', managed: false }),
  },
  {
    wins: 'special',
    over: 'atTarget',
    why: 'a canary on the new version is no machine of the selection, and must not count as one',
    machine: machine({ special: 'canary', digest: NEW }),
  },
  {
    wins: 'unmanaged',
    over: 'unreachable',
    why: 'what is left on purpose is not waited for because its host is lost',
    machine: machine({ managed: false, hostOk: false }),
  },
  {
    wins: 'unreachable',
    over: 'unmanaged',
    why: 'a hidden config says nothing of who made the machine',
    machine: machine({ managed: false, hostOk: false, readable: false }),
  },
  {
    wins: 'unreachable',
    over: 'containers',
    why: 'a config that cannot be read is not judged',
    machine: machine({ containers: 'others', hostOk: false }),
  },
  {
    wins: 'unreachable',
    over: 'atTarget',
    why: 'what its host last said of the digest may be old',
    machine: machine({ digest: NEW, hostOk: false }),
  },
  {
    wins: 'containers',
    over: 'busy',
    why: 'nobody waits for a machine that is left anyway',
    machine: machine({ containers: 'others', state: 'replacing' }),
  },
  {
    wins: 'containers',
    over: 'atTarget',
    why: 'its digest is that of one container among several',
    machine: machine({ containers: 'others', digest: NEW }),
  },
  {
    wins: 'busy',
    over: 'atTarget',
    why: 'an update under way shows what it will run, and may yet fall back',
    machine: machine({ state: 'replacing', digest: NEW }),
  },
  {
    wins: 'busy',
    over: 'foreign',
    why: 'an update of ours under way carries our mark before its digest',
    machine: machine({ state: 'updating', mark: MARK }),
  },
  {
    wins: 'atTarget',
    over: 'suspended',
    why: 'a suspended machine that is there already has nothing to lose',
    machine: machine({ state: 'suspended', digest: NEW }),
  },
  {
    wins: 'atTarget',
    over: 'foreign',
    why: 'a machine that somebody else brought to the target is there',
    machine: machine({ digest: NEW, mark: STRANGE_MARK }),
  },
  {
    wins: 'atTarget',
    over: 'foreign',
    why: 'our own mark on the target is the proof of our work, not of a later hand',
    machine: machine({ digest: NEW, mark: MARK }),
  },
  {
    wins: 'atTarget',
    over: 'straggler',
    why: 'a started machine on the target is not waited for',
    machine: machine({ digest: NEW, state: 'started' }),
  },
  {
    wins: 'suspended',
    over: 'foreign',
    why: 'while suspended it is outside the selection, whatever it runs',
    machine: machine({ state: 'suspended', digest: OTHER, mark: MARK }),
  },
  {
    wins: 'foreign',
    over: 'ready',
    why: 'idle is no leave to undo what somebody deployed meanwhile',
    machine: machine({ digest: OTHER }),
  },
  {
    wins: 'foreign',
    over: 'ready',
    why: 'what we wrote once and somebody changed is not written again, even when it runs an origin’s image',
    machine: machine({ mark: MARK }),
  },
  {
    wins: 'foreign',
    over: 'straggler',
    why: 'nobody waits for work to end on a machine that will not be written',
    machine: machine({ digest: OTHER, state: 'started' }),
  },
];

describe('first match wins', () => {
  test.each(PRECEDENCES)('$wins before $over: $why', ({ wins, machine: sample, context: about = context() }) => {
    expect(classify(sample, about).standing).toBe(wins);
  });

  test('a mark of ours is the better reason for foreign than a digest that was not there', () => {
    const both = machine({ mark: MARK, digest: OTHER });
    expect(classify(both, context()).because).toBe('it carries the mark of this rollout and was changed since');
  });
});

describe('target and provenance', () => {
  test('the tag proves nothing: without a pin no machine is at target', () => {
    expect(isAtTarget(machine({ digest: NEW }), unpinned())).toBe(false);
    expect(isAtTarget(machine({ digest: undefined }), unpinned())).toBe(false);
  });

  test('the env alone is the target where the change has no image', () => {
    const about = unpinned({ change: { env: { LOG: 'debug' } } });
    expect(isAtTarget(machine({ digest: OTHER, envMatches: true }), about)).toBe(true);
    expect(isAtTarget(machine({ digest: OLD, envMatches: false }), about)).toBe(false);
  });

  test('image and env must both be there', () => {
    expect(isAtTarget(machine({ digest: NEW, envMatches: false }), context())).toBe(false);
    expect(isAtTarget(machine({ digest: NEW, envMatches: true }), context())).toBe(true);
  });

  test('a machine on the pinned digest that lacks the env is an origin only if that digest was there when planned', () => {
    const half = machine({ digest: NEW, envMatches: false });
    expect(classify(half, context()).standing).toBe('foreign');
    expect(classify(half, context({ origins: [OLD, NEW] })).standing).toBe('ready');
  });

  test('a machine that shows no digest is an origin where one without a digest was there when planned', () => {
    const bare = machine({ digest: undefined });
    expect(classify(bare, context()).standing).toBe('foreign');
    expect(classify(bare, context({ origins: [OLD, ''] })).standing).toBe('ready');
  });

  test('a machine whose host hid it when planned is an origin, whatever it runs when it comes back', () => {
    const back = machine({ digest: OTHER });
    expect(classify(back, context({ unread: [back.id] })).standing).toBe('ready');
    expect(classify(back, context({ unread: ['another'] })).standing).toBe('foreign');
    expect(classify({ ...back, mark: MARK }, context({ unread: [back.id] })).standing).toBe('foreign');
  });

  test('the mark of another change, or a text that is no mark, does not make a machine foreign', () => {
    for (const mark of [STRANGE_MARK, '', 'abcdef012345', '.first#0']) {
      expect(classify(machine({ mark }), context()).standing).toBe('ready');
    }
  });

  test('"include" takes machines that no tool manages, "update" those that are suspended', () => {
    expect(classify(machine({ managed: false }), context({ unmanaged: 'include' })).standing).toBe('ready');
    expect(classify(machine({ state: 'suspended' }), context({ suspended: 'update' })).standing).toBe('ready');
    expect(classify(machine({ state: 'suspending' }), context({ suspended: 'update' })).standing).toBe('busy');
  });

  test.each(['scheduled', 'standby'] as const)(
    'a %s machine is written while idle, and never while started',
    (kind) => {
      expect(classify(machine({ onlyIdle: kind }), context()).standing).toBe('ready');
      expect(classify(machine({ onlyIdle: kind, state: 'started' }), context()).standing).toBe('straggler');
    },
  );
});

describe('whatever a machine looks like', () => {
  const both = [facts, contexts] as const;

  test('it has exactly one standing, that of the first row which catches it', () => {
    fc.assert(
      fc.property(...both, (sample, about) => {
        const first = TABLE.find((row) => row.when(sample, about));
        expect(classify(sample, about)).toEqual({ standing: first?.standing, because: first?.because });
      }),
    );
  });

  test('ready implies selected, managed or included, readable, idle, off target, of an origin, and not marked by this change', () => {
    fc.assert(
      fc.property(...both, (sample, about) => {
        fc.pre(classify(sample, about).standing === 'ready');
        expect(isSelected(about.selection, sample)).toBe(true);
        expect(sample.managed || about.unmanaged === 'include').toBe(true);
        expect([sample.readable, sample.hostOk]).toEqual([true, true]);
        expect([sample.special, sample.containers]).toEqual([undefined, 'none']);
        expect(['stopped', 'created', 'failed', 'suspended']).toContain(sample.state);
        expect(isAtTarget(sample, about)).toBe(false);
        expect(about.origins.includes(sample.digest ?? '') || about.unread.includes(sample.id)).toBe(true);
        expect(hashOfMark(sample.mark)).not.toBe(about.rollout.hash);
      }),
      { numRuns: 400 },
    );
  });

  test('overdue implies that it works, has had its time, is not only for idle hours, and would be ready if it were idle', () => {
    fc.assert(
      fc.property(...both, (sample, about) => {
        const { standing } = classify({ ...sample, state: 'started' }, about);
        if (standing !== 'overdue') return;
        expect(sample.onlyIdle).toBeUndefined();
        expect(about.forceBefore).toBeGreaterThanOrEqual(sample.lastStartAt ?? 0);
        expect(classify({ ...sample, state: 'stopped' }, about).standing).toBe('ready');
        const { forceBefore: _time, ...never } = about;
        expect(classify({ ...sample, state: 'started' }, never).standing).toBe('straggler');
      }),
      { numRuns: 3_000 },
    );
  });

  test('a machine that is not idle is never ready', () => {
    fc.assert(
      fc.property(...both, (sample, about) => {
        fc.pre(!isIdle(sample, about));
        expect(classify(sample, about).standing).not.toBe('ready');
      }),
    );
  });

  test('a suspended machine is never ready under "leave"', () => {
    fc.assert(
      fc.property(...both, fc.constantFrom('suspended', 'suspending'), (sample, about, state) => {
        const { standing } = classify({ ...sample, state }, { ...about, suspended: 'leave' });
        expect(standing).not.toBe('ready');
        expect(standing).not.toBe('straggler');
      }),
    );
  });

  test('a foreign machine stays foreign whatever it does, until it is gone, suspended or being updated', () => {
    fc.assert(
      fc.property(...both, fc.constantFrom(...STATES), (sample, about, state) => {
        fc.pre(classify(sample, about).standing === 'foreign');
        expect(['foreign', 'gone', 'suspended', 'busy']).toContain(classify({ ...sample, state }, about).standing);
      }),
    );
  });

  test('what was ready, was written and has settled is at target as soon as the digest is known', () => {
    fc.assert(
      fc.property(...both, fc.constantFrom('stopped', 'started', 'suspended'), (sample, about, state) => {
        fc.pre(classify(sample, about).standing === 'ready');
        const pin = about.change.image === undefined ? (sample.digest ?? OLD) : NEW;
        const written = { ...sample, state, digest: pin, envMatches: true, mark: MARK, cut: false };
        expect(classify(written, { ...about, pin }).standing).toBe('atTarget');
      }),
      { numRuns: 400 },
    );
  });

  test('what it runs as, its checks, its life and the kind of its work do not matter', () => {
    fc.assert(
      fc.property(...both, facts, (sample, about, other) => {
        const { version, checks, checksConfigured, life } = other;
        const { onlyIdle: _kind, ...bare } = sample;
        const kind = other.onlyIdle === undefined ? {} : { onlyIdle: other.onlyIdle };
        const changed = { ...bare, version, checks, checksConfigured, life, ...kind };
        const standings = [classify(changed, about).standing, classify(sample, about).standing];
        // What is updated only while idle is not stopped, however long it works.
        const [before, after] = standings.map((standing) => (standing === 'overdue' ? 'straggler' : standing));
        expect(after).toBe(before);
      }),
    );
  });

  test('region, group and metadata matter only where only/except name them', () => {
    fc.assert(
      fc.property(...both, facts, (sample, about, { region, group, metadata }) => {
        const everything = { ...about, selection: {} };
        expect(classify({ ...sample, region, group, metadata }, everything)).toEqual(classify(sample, everything));
      }),
    );
  });
});
