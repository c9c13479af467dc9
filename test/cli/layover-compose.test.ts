import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTemporal, type TemporalServer } from '../../src/setup/stack.js';
import { WANTED } from '../../src/worker/attribute-names.js';
import { ROOT } from '../house/files.js';

/** What the one-shot containers of docker-compose.yml run, without the containers. */
const folder = mkdtempSync(join(tmpdir(), 'layover-compose-'));
let temporal: TemporalServer;

beforeAll(async () => {
  temporal = await startTemporal();
  symlinkSync(temporal.cli, join(folder, 'temporal'));
});
afterAll(async () => {
  await temporal.program.stop('SIGKILL');
  rmSync(folder, { recursive: true });
});

const sh = (script: string, env: Record<string, string>): Promise<{ code: number | null; text: string }> =>
  new Promise((resolve) => {
    const path = `${folder}${delimiter}${process.env['PATH'] ?? ''}`;
    const child = execFile(
      'sh',
      [join(ROOT, 'deploy/temporal', script)],
      { env: { ...process.env, ...env, PATH: path } },
      (_, out, err) => resolve({ code: child.exitCode, text: out + err }),
    );
  });

test('the setup makes the namespace and the search attributes, and may be run again', async () => {
  const env = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'fleet' };
  expect(await sh('setup.sh', env)).toMatchObject({ code: 0 });
  expect(await sh('setup.sh', env)).toMatchObject({ code: 0 });
  const connection = await Connection.connect({ address: temporal.address });
  const { config } = await connection.workflowService.describeNamespace({ namespace: 'fleet' });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'fleet' });
  expect(WANTED.filter((name) => customAttributes?.[name] === undefined)).toEqual([]);
  await connection.close();
});

test('the schema step makes, sets up and updates both databases, in that order, with what it is told', async () => {
  const tool = join(folder, 'temporal-sql-tool');
  writeFileSync(tool, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const env = { SQL_HOST: 'db', SQL_PORT: '5432', SQL_USER: 'u', SQL_PASSWORD: 'p' };
  const { code, text } = await sh('schema.sh', env);
  const call = (name: string, rest: string) => `--plugin postgres12 --ep db -p 5432 -u u --db ${name} ${rest}`;
  const steps = (name: string, kind: string) => [
    call(name, 'create'),
    call(name, 'setup-schema -v 0.0'),
    call(name, `update-schema -d /etc/temporal/schema/postgresql/v12/${kind}/versioned`),
  ];
  expect(code).toBe(0);
  expect(text.trimEnd().split('\n')).toEqual([
    ...steps('temporal', 'temporal'),
    ...steps('temporal_visibility', 'visibility'),
  ]);
});
