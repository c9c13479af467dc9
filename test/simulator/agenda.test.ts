import { array, assert, nat, property } from 'fast-check';
import { expect, test } from 'vitest';
import { createAgenda } from '../../src/simulator/agenda.js';

test('things are taken in the order of time, and in the order of planning within it', () => {
  assert(
    property(array(nat(20)), (times) => {
      const agenda = createAgenda<number>();
      times.forEach((at, item) => agenda.add(at, item));
      const taken: number[] = [];
      for (let entry = agenda.take(20); entry !== undefined; entry = agenda.take(20)) taken.push(entry.item);
      const expected = times.map((at, item) => ({ at, item })).toSorted((a, b) => a.at - b.at || a.item - b.item);
      expect(taken).toEqual(expected.map(({ item }) => item));
    }),
  );
});

test('nothing is taken before its time, and nothing that was taken off', () => {
  const agenda = createAgenda<string>();
  const dropped = agenda.add(1, 'dropped');
  agenda.add(2, 'kept');
  dropped.live = false;
  expect(agenda.take(1)).toBeUndefined();
  expect(agenda.take(2)?.item).toBe('kept');
  expect(agenda.take(99)).toBeUndefined();
});
