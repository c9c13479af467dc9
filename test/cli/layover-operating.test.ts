import { expect, test } from 'vitest';
import { textOf } from '../house/files.js';
import { V2 } from '../support/fly.js';
import { expectClean, makeLasting, operatorOf } from '../support/operator.js';
import { usePlace } from '../support/place.js';

const place = usePlace({ images: { [V2]: {} } });
const operator = operatorOf(place);

/** The commands that docs/operating.md shows under a heading, for another app than its example's. */
function shown(heading: string, app: string): string[][] {
  const [, section = ''] = textOf('docs/operating.md').split(`\n## ${heading}\n`);
  const block = /^```sh\n([^]*?)^```/m.exec(section)?.[1] ?? '';
  const lines = block.replaceAll('registry.fly.io/encoder:v42', V2).split('\n');
  return lines
    .filter((line) => line.startsWith('temporal '))
    .map((line) =>
      [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
        .map(([, single, double, bare]) => single ?? double ?? bare ?? '')
        .map((word) => word.replaceAll(/\bencoder\b(?!:v)/g, app))
        .slice(1),
    );
}

async function type(heading: string, app: string): Promise<void> {
  const commands = shown(heading, app);
  expect(commands.length, `commands under ${heading}`).toBeGreaterThan(0);
  for (const [first = '', ...rest] of commands) {
    const said = await place.cli(first, ...rest);
    expect(said, `${heading}: ${first} ${rest.join(' ')}`).toMatchObject({ exit: 0 });
  }
}

/** A sweep that has updated its two idle machines and waits for the working one. */
async function lasting(app: string): Promise<string> {
  const working = await makeLasting(place, app);
  await operator.start(app, { id: `${app}-door` });
  await operator.when(app, 'waits', ({ counts, reason }) => counts.atTarget === 2 && reason === 'waiting');
  return working;
}

/** Each machine was written once. */
async function expectOnce(app: string): Promise<void> {
  const written = await place.fly.written(app);
  expect(Object.values(written).map((marks) => marks.length)).toEqual([1, 1, 1]);
  await expectClean(place, app);
}

test('start again after anything: terminated, and started as the page says, nothing is redone', async () => {
  const working = await lasting('again');
  await type('Start again after anything', 'again');
  await operator.when('again', 'goes on', ({ counts }) => counts.atTarget === 2);
  await place.fly.act(working, 'exit');
  expect((await operator.result('again-again')).status).toBe('COMPLETED');
  await expectOnce('again');
});

test('reset: it goes on under the same door, and nothing is redone', async () => {
  const working = await lasting('reset');
  await type('Reset', 'reset');
  await operator.when('reset', 'goes on', ({ counts }) => counts.atTarget === 2);
  await place.fly.act(working, 'exit');
  expect((await operator.result('reset-door')).status).toBe('COMPLETED');
  await expectOnce('reset');
});

test('no worker: a pause that is signalled meanwhile is in force before a new one writes', async () => {
  const working = await lasting('alone');
  await place.stopWorker();
  await type('No worker', 'alone');
  await place.fly.act(working, 'exit');
  const since = await place.fly.next();
  await place.startWorker();
  await operator.when('alone', 'paused', ({ phase }) => phase === 'paused');
  expect(await place.fly.changing('alone', since)).toEqual([]);
  await operator.signal('rollout:alone', 'resume');
  expect((await operator.result('alone-door')).status).toBe('COMPLETED');
  await expectOnce('alone');
});

test('a worker that is replaced under a running sweep: the next one goes on, and nothing is redone', async () => {
  const working = await lasting('upgrade');
  await place.stopWorker('SIGTERM');
  await place.fly.act(working, 'exit');
  await place.startWorker();
  expect((await operator.result('upgrade-door')).status).toBe('COMPLETED');
  await expectOnce('upgrade');
});
