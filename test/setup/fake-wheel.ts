import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pip } from '../../src/setup/fetch-wheel.js';
import type { Wheel } from '../../src/setup/wheels.js';

/** A folder that pip takes for an index, with one real wheel in it, and a python that counts how often pip ran. */
export type Shelf = {
  readonly folder: string;
  readonly wheel: Wheel;
  readonly pip: Pip;
  readonly downloads: () => number;
};

const VERSION = '9.9.9';

export function shelf(): Shelf {
  const folder = mkdtempSync(join(tmpdir(), 'layover-shelf-'));
  const archive = buildWheel(folder);
  const wheel: Wheel = {
    name: 'Fake program',
    project: 'layover-fake',
    version: VERSION,
    script: 'layover-fake',
    env: 'LAYOVER_FAKE_PATH',
    versionArgs: ['--version'],
    sha256: [createHash('sha256').update(readFileSync(archive)).digest('hex')],
  };
  const log = join(folder, 'pip.log');
  writeFileSync(log, '');
  const python = program(
    join(folder, 'python'),
    `case "$*" in *"pip download"*) echo download >> '${log}';; esac\nexec python3 "$@"`,
  );
  return {
    folder,
    wheel,
    pip: { python, args: ['--no-index', '--find-links', folder] },
    downloads: () => readFileSync(log, 'utf8').split('\n').length - 1,
  };
}

/** Writes an executable shell script and returns its path. */
export function program(path: string, body: string): string {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

function buildWheel(folder: string): string {
  const stem = `layover_fake-${VERSION}`;
  const archive = join(folder, `${stem}-py3-none-any.whl`);
  const files = {
    [`${stem}.data/scripts/layover-fake`]: '#!/bin/sh\necho "fake version 9.9.9"\n',
    [`${stem}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: layover-fake\nVersion: ${VERSION}\n`,
    [`${stem}.dist-info/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: py3-none-any\n',
    [`${stem}.dist-info/RECORD`]: '',
  };
  const script =
    'import json,sys,zipfile\nz=zipfile.ZipFile(sys.argv[1],"w")\n[z.writestr(n,t) for n,t in json.loads(sys.argv[2]).items()]\nz.close()';
  execFileSync('python3', ['-c', script, archive, JSON.stringify(files)]);
  return archive;
}
