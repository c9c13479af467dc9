import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSelected, type Selection, selectionFor, selectionProblems } from '../../src/domain/selection.js';
import type { Selector } from '../../src/input/types.js';
import { facts, fleet, selection, selector } from './arbitraries.js';
import { M1, M2, machine } from './build.js';

const hidden = machine({ readable: false, labelled: false, hostOk: false, group: 'app', metadata: {} });

describe('only', () => {
  test.each<[Selector, boolean]>([
    [{}, true],
    [{ regions: ['ord'] }, true],
    [{ regions: ['ams', 'ord'] }, true],
    [{ regions: ['ams'] }, false],
    [{ processGroups: ['worker'] }, true],
    [{ processGroups: ['app'] }, false],
    [{ machines: [M1] }, true],
    [{ machines: [M2] }, false],
    [{ metadata: { tier: 'gold' } }, true],
    [{ metadata: { tier: 'tin' } }, false],
    [{ metadata: { tier: 'gold', team: 'a' } }, false],
    [{ regions: ['ord'], processGroups: ['app'] }, false],
    [{ regions: ['ams'], machines: [M1] }, false],
  ])('%j: every named key must match, any entry of a list does (%s)', (only, selected) => {
    expect(isSelected({ only }, machine({ metadata: { tier: 'gold' } }))).toBe(selected);
  });
});

describe('except', () => {
  test.each<[Selector, boolean]>([
    [{}, true],
    [{ regions: ['ord'] }, false],
    [{ regions: ['ams'] }, true],
    [{ processGroups: ['worker'] }, false],
    [{ machines: [M2, M1] }, false],
    [{ metadata: { tier: 'gold' } }, false],
    [{ metadata: { tier: 'gold', team: 'a' } }, true],
    [{ regions: ['ams'], machines: [M1] }, false],
    [{ regions: ['ams'], machines: [M2] }, true],
  ])('%j: any named key suffices (%s)', (except, selected) => {
    expect(isSelected({ except }, machine({ metadata: { tier: 'gold' } }))).toBe(selected);
  });

  test('wins over only', () => {
    expect(isSelected({ only: { machines: [M1] }, except: { machines: [M1] } }, machine())).toBe(false);
    expect(isSelected({ only: { regions: ['ord'] }, except: { regions: ['ord'] } }, machine())).toBe(false);
  });
});

describe('a machine whose host hides its config', () => {
  test('is neither left out nor chosen by a group or metadata that nobody can see', () => {
    expect(isSelected({ only: { processGroups: ['worker'] } }, hidden)).toBe(true);
    expect(isSelected({ only: { metadata: { tier: 'gold' } } }, hidden)).toBe(true);
    expect(isSelected({ except: { processGroups: ['app'] } }, hidden)).toBe(true);
    expect(isSelected({ except: { metadata: {} } }, hidden)).toBe(true);
  });

  test('is by what Fly shows of it all the same', () => {
    const shown = { ...hidden, labelled: true, group: 'worker' };
    expect(isSelected({ only: { processGroups: ['app'] } }, shown)).toBe(false);
    expect(isSelected({ except: { processGroups: ['worker'] } }, shown)).toBe(false);
  });

  test('is left out and chosen by region and id all the same', () => {
    expect(isSelected({ only: { regions: ['ams'] } }, hidden)).toBe(false);
    expect(isSelected({ only: { machines: [M2] } }, hidden)).toBe(false);
    expect(isSelected({ except: { regions: ['ord'] } }, hidden)).toBe(false);
    expect(isSelected({ except: { machines: [M1] } }, hidden)).toBe(false);
  });
});

test('metadata that every object has of itself selects nobody', () => {
  const names: Selector[] = ['constructor', 'toString', '__proto__'].map((name) => ({
    metadata: Object.fromEntries([[name, 'x']]),
  }));
  for (const only of names) expect(isSelected({ only }, machine())).toBe(false);
  for (const except of names) expect(isSelected({ except }, machine())).toBe(true);
});

describe('whatever the selection', () => {
  test('nothing named selects everything', () => {
    const isTaken = fc.property(facts, (sample) => isSelected({}, sample));
    expect(() => fc.assert(isTaken)).not.toThrow();
  });

  test('what only chooses for one reason, except leaves out for the same', () => {
    fc.assert(
      fc.property(facts, selector, (drawn, several) => {
        const [reason] = Object.entries(several);
        fc.pre(reason !== undefined);
        const [sample, one] = [{ ...drawn, labelled: true }, Object.fromEntries([reason])];
        expect(isSelected({ except: one }, sample)).toBe(!isSelected({ only: one }, sample));
      }),
    );
  });

  test('another key of only never widens it, another key of except never does either', () => {
    fc.assert(
      fc.property(facts, selector, selector, (sample, one, two) => {
        const both = { ...two, ...one };
        fc.pre(Object.keys(both).length > Object.keys(one).length);
        const widens = (key: 'only' | 'except') =>
          isSelected({ [key]: both }, sample) && !isSelected({ [key]: one }, sample);
        expect([widens('only'), widens('except')]).toEqual([false, false]);
      }),
    );
  });

  test('an order’s narrowed selection says of its machine what the whole one says, in a few bytes', () => {
    fc.assert(
      fc.property(facts, selection, (sample, whole) => {
        const narrow = selectionFor(whole, sample.id);
        expect(isSelected(narrow, sample)).toBe(isSelected(whole, sample));
        expect(narrow.only?.machines?.length ?? 0).toBeLessThanOrEqual(1);
        expect(narrow.except?.machines?.length ?? 0).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});

test('thousands of named machines do not travel with every order', () => {
  const ids = Array.from({ length: 10_000 }, (_, n) => `m${n}`);
  const whole: Selection = { only: { machines: [M1, ...ids] }, except: { machines: ['m0', ...ids] } };
  expect(selectionFor(whole, M1)).toEqual({ only: { machines: [M1] }, except: { machines: ['-'] } });
  expect(selectionFor({}, M1)).toEqual({});
});

describe('names that do not exist', () => {
  const there = [machine({ metadata: { tier: 'gold' } }), machine({ id: M2, region: 'ams', group: 'app' })];

  test.each<[Selection, string[]]>([
    [{ only: { regions: ['odr'] } }, ['only.regions: region "odr" is not in this app; it has ams, ord']],
    [
      { except: { processGroups: ['wroker'] } },
      ['except.processGroups: process group "wroker" is not in this app; it has app, worker'],
    ],
    [{ only: { machines: ['x'] } }, [`only.machines: machine "x" is not in this app; it has ${M1}, ${M2}`]],
    [{ except: { metadata: { tier: 'tin' } } }, ['except.metadata.tier: no machine has "tin" there']],
    [{ only: { regions: ['ord', 'ams'], processGroups: ['app'] }, except: { machines: [M2] } }, []],
    [{}, []],
  ])('%j is answered with what does exist', (named, problems) => {
    expect(selectionProblems(named, there)).toEqual(problems);
  });

  test('all are named at once, those of only first', () => {
    const named: Selection = {
      except: { regions: ['xyz'] },
      only: { regions: ['odr', 'ord', 'sma'], machines: ['x'] },
    };
    const paths = selectionProblems(named, there).map((problem) => problem.split(': ')[0]);
    expect(paths).toEqual(['only.regions', 'only.regions', 'only.machines', 'except.regions']);
  });

  test('of a large fleet twenty are listed, of an empty one none', () => {
    const many = Array.from({ length: 50 }, (_, n) => machine({ id: `m${n + 10}` }));
    const [problem] = selectionProblems({ only: { machines: ['x'] } }, many);
    expect(problem?.split('it has ')[1]?.split(', ')).toHaveLength(20);
    expect(selectionProblems({ only: { regions: ['ord'] } }, [])).toEqual([
      'only.regions: region "ord" is not in this app; it has none',
    ]);
  });

  test('a selection without problems names only what is there', () => {
    fc.assert(
      fc.property(fleet(), selector, (machines, only) => {
        fc.pre(selectionProblems({ only }, machines).length === 0);
        for (const region of only.regions ?? []) expect(machines.map((m) => m.region)).toContain(region);
        for (const id of only.machines ?? []) expect(machines.map((m) => m.id)).toContain(id);
      }),
    );
  });
});
