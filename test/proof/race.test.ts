import { expect, test } from 'vitest';
import { isFair, proveRace, sayRace } from '../../src/proof/race.js';

test.each([true, false])(
  'of machines that start between look and write none is cut, or each is reported and started again (lease blocks: %s)',
  async (blocks) => {
    const figures = await proveRace(80, blocks);
    expect({ isFair: isFair(figures, blocks), says: sayRace(figures) }).toMatchObject({ isFair: true });
    expect(figures.raced).toBe(80);
    expect(figures.jobsCut).toBe(blocks ? 0 : 80);
  },
);
