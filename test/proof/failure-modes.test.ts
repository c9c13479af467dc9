import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MODES, sayRow } from '../../src/proof/failures/page.js';

const page = readFileSync('docs/failure-modes.md', 'utf8');

describe.each([...new Set(MODES.map(({ part }) => part))])('%s', (part) => {
  test.each(MODES.filter((mode) => mode.part === part))('$fault', async (mode) => {
    const observed = await mode.run();
    expect(observed.broken).toEqual([]);
    for (const shown of mode.shows) expect(observed.sees).toContainEqual(expect.stringMatching(shown));
    expect(page).toContain(sayRow(mode, observed));
  });
});
