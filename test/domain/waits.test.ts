import { describe, expect, test } from 'vitest';
import { sayWaits, waitsAfter } from '../../src/domain/waits.js';
import { MINUTE, NOW, seen } from './build.js';

describe('what a sweep waits for', () => {
  test('has a name for each reason, in words for one and for many', () => {
    const one = seen({
      stragglers: 1,
      unreachable: 1,
      busy: 1,
      retried: 1,
      doubtful: 1,
      unseen: 1,
      whole: false,
      unlisted: 1,
    });
    expect(sayWaits('sweep', one, {}, NOW).map(({ name, says }) => [name, says])).toEqual([
      ['sweep:stragglers', '1 working machine to stop'],
      ['sweep:unreachable', '1 machine whose host is not ok'],
      ['sweep:busy', '1 machine between two states'],
      ['sweep:retried', '1 retried machine to show how it does'],
      ['sweep:unknown', '1 machine with an update that nobody knows the end of'],
      ['sweep:unseen', '1 machine that was just written, to be listed as it is'],
      ['sweep:list', '1 machine that the app counts and Fly does not list'],
    ]);
    expect(sayWaits('sweep', seen({ stragglers: 2 }), {}, NOW)[0]?.says).toBe('2 working machines to stop');
  });

  test('is nothing where nothing is left: a list that is whole is not waited for', () => {
    expect(sayWaits('sweep', seen({ unlisted: 3 }), {}, NOW)).toEqual([]);
  });

  test('keeps its since from look to look, and begins anew after one that found none', () => {
    const first = waitsAfter(undefined, seen({ stragglers: 2, busy: 1 }), NOW);
    const second = waitsAfter(first, seen({ stragglers: 1 }), NOW + MINUTE);
    expect(second).toEqual({ stragglers: NOW });
    expect(waitsAfter(second, seen({ busy: 1 }), NOW + 2 * MINUTE)).toEqual({ busy: NOW + 2 * MINUTE });
    expect(sayWaits('sweep', seen({ stragglers: 1 }), second, NOW + MINUTE)[0]?.since).toBe(NOW);
  });
});
