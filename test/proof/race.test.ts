import { expect, test } from 'vitest';
import { isFair, proveRace, sayRace } from '../../src/proof/race.js';

test.each([
  ['stoppedSweep', true],
  ['stoppedSweep', false],
  ['processGroup', true],
  ['processGroup', false],
] as const)(
  'of machines that start between look and write none is cut, or each is reported and started again (%s, lease blocks: %s)',
  async (type, blocks) => {
    const figures = await proveRace(80, blocks, type);
    expect({ isFair: isFair(figures, blocks), says: sayRace(figures) }).toMatchObject({ isFair: true });
    expect(figures.raced).toBe(80);
    expect(figures.jobsCut).toBe(blocks ? 0 : 80);
  },
);
