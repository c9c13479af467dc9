import { describe, expect, test } from 'vitest';
import { classify } from '../../src/domain/table.js';
import type { MachineFacts } from '../../src/domain/machine.js';
import { mixtureOf } from '../../src/domain/mixture.js';
import { context, HASH, machine } from './build.js';

/** What runs where, and since when. */

const FIRST = '01KDW00000000000000000000A';
const LATER = '01KDX00000000000000000000A';

const look = (machines: readonly MachineFacts[]) =>
  mixtureOf(
    machines.map((one) => ({ machine: one, ...classify(one, context()) })),
    context(),
  );

describe('what runs where', () => {
  test('is counted by image, region and group, whoever is selected, the commonest first', () => {
    const { rows } = look([
      machine({ id: 'a', image: 'web:v1', group: 'web', region: 'ams' }),
      machine({ id: 'b', image: 'web:v2', group: 'web', region: 'ams' }),
      machine({ id: 'c', image: 'web:v2', group: 'web', region: 'ams' }),
      machine({ id: 'd', image: 'web:v2', group: 'zk', region: 'ord' }),
      machine({ id: 'e', image: 'web:v2', state: 'destroyed' }),
    ]);
    expect(rows.map(({ image, region, group, machines }) => [image, region, group, machines])).toEqual([
      ['web:v2', 'ams', 'web', 2],
      ['web:v1', 'ams', 'web', 1],
      ['web:v2', 'ord', 'zk', 1],
    ]);
  });

  test('tells since when by the oldest version, and since when this change is there by its marks', () => {
    const mark = `${HASH}.first#0`;
    const { rows, changedSince } = look([
      machine({ id: 'a', version: LATER, mark }),
      machine({ id: 'b', version: FIRST }),
    ]);
    expect(rows[0]?.since).toBeLessThan(changedSince ?? 0);
    expect(look([machine({ version: 'no ulid', mark })])).toEqual({
      rows: [expect.not.objectContaining({ since: 0 })],
      more: 0,
    });
  });

  test('is told in few rows, and the rest is counted', () => {
    const many = Array.from({ length: 60 }, (_, n) => machine({ id: `m${n}`, image: `web:v${n}` }));
    const { rows, more } = look(many);
    expect(rows.length + more).toBe(60);
    expect(rows).toHaveLength(25);
  });
});
