import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isInside, leftToDo, observe, type Observation, type View } from '../../src/domain/fleet.js';
import { placeKey, type Pool, total } from '../../src/domain/pools.js';
import { isIdle, type MachineFacts } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import { contexts, fleet, id } from './arbitraries.js';
import { context, HOUR, M1, M2, M3, machine, MINUTE, NEW, NOW, OLD, OTHER, sums, view } from './build.js';

const look = (machines: readonly MachineFacts[], more: Partial<View> = {}): Observation =>
  observe(machines, context(), view(more));

const LONG_AGO = NOW - 10 * MINUTE;
const atTarget = (more: Partial<MachineFacts> = {}) => machine({ digest: NEW, ...more });
const verified = (more: Partial<MachineFacts> = {}) =>
  atTarget({ state: 'started', life: { startedAt: LONG_AGO }, ...more });
const crash = { at: LONG_AGO, code: 1, requested: false, oom: false, looping: false };
const crashed = (more: Partial<MachineFacts> = {}) => atTarget({ life: { startedAt: LONG_AGO, exit: crash }, ...more });

describe('a look', () => {
  test('at an empty fleet says that there is nothing', () => {
    expect(look([])).toEqual({
      at: NOW,
      since: NOW,
      listed: 0,
      whole: true,
      unlisted: 0,
      doubtful: 0,
      unseen: 0,
      retried: 0,
      pools: [],
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
      mixture: { rows: [], more: 0 },
    });
  });

  test.each<[string, MachineFacts, Partial<Pool>]>([
    ['ready', machine(), { left: 1, idle: 1 }],
    ['a straggler', machine({ state: 'started' }), { left: 1, up: 1, room: 1 }],
    ['busy', machine({ state: 'replacing' }), { left: 1, up: 1, down: 1, room: 0 }],
    ['unreachable', machine({ hostOk: false }), { left: 1, idle: 1 }],
    ['foreign', machine({ digest: OTHER }), { foreign: 1 }],
    ['at target and never ran', atTarget(), { atTarget: 1, idle: 1 }],
    ['at target and verified', verified(), { atTarget: 1, verified: 1, good: 1, up: 1, room: 1 }],
    [
      'at target and settling',
      verified({ life: { startedAt: NOW } }),
      { atTarget: 1, fresh: 1, up: 1, room: 1, hands: 0 },
    ],
    [
      'at target with passing checks',
      verified({ checksConfigured: 1, checks: [{ name: 'alive', status: 'passing', since: NOW }] }),
      { atTarget: 1, verified: 1, good: 1, up: 1, room: 1 },
    ],
    ['at target and crashed', crashed(), { atTarget: 1, idle: 1 }],
  ])('counts a machine that is %s where it belongs, and nowhere else', (_what, sample, counts) => {
    const shown = { due: 0, fresh: 0, good: 0, idle: 0, up: 0, down: 0, room: 1, hands: 1 };
    const none = { atTarget: 0, verified: 0, failed: 0, foreign: 0, left: 0, ...shown };
    expect(look([sample]).pools).toEqual([{ region: 'ord', group: 'worker', selected: 1, ...none, ...counts }]);
  });

  test('counts a failed machine as failed, and no longer as left', () => {
    expect(look([machine()], { failed: [M1] }).pools[0]).toMatchObject({ selected: 1, failed: 1, left: 0 });
    expect(look([crashed()], { failed: [M1] }).pools[0]).toMatchObject({ selected: 1, failed: 1, atTarget: 1 });
  });

  test('counts a machine that an order is out for as left: it is not done', () => {
    expect(leftToDo(look([machine()], { taken: [M1] }))).toBe(1);
  });

  test('keeps a pool a region and process group, in their order', () => {
    const places = [
      { region: 'ord', group: 'worker' },
      { region: 'ams', group: 'worker' },
      { region: 'ord', group: 'app' },
      { region: 'ord', group: 'worker' },
    ];
    const { pools } = look(places.map((place, n) => machine({ id: `m${n}`, ...place })));
    expect(pools.map((pool) => [pool.region, pool.group, pool.selected])).toEqual([
      ['ams', 'worker', 1],
      ['ord', 'app', 1],
      ['ord', 'worker', 2],
    ]);
  });

  test('counts what is outside the selection by its reason, and makes no pool of it', () => {
    const machines = [
      machine({ state: 'destroyed' }),
      machine({ managed: false }),
      machine({ managed: false }),
      machine({ state: 'suspended' }),
      machine({ containers: 'others' }),
      machine({ special: 'console' }),
    ];
    const seen = look(machines);
    expect(seen.outside).toEqual({ gone: 1, unmanaged: 2, suspended: 1, containers: 1, special: 1 });
    expect(seen.pools).toEqual([]);
    expect(seen.listed).toBe(6);
  });

  test('names unreachable, foreign and busy machines, then the working ones, with the reason, and no others', () => {
    const machines = [
      machine({ id: 'a', state: 'started' }),
      machine({ id: 'b', hostOk: false }),
      machine({ id: 'c', digest: OTHER }),
      machine({ id: 'd', state: 'stopping' }),
      machine({ id: 'e' }),
      atTarget({ id: 'f' }),
      machine({ id: 'g', state: 'destroyed' }),
    ];
    const { remarks, stragglers, unreachable, busy } = look(machines);
    expect(remarks.map(({ id: name, standing }) => [name, standing])).toEqual([
      ['b', 'unreachable'],
      ['c', 'foreign'],
      ['d', 'busy'],
      ['a', 'straggler'],
    ]);
    expect(remarks[3]).toMatchObject({
      region: 'ord',
      group: 'worker',
      says: 'it is working; it is updated when it stops',
    });
    expect({ stragglers, unreachable, busy }).toEqual({ stragglers: 1, unreachable: 1, busy: 1 });
  });

  test('offers what is ready, by id, with what the list showed of it', () => {
    const { candidates } = look([machine({ id: M2, bornAt: 2, standbyFor: [M1] }), machine({ id: M1, bornAt: 1 })]);
    expect(candidates).toEqual([
      { id: M1, region: 'ord', group: 'worker', digest: OLD, bornAt: 1 },
      { id: M2, region: 'ord', group: 'worker', digest: OLD, bornAt: 2, standbyFor: [M1] },
    ]);
  });

  test('offers the first of every place, then the second of each: no place waits for another one’s many', () => {
    const many = ['1', '2', '3'].map((name) => machine({ id: `a${name}`, region: 'ams' }));
    const few = [machine({ id: 'b1' }), machine({ id: 'b2', group: 'web' })];
    expect(look([...many, ...few]).candidates.map((c) => c.id)).toEqual(['a1', 'b1', 'b2', 'a2', 'a3']);
  });

  test('takes a machine that has failed for no evidence of the version, however it does since', () => {
    const [pool] = look([verified()], { failed: [M1] }).pools;
    expect(pool).toMatchObject({ verified: 0, failed: 1, atTarget: 1 });
  });

  test('waits for none that has failed: a person decides about it', () => {
    const states = [{ state: 'started' }, { hostOk: false }, { state: 'replacing' }];
    const machines = states.map((more, n) => machine({ id: `m${n}`, ...more }));
    const seen = look(machines, { failed: machines.map(({ id: name }) => name) });
    expect(seen).toMatchObject({ stragglers: 0, unreachable: 0, busy: 0, remarks: [] });
  });

  test('never offers one that is taken or has failed', () => {
    const machines = [M1, M2, M3].map((name) => machine({ id: name }));
    expect(look(machines, { taken: [M1], failed: [M3] }).candidates.map((c) => c.id)).toEqual([M2]);
  });

  test('tells a new failure with its place and evidence, once', () => {
    expect(look([crashed()]).sick).toEqual([
      {
        id: M1,
        region: 'ord',
        group: 'worker',
        code: 'exit_code',
        says: 'exited with code 1 on the new version',
        at: LONG_AGO,
      },
    ]);
    expect(look([crashed()], { failed: [M1] }).sick).toEqual([]);
    expect(look([crashed()], { forgiven: { [M1]: LONG_AGO } }).sick).toEqual([]);
    expect(look([crashed()], { forgiven: { [M1]: LONG_AGO - 1 } }).sick).toHaveLength(1);
  });

  test('judges only what is at target: what the old version did is no evidence against the new one', () => {
    expect(look([machine({ life: { exit: crash } })]).sick).toEqual([]);
    expect(look([machine({ digest: OTHER, life: { exit: crash } })]).sick).toEqual([]);
  });
});

describe('whatever the fleet', () => {
  const names = fc.array(id, { maxLength: 4 });
  const any = [fleet(), contexts, names, names] as const;
  const observed = (check: (seen: Observation, machines: readonly MachineFacts[], of: View) => void, runs = 200) =>
    fc.assert(
      fc.property(...any, (machines, about, taken, failed) => {
        const of = view({ taken, failed });
        check(observe(machines, about, of), machines, of);
      }),
      { numRuns: runs },
    );

  test('at target, foreign, left and failed off target make up the selection, in each pool', () => {
    fc.assert(
      fc.property(...any, (machines, about, taken, failed) => {
        const seen = observe(machines, about, view({ taken, failed }));
        for (const pool of seen.pools) {
          const here = machines.filter((m) => m.region === pool.region && m.group === pool.group);
          const failedOff = here.filter((m) => {
            const { standing } = classify(m, about);
            const isOff = isInside(standing) && standing !== 'atTarget' && standing !== 'foreign';
            return isOff && failed.includes(m.id);
          }).length;
          expect(pool.atTarget + pool.foreign + pool.left + failedOff).toBe(pool.selected);
          expect(pool.verified).toBeLessThanOrEqual(pool.atTarget);
          expect(pool.idle).toBeLessThanOrEqual(pool.selected);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('every listed machine is in a pool or outside for a reason, and none in both', () => {
    observed((seen, machines) => {
      const outside = Object.values(seen.outside).reduce((sum, count) => sum + count, 0);
      expect(sums(seen).selected + outside).toBe(machines.length);
      expect(seen.listed).toBe(machines.length);
      expect(new Set(seen.pools.map((pool) => `${pool.region} ${pool.group}`)).size).toBe(seen.pools.length);
    });
  });

  test('what is left is offered, taken, working, busy or unreachable: nothing is forgotten', () => {
    observed((seen, machines, { taken, failed }) => {
      const offered = new Set(seen.candidates.map((c) => c.id));
      const held = machines.filter((m) => m.hold !== undefined).map((m) => m.id);
      const isOver = (name: string) => taken.includes(name) || (failed.includes(name) && !held.includes(name));
      expect([...offered].some(isOver)).toBe(false);
      const waiting = seen.stragglers + seen.unreachable + seen.busy;
      const takenThere = machines.filter((m) => taken.includes(m.id)).length;
      expect(leftToDo(seen)).toBeLessThanOrEqual(offered.size + waiting + takenThere);
    });
  });

  test('only machines that are ready, cut, overdue or held are offered, each once, and those of a place by rank and id', () => {
    fc.assert(
      fc.property(...any, (machines, about, taken, failed) => {
        const { candidates } = observe(machines, about, view({ taken, failed }));
        const standings = new Map(machines.map((m) => [m.id, classify(m, about).standing]));
        const isForUs = (name: string) => ['ready', 'cut', 'overdue'].includes(standings.get(name) ?? '');
        const isFree = (name: string) => isForUs(name) && !failed.includes(name);
        const ours = machines.map((m) => m.id).filter((name) => standings.get(name) === 'held' || isFree(name));
        const free = ours.filter((name) => !taken.includes(name));
        expect(candidates.map((c) => c.id).toSorted()).toEqual(free.toSorted());
        const ranks = candidates.map((c) =>
          c.restore ? 0 : c.working === undefined ? 1 : c.working === 'down' ? 2 : 3,
        );
        expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
        for (const place of new Set(candidates.map(placeKey))) {
          const idle = candidates.filter((c) => placeKey(c) === place && c.working === undefined && !c.restore);
          // Those that can be booted come before those that are never started.
          const ranked = idle.map((c) => `${c.onlyIdle ? 1 : 0} ${c.id}`);
          expect(ranked).toEqual(ranked.toSorted());
        }
      }),
    );
  });

  test('the idle ones of a pool are those that may be written or were, and never a foreign one', () => {
    fc.assert(
      fc.property(fleet(), contexts, (machines, about) => {
        const idle = machines.filter((m) => {
          const { standing } = classify(m, about);
          return isInside(standing) && standing !== 'foreign' && isIdle(m, about);
        });
        expect(total(observe(machines, about, view()).pools, 'idle')).toBe(idle.length);
      }),
    );
  });

  test('the order of the list does not matter to the counts and candidates', () => {
    fc.assert(
      fc.property(fleet(), contexts, (machines, about) => {
        const { pools, candidates, outside } = observe(machines, about, view());
        expect(observe(machines.toReversed(), about, view())).toMatchObject({ pools, candidates, outside });
      }),
    );
  });
});

describe('ten thousand machines in three hundred pools', () => {
  const KINDS: readonly ((more: Partial<MachineFacts>) => MachineFacts)[] = [
    machine,
    (more) => machine({ ...more, state: 'started' }),
    (more) => machine({ ...more, digest: OTHER }),
    (more) => machine({ ...more, hostOk: false }),
    crashed,
    (more) =>
      verified({
        ...more,
        checksConfigured: 30,
        checks: Array.from({ length: 30 }, (_, n) => ({
          name: `servicecheck-${n}-http-8080`,
          status: 'critical',
          since: NOW,
        })),
      }),
  ];
  const large = (kinds: typeof KINDS) =>
    Array.from({ length: 10_000 }, (_, n) => {
      const make = kinds[n % kinds.length] ?? machine;
      const place = { region: `r${n % 30}`, group: `process-group-${Math.floor(n / 30) % 10}` };
      const name = `a${String(n).padStart(13, '0')}`;
      return make({ id: name, ...place, version: `01KDW0000000000000000${String(n).padStart(5, '0')}` });
    });

  test.each([
    ['of all kinds at once', KINDS],
    ['all ready', [machine]],
    ['all failing their many checks', KINDS.slice(5)],
  ])('%s are told in at most 100 KB', (_what, kinds) => {
    const seen = look(large(kinds));
    expect(seen.pools).toHaveLength(300);
    expect(JSON.stringify(seen).length).toBeLessThanOrEqual(100 * 1024);
  });

  test('are counted in full, though only the first are named', () => {
    const seen = look(large(KINDS));
    const { selected, atTarget, foreign, left } = sums(seen);
    expect(selected).toBe(10_000);
    expect(atTarget + foreign + left).toBe(10_000);
    expect([seen.candidates.length, seen.remarks.length, seen.sick.length]).toEqual([100, 85, 60]);
  });

  test('are told with the first of each place by id as candidates, so that two looks offer the same', () => {
    const machines = large([machine]);
    const ids = look(machines.toReversed()).candidates.map((c) => c.id);
    expect(ids).toEqual(machines.slice(0, 100).map((m) => m.id));
  });
});

test('a machine that a person retried is waited for until it has passed or failed; one that does not run is not', () => {
  const retried = (more: Partial<MachineFacts>) =>
    look([verified({ checksConfigured: 1, ...more })], { forgiven: { [M1]: NOW } }).retried;
  const check = (status: string) => ({ checks: [{ name: 'alive', status, since: LONG_AGO }] });
  expect(retried(check('critical'))).toBe(1);
  expect(retried(check('passing'))).toBe(0);
  expect(retried({ state: 'stopped' })).toBe(0);
  expect(look([verified({ checksConfigured: 1, life: { startedAt: NOW } })]).retried).toBe(0);
});

describe('a machine whose last order nobody knows the end of', () => {
  test('is taken up again whatever it looks like, and keeps the closing pass from ending', () => {
    const there = machine({ id: M1, digest: NEW });
    const doubted = look([there], { doubt: [M1] });
    expect(doubted.candidates.map((c) => c.id)).toEqual([M1]);
    expect(doubted.doubtful).toBe(1);
    expect(look([there]).candidates).toEqual([]);
  });

  test('waits for its host, and is no candidate while it is in flight or has failed', () => {
    expect(look([machine({ id: M1, hostOk: false })], { doubt: [M1] }).candidates).toEqual([]);
    expect(look([machine({ id: M1 })], { doubt: [M1], taken: [M1] }).candidates).toEqual([]);
    expect(look([machine({ id: M1 })], { doubt: [M1], failed: [M1] }).doubtful).toBe(0);
  });
});

describe('a machine whose order has just landed', () => {
  const serving = machine({ id: M1, state: 'started', bornAt: NOW - HOUR, lastStartAt: NOW - HOUR });
  const landed = (ago: number, more: object = {}) => ({
    [M1]: {
      region: 'ord',
      group: 'worker',
      since: NOW - ago - 10_000,
      landedAt: NOW - ago,
      bornAt: NOW - HOUR,
      ...more,
    },
  });
  const downOf = (sample: MachineFacts, more: Parameters<typeof look>[1]) => look([sample], more).pools[0]?.down;

  test('is missed while the list shows it as it was before, for a minute', () => {
    expect(downOf(serving, { landed: landed(30_000) })).toBe(1);
    expect(downOf(serving, { landed: landed(60_000) })).toBe(0);
  });

  test('is missed no more when the list shows a younger version, or a younger start', () => {
    expect(downOf({ ...serving, bornAt: NOW - 35_000 }, { landed: landed(30_000) })).toBe(0);
    expect(downOf({ ...serving, lastStartAt: NOW - 35_000 }, { landed: landed(30_000) })).toBe(0);
  });
});
