import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesIn, linesMatching, ROOT, type SourceFile, textOf } from './files.js';

/** What the lint rules must refuse: [file, line of code, words of the sentence that says what to do instead]. */
const REFUSED: readonly (readonly [file: string, code: string, says: string])[] = [
  ['workflows/a.ts', `import { z } from 'zod';`, 'Decide in src/domain, do the work in an activity'],
  ['workflows/b.ts', `import fs from 'node:fs';`, 'Decide in src/domain'],
  ['workflows/c.ts', `import { x } from '../src/fly/client.js';`, 'Decide in src/domain'],
  ['workflows/d.ts', `import { x } from '../activities/update-machine.js';`, 'types of activities/contract'],
  ['workflows/e.ts', `import { x } from '../src/input/parse.js';`, 'Decide in src/domain'],
  ['workflows/f.ts', `import { Client } from '@temporalio/client';`, 'Decide in src/domain'],
  ['workflows/g.ts', `export { x } from '../test/support/x.js';`, 'Decide in src/domain'],
  ['activities/contract.ts', `import { x } from '../src/fly/client.js';`, 'contract is types only'],
  ['activities/a.ts', `import { x } from '../workflows/rollout.js';`, 'activities/contract or src/domain'],
  ['activities/b.ts', `import { x } from '../src/simulator/world.js';`, 'An activity knows the Fly client'],
  ['activities/c.ts', `import { x } from '../test/support/x.js';`, 'never imports from test/'],
  ['src/domain/a.ts', `import { log } from '@temporalio/workflow';`, 'The domain decides and touches nothing'],
  ['src/domain/b.ts', `import { readFile } from 'node:fs/promises';`, 'The domain decides'],
  ['src/domain/c.ts', `import { z } from 'zod';`, 'The domain decides'],
  ['src/domain/d.ts', `import { x } from '../fly/wire.js';`, 'The domain decides'],
  ['src/domain/e.ts', `import { x } from '../clock.js';`, 'The domain decides'],
  ['src/domain/f.ts', `export const now = Date.now();`, 'Take `now`'],
  ['src/domain/g.ts', `export const chance = Math.random();`, 'no randomness'],
  ['src/domain/h.ts', `setTimeout(() => undefined, 1);`, 'does not wait'],
  ['src/domain/i.ts', `export const home = process.env['HOME'];`, 'no environment'],
  ['src/domain/j.ts', `console.log(1);`, 'Return the text'],
  ['src/input/types.ts', `import { z } from 'zod';`, 'imports nothing'],
  ['src/input/parse.ts', `import { x } from '../fly/client.js';`, 'only parses what people write'],
  ['src/fly/a.ts', `import { x } from '../domain/machine.js';`, 'A client speaks one protocol'],
  ['src/fly/b.ts', `import { x } from '../../activities/contract.js';`, 'A client speaks one protocol'],
  ['src/fly/c.ts', `import { x } from '../../workflows/rollout.js';`, 'A client speaks one protocol'],
  ['src/fly/d.ts', `import { sleep } from '@temporalio/activity';`, 'retries to Temporal'],
  ['src/gates/a.ts', `import { x } from '../domain/machine.js';`, 'A client speaks one protocol'],
  ['src/notify/a.ts', `import { x } from '../../test/support/x.js';`, 'never imports from test/'],
  ['src/simulator/a.ts', `import { x } from '../fly/client.js';`, 'independent witness'],
  ['src/simulator/b.ts', `import { x } from '../domain/machine.js';`, 'independent witness'],
  ['src/simulator/deep/c.ts', `import { x } from '../../fly/errors.js';`, 'independent witness'],
  ['src/proof/judge.ts', `import { decide } from '../domain/decide.js';`, 'The judge shares no code'],
  ['src/proof/evidence.ts', `import type { CallEntry } from '../simulator/journal.js';`, 'The judge shares no code'],
  ['src/worker/a.ts', `import { x } from '../../test/support/x.js';`, 'never imports from test/'],
  ['src/cli/a.ts', `import { x } from '../../test/support/x.js';`, 'never imports from test/'],
  ['src/setup/a.ts', `import { x } from '../../test/support/x.js';`, 'never imports from test/'],
];

/** What they must let through: a wall that stops everything would pass the table above. */
const LET_THROUGH: readonly (readonly [file: string, code: string])[] = [
  ['workflows/ok.ts', `import { proxyActivities } from '@temporalio/workflow';`],
  ['workflows/ok2.ts', `import { ApplicationFailure } from '@temporalio/common';`],
  ['workflows/ok3.ts', `import type { Activities } from '../activities/contract.js';`],
  ['workflows/ok4.ts', `import { decide } from '../src/domain/decide.js';`],
  ['workflows/ok5.ts', `import type { RolloutInput } from '../src/input/types.js';`],
  ['workflows/ok6.ts', `import { details } from './details.js';`],
  ['activities/ok.ts', `import { client } from '../src/fly/client.js';`],
  ['activities/ok2.ts', `import { classify } from '../src/domain/machine.js';`],
  ['activities/ok3.ts', `import { heartbeat } from '@temporalio/activity';`],
  ['src/domain/ok.ts', `import type { RolloutInput } from '../input/types.js';`],
  ['src/domain/ok2.ts', `import { classify } from './machine.js';`],
  ['src/domain/ok3.ts', `export const at = Date.parse('2026-01-01T00:00:00Z');`],
  ['src/input/ok.ts', `import { z } from 'zod';`],
  ['src/fly/ok.ts', `import type { Clock } from '../clock.js';`],
  ['src/fly/ok2.ts', `import { request } from 'undici';`],
  ['src/simulator/ok.ts', `import { Machine } from '../fly/wire.js';`],
  ['src/simulator/ok2.ts', `import { createServer } from 'node:http';`],
  ['src/simulator/ok3.ts', `import type { Clock } from '../clock.js';`],
  ['src/simulator/ok4.ts', `import { z } from 'zod';`],
  ['src/simulator/deep/ok5.ts', `import { Machine } from '../../fly/wire.js';`],
  ['src/simulator/deep/ok6.ts', `import { world } from '../world.js';`],
];

type Diagnostic = { readonly message: string; readonly help?: string; readonly filename: string };

let site: string;
let diagnostics: readonly Diagnostic[];

/** Builds every wall's wrong and right code in an empty house, and lints it with the real configuration. */
beforeAll(async () => {
  site = mkdtempSync(join(tmpdir(), 'layover-walls-'));
  const config = JSON.parse(textOf('.oxlintrc.json')) as Record<string, unknown>;
  plant('.oxlintrc.json', JSON.stringify({ ...config, options: {} }));
  for (const [file, code] of [...REFUSED, ...LET_THROUGH]) plant(file, `${code}\n`);
  const args = [join(ROOT, 'node_modules/oxlint/bin/oxlint'), '--format', 'json', '.'];
  const printed = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: site, maxBuffer: 2 ** 24 }, (_error, stdout) => resolve(stdout));
  });
  diagnostics = (JSON.parse(printed) as { diagnostics: Diagnostic[] }).diagnostics;
});

afterAll(() => rmSync(site, { recursive: true, force: true }));

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(site, file)), { recursive: true });
  writeFileSync(join(site, file), text);
}

function saidOf(file: string): string {
  const own = diagnostics.filter((one) => one.filename === file);
  return own.map((one) => `${one.message} ${one.help ?? ''}`).join('\n');
}

describe('lint keeps the walls', () => {
  test.each(REFUSED)('%s may not: %s', (file, _code, says) => {
    expect(saidOf(file)).toContain(says);
  });

  test.each(LET_THROUGH)('%s may: %s', (file) => {
    expect(saidOf(file)).not.toMatch(/restricted/);
  });
});

/** The Fly client's methods that change a machine, its lease or its metadata. */
const WRITES =
  'updateMachine|startMachine|stopMachine|cordonMachine|uncordonMachine|acquireLease|refreshLease|releaseLease|setMetadata|suspendMachine|destroyMachine|createMachine';

/** A file and all that is reached through it alone: what every importer of which is already one of them. */
function partsOf(door: string, files: readonly SourceFile[]): ReadonlySet<string> {
  const importers = new Map<string, string[]>();
  for (const { path, text } of files) {
    for (const [, to = ''] of text.matchAll(/from '(\.[^']+)\.js'/g)) {
      const target = `${join(dirname(path), to)}.ts`;
      importers.set(target, [...(importers.get(target) ?? []), path]);
    }
  }
  const parts = new Set([door]);
  const isPart = (path: string) => !parts.has(path) && (importers.get(path) ?? []).every((by) => parts.has(by));
  for (let found: string[] = [door]; found.length > 0;) {
    found = [...importers.keys()].filter(isPart);
    for (const path of found) parts.add(path);
  }
  return parts;
}

describe('walls that lint cannot express', () => {
  test('only activities/update-machine, and parts that nothing else imports, call a writing method of the Fly client', () => {
    const files = filesIn(['src', 'activities']);
    const own = partsOf('activities/update-machine.ts', files);
    const others = files.filter(({ path }) => !own.has(path) && !/^src\/(fly|simulator)\//.test(path));
    const calls = new RegExp(`\\.(${WRITES})\\s*\\(|\\{[^}]*\\b(${WRITES})\\b[^}]*\\}\\s*=[^>]`);
    expect(linesMatching(others, calls)).toEqual([]);
    const written = files.filter(({ path }) => own.has(path));
    expect(linesMatching(written, calls), 'the pattern finds the writes there are').not.toEqual([]);
  });

  test('the domain never asks what time it is: take `now` as an argument', () => {
    expect(linesMatching(filesIn(['src/domain']), /new Date\(\s*\)|(?<!new )\bDate\(\s*\)/)).toEqual([]);
  });

  test('nothing behind a wall imports dynamically, since lint reads static imports only: import it at the top', () => {
    const walled = ['workflows', 'activities', 'src/domain', 'src/input', 'src/fly', 'src/simulator'];
    expect(linesMatching(filesIn(walled), /\bimport\s*\(|\brequire\s*\(/)).toEqual([]);
  });

  test('no file switches a wall off: change the code, or the wall in .oxlintrc.json with its reason', () => {
    const switched = /(oxlint|eslint)-disable.*(no-restricted|no-cycle|max-lines)|(oxlint|eslint)-disable\s*(\*\/|$)/;
    const files = filesIn(['src', 'workflows', 'activities', 'test']).filter(
      ({ path }) => !path.endsWith('walls.test.ts'),
    );
    expect(linesMatching(files, switched)).toEqual([]);
  });
});
