import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { textOf } from '../house/files.js';
import { expectClean } from '../support/operator.js';
import { beginLayover, layover, type Running } from '../support/outside.js';
import { eventually, usePlace } from '../support/place.js';

const OLD = 'registry.fly.io/encoder:v41';
const place = usePlace({
  images: { 'registry.fly.io/encoder:v42': {} },
  apps: [
    {
      name: 'encoder',
      machines: [
        { count: 2, image: OLD, running: false },
        { count: 1, image: OLD, running: true },
      ],
    },
  ],
});
const folder = mkdtempSync(join(tmpdir(), 'layover-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The words of a command, as a shell reads them; the file that it names is where the test has put it. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
    .map(([, single, double, bare]) => single ?? double ?? bare ?? '')
    .map((word) => (word === 'input.json' ? join(folder, word) : word));

const env = () => ({
  TEMPORAL_ADDRESS: place.address,
  FLY_API_TOKEN: 'x',
  FLY_FLAPS_BASE_URL: place.fly.url,
  LAYOVER_REGISTRY_URL: place.fly.url,
});

/** The commands under "Your first rollout", in their order; the worker is there, with its token. */
const [, section = ''] = textOf('README.md').split('\n## Your first rollout\n');
const COMMANDS = [...(section.split('\n## ')[0] ?? '').matchAll(/^ *```sh\n([^]*?)^ *```/gm)]
  .flatMap(([, block = '']) => block.trim().split(/\n */))
  .filter((line) => !/^(export|npx layover worker)/.test(line));

/** What each command ended with; of a watch, what is awaited when it has said so. */
const PROGRAMS: Readonly<Record<string, (words: readonly string[]) => Promise<number>>> = {
  echo: ([text = '']) => {
    writeFileSync(join(folder, 'input.json'), text);
    return Promise.resolve(0);
  },
  temporal: async ([first = '', ...rest]) => (await place.cli(first, ...rest)).exit,
  npx: async ([, ...args]) => (args.includes('--watch') ? watch(args) : (await layover(args, { env: env() })).code),
};

let watching: Running | undefined;

async function watch(args: readonly string[]): Promise<number> {
  const begun = beginLayover(args, { env: env() });
  watching = begun;
  await eventually('what it waits for', () => /waiting for 1 working machine/.exec(begun.out()) ?? undefined);
  return 0;
}

test('the first rollout of the README goes as it is written there', async () => {
  const codes: [line: string, code: number | undefined][] = [];
  for (const line of COMMANDS) {
    const [program = '', ...words] = wordsOf(line);
    codes.push([line, await PROGRAMS[program]?.(words)]);
  }
  // A resume is refused where nothing is paused: the last of them has met the pause before it.
  expect(codes).toEqual(COMMANDS.map((line) => [line, 0]));
  const working = (await place.fly.machines('encoder')).find(({ state }) => state === 'started');
  await place.fly.act(working?.id ?? '', 'exit');
  const ended = await watching?.end;
  expect(ended).toMatchObject({ code: 0 });
  expect(ended?.out).toMatch(/ ended COMPLETED: all 3 machines are at target/);
  await expectClean(place, 'encoder');
});
