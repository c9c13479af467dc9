import { describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/cli/exit-codes.js';
import { READ_HERE } from '../../src/worker/config.js';
import { METRICS } from '../../src/worker/metrics.js';
import { filesIn, textOf } from '../house/files.js';
import { layover } from '../support/outside.js';
import { alerts } from './metrics-files.js';

const operating = textOf('docs/operating.md');

/** First cells of a table's rows whose cell is code, by the heading that the table stands under. */
function cellsUnder(heading: string): string[] {
  const [, section = ''] = operating.split(`\n## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell);
}

// Commands that operators type are run as they stand there: test/cli/layover-operating.test.ts.
describe('docs/operating.md', () => {
  test('names every setting that a worker reads, and no other', () => {
    expect(new Set(cellsUnder('Settings of a worker'))).toEqual(new Set(READ_HERE));
  });

  test('names every metric with its tags, and every alert, and no other', () => {
    const rows = [...operating.matchAll(/^\| `(layover_\w+?)(?:_total)?` +\| (.+?) +\|/gm)];
    const named = Object.fromEntries(
      rows.map(([, name = '', tags = '']) => [name, tags.replaceAll('`', '').split(', ')]),
    );
    expect(named).toEqual(Object.fromEntries(Object.values(METRICS).map(({ name, tags }) => [name, tags])));
    const named2 = cellsUnder('Metrics and alerts').filter((cell) => /^Layover[A-Z]/.test(cell));
    expect(named2).toEqual(alerts().map(({ alert }) => alert));
  });

  test('gives the exit codes in the program’s own words', () => {
    const rows = [...operating.matchAll(/^\| (\d) +\| (.+?) +\|$/gm)].map(([, code, means]) => [Number(code), means]);
    expect(rows).toEqual(EXIT_CODES);
  });
});

test('every command of layover that a page names is one', async () => {
  const pages = filesIn(['README.md', 'docs', 'deploy', 'docker-compose.yml', 'fly.toml'], ['']);
  const named = pages.flatMap(({ text }) =>
    [...text.matchAll(/(?:`|npx )layover ([a-z]+)/g)].map(([, name = '']) => name),
  );
  expect(named).toContain('status');
  const { out } = await layover(['--help']);
  expect(named.filter((name) => !new RegExp(`^  ${name} `, 'm').test(out))).toEqual([]);
});

test('the files that docs/operating.md and docs/security.md name are there', () => {
  const named = [...`${operating}${textOf('docs/security.md')}`.matchAll(/`((?:deploy|activities)\/[\w./-]+)`/g)];
  expect(named.length).toBeGreaterThan(2);
  for (const [, path = ''] of named) expect(textOf(path.includes('.') ? path : `${path}.ts`)).not.toBe('');
});
