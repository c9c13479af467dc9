import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningSimulator, startSimulator } from '../../src/setup/stack.js';
import { flyAt, V1, V2 } from '../support/fly.js';
import { layover, type Ran } from '../support/outside.js';

const FLEET = [
  { count: 3, region: 'ord', image: V1, running: false },
  { count: 2, region: 'ams', image: V1, running: true },
];

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator({
    tokens: ['good'],
    images: { [V2]: {} },
    apps: [
      { name: 'encoder', machines: FLEET },
      { name: 'theirs', foreignOrg: true },
    ],
  });
});
afterAll(() => simulator.program.stop('SIGKILL'));

const env = (more: Record<string, string> = {}) => ({
  FLY_API_TOKEN: 'good',
  FLY_FLAPS_BASE_URL: simulator.url,
  LAYOVER_REGISTRY_URL: simulator.url,
  ...more,
});
const plan = (input: unknown, flags: readonly string[] = [], more: Record<string, string> = {}): Promise<Ran> =>
  layover(['plan', '-', ...flags], {
    env: env(more),
    stdin: typeof input === 'string' ? input : JSON.stringify(input),
  });

test('a plan is printed as text: the headline first, the target, and every machine', async () => {
  const { code, out, err } = await plan({ app: 'encoder', image: V2 });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const lines = out.split('\n');
  expect(lines[0]).toBe(
    '5 machines selected: 0 at target, 3 idle and updated first, 2 working and updated when they stop',
  );
  expect(out).toMatch(/^target\W+registry\.fly\.io\/encoder:v2@sha256:[0-9a-f]{64}$/m);
  expect(lines.filter((line) => / [0-9a-f]{14} +(ord|ams) /.test(line))).toHaveLength(5);
});

test('--json is the report itself, and a file is read as well as stdin', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'layover-plan-')), 'in.json');
  writeFileSync(file, JSON.stringify({ app: 'encoder', image: V2 }));
  const { code, out } = await layover(['plan', file, '--json'], { env: env() });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ app: 'encoder', counts: { ready: 3, straggler: 2 } });
  expect(out).toBe((await plan({ app: 'encoder', image: V2 }, ['--json'])).out);
});

test('a refusal ends 1 with every problem, as text and as JSON', async () => {
  const input = { app: 'encoder', imag: V2, deadline: 'soon' };
  const { code, out, err } = await plan(input);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err.trimEnd().split('\n')).toEqual([
    'refused: 2 problems',
    '  deadline: "soon" is no duration; write it like "90s", "10m", "6h" or "1h30m"',
    '  imag: is not an option here; a typing error?',
  ]);
  const asJson = await plan(input, ['--json']);
  expect(asJson.code).toBe(1);
  expect((JSON.parse(asJson.out) as { refused: string[] }).refused).toHaveLength(2);
});

test.each([
  [{ app: 'nobody', image: V2 }, {}, 'Fly knows no app "nobody"'],
  [{ app: 'theirs', image: V2 }, {}, 'belongs to another organisation'],
  [{ app: 'encoder', image: V2 }, { FLY_API_TOKEN: 'bad' }, 'does not accept the worker'],
  [{ app: 'encoder', image: 'registry.fly.io/encoder:v9' }, {}, 'push it first'],
  [{ app: 'encoder', image: V2 }, { FLY_APP_NAME: 'encoder' }, 'is the app that this worker runs in'],
])('%j with %j is refused', async (input, more, says) => {
  const { code, err } = await plan(input, [], more);
  expect(code).toBe(1);
  expect(err).toContain(says);
});

test.each([
  ['no token', ['plan', '-'], { FLY_API_TOKEN: undefined }, 'FLY_API_TOKEN is not set'],
  ['an unknown type', ['plan', '-', '--type', 'sweep'], {}, 'there is no type "sweep"; there is stoppedSweep'],
  ['a file that is not there', ['plan', 'nowhere.json'], {}, 'nowhere.json'],
  ['no file at all', ['plan'], {}, "missing required argument 'file'"],
  ['an unknown option', ['plan', '-', '--wrong'], {}, "unknown option '--wrong'"],
])('%s is a usage error, ends 2 and asks Fly nothing', async (_, args, more, says) => {
  const fly = flyAt(simulator.url);
  const before = await fly.next();
  const { code, err } = await layover(args, { env: { ...env(), ...more }, stdin: '{}' });
  expect(code).toBe(2);
  expect(err).toContain(says);
  expect(await fly.next()).toBe(before);
});

test('what is no JSON is a usage error that says where', async () => {
  const { code, err } = await plan('{"app":');
  expect(code).toBe(2);
  expect(err).toMatch(/^stdin is no JSON: /);
});

test('a Fly that cannot be reached ends 5, and the request id of one that fails is printed', async () => {
  const { code, err } = await plan({ app: 'encoder', image: V2 }, [], { FLY_FLAPS_BASE_URL: 'http://127.0.0.1:9' });
  expect(code).toBe(5);
  expect(err).toMatch(/^the plan could not be made: app encoder: Fly could not be reached/);
});

test('whatever was planned above, and refused, wrote nothing: Fly saw reads only', async () => {
  await plan({ app: 'encoder', image: V2 });
  const calls = await flyAt(simulator.url).calls('encoder');
  expect(calls.length).toBeGreaterThan(1);
  expect(calls.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});
