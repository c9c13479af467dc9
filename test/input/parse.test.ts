import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/input/duration.js';
import { parseInput } from '../../src/input/parse.js';

const GOOD = { app: 'encoder', image: 'registry.fly.io/encoder:v42' };

function problemsOf(input: unknown): readonly string[] {
  const parsed = parseInput('stoppedSweep', input);
  if (parsed.ok) throw new Error('it was taken');
  return parsed.problems;
}

describe('what is needed', () => {
  test('an app and an image: the rest has its defaults', () => {
    expect(parseInput('stoppedSweep', GOOD)).toEqual({
      ok: true,
      input: {
        type: 'stoppedSweep',
        ...GOOD,
        unmanaged: 'leave',
        suspended: 'leave',
        healthy: { forMs: 10_000, withinMs: 300_000 },
        deadlineMs: 86_400_000,
        dryRun: false,
        ifRunning: 'refuse',
        maxFailed: { share: 0.1 },
        onFailure: 'pause',
        allowOtherRepository: false,
        bootFirst: 0,
        maxUnavailable: { share: 0.33 },
        ramp: 3,
      },
    });
  });

  test('an env alone is a change, null removes, and an empty text is a value', () => {
    const parsed = parseInput('stoppedSweep', { app: 'encoder', env: { LOG: 'debug', OLD: null, EMPTY: '' } });
    expect(parsed).toMatchObject({ ok: true, input: { env: { LOG: 'debug', OLD: null, EMPTY: '' } } });
  });

  test('nothing to change is refused', () => {
    expect(problemsOf({ app: 'encoder' })).toEqual([
      'nothing to change: give "image", "env", "restart", or some of them',
    ]);
  });

  test.each([undefined, null, 'encoder', 42, [GOOD], true])('%j is no input, and the answer shows one', (input) => {
    expect(problemsOf(input)[0]).toMatch(/^the input must be one JSON object/);
  });
});

describe('refused with the field', () => {
  const REFUSALS: readonly (readonly [input: object, problem: string])[] = [
    [{ deadline: 60 }, 'deadline: must be text like "90s", "10m" or "6h"'],
    [{ deadline: '0s' }, 'deadline: must be longer than nothing'],
    [{ deadline: '0.0001s' }, 'deadline: must be longer than nothing'],
    [{ deadline: '91d' }, 'deadline: must not be longer than 90 days'],
    [{ healthy: { for: '10x' } }, 'healthy.for: "10x" is no duration; write it like "90s", "10m", "6h" or "1h30m"'],
    [{ healthy: { within: '2h' } }, 'healthy.within: must not be longer than 1h'],
    [{ healthy: { until: '2h' } }, 'healthy.until: is not an option here; a typing error?'],
    [{ only: {} }, 'only: must name at least one of regions, processGroups, machines, metadata'],
    [{ only: { regions: [] } }, 'only.regions: must name at least one region; leave the key out to mean "any"'],
    [
      { except: { machines: [] } },
      'except.machines: must name at least one machine id; leave the key out to mean "any"',
    ],
    [{ only: { metadata: {} } }, 'only.metadata: must name at least one key'],
    [{ only: { regions: [''] } }, 'only.regions.0: must not be empty'],
    [{ only: { regions: ['ord'], region: ['ord'] } }, 'only.region: is not an option here; a typing error?'],
    [{ env: {} }, 'env: must name at least one variable'],
    [{ env: { A: 1 } }, 'env.A: must be text, or null to remove it'],
    [{ env: { 'A=B': '1' } }, 'env.A=B: an environment name must not be empty or hold "=" or NUL'],
    [{ env: { A: 'x\0y' } }, 'env.A: must not hold NUL'],
    [{ image: 'registry.fly.io/encoder' }, 'image: must name a tag or a digest; "latest" is written out too'],
    [{ image: 'a:b:c' }, 'image: must be an image reference like "registry.fly.io/encoder:v42"'],
    [{ image: 'localhost:5000:v1' }, 'image: must be an image reference like "registry.fly.io/encoder:v42"'],
    [{ image: 'https://x/y:z w' }, 'image: must be an image reference like "registry.fly.io/encoder:v42"'],
    [
      { image: 5 },
      'image: must be text like "registry.fly.io/encoder:v42", or for machines with containers {"<container>": "<image>"}',
    ],
    [{ unmanaged: 'take' }, 'unmanaged: must be one of "leave", "include"'],
    [{ suspended: true }, 'suspended: must be one of "leave", "update"'],
    [{ dryRun: 'yes' }, 'dryRun: must be true or false'],
    [{ ifRunning: 'queue' }, 'ifRunning: must be one of "refuse", "wait", "replace"'],
    [{ maxFailed: '10' }, 'maxFailed: "10" is no share; write it like "10%", or a count as a number'],
    [{ maxFailed: '0%' }, 'maxFailed: a share must be more than 0% and at most 100%; write a count as a number'],
    [{ maxFailed: '101%' }, 'maxFailed: a share must be more than 0% and at most 100%; write a count as a number'],
    [{ maxFailed: 1.5 }, 'maxFailed: 1.5 is no count; write a whole number, or a share like "10%"'],
    [{ maxFailed: -1 }, 'maxFailed: -1 is no count; write a whole number, or a share like "10%"'],
    [{ maxFailed: true }, 'maxFailed: must be a share like "10%", or a count as a number'],
    [{ allowOtherRepository: 'yes' }, 'allowOtherRepository: must be true or false'],
    [
      { forceAfter: '30h' },
      'forceAfter: must be shorter than "deadline", or nobody would ever be stopped; raise "deadline" or lower it',
    ],
    [{ forceAfter: 6 }, 'forceAfter: must be text like "90s", "10m" or "6h"'],
    [{ bootFirst: 1.5 }, 'bootFirst: must be a whole number, like 1'],
    [{ bootFirst: -1 }, 'bootFirst: must not be below 0'],
    [{ bootFirst: 101 }, 'bootFirst: must be at most 100'],
    [{ maxUnavailable: 0 }, 'maxUnavailable: must be at least 1: nothing could ever be updated otherwise'],
    [
      { maxUnavailable: '0%' },
      'maxUnavailable: a share must be more than 0% and at most 100%; write a count as a number',
    ],
    [{ ramp: 0 }, 'ramp: must be at least 1, or "off"'],
    [{ ramp: 'slow' }, 'ramp: must be a whole number of at least 1, or "off"'],
    [{ image: {} }, 'image: must name at least one container'],
    [{ image: { api: 'registry.fly.io/api' } }, 'image.api: must name a tag or a digest; "latest" is written out too'],
    [
      { image: { 'a b': 'registry.fly.io/api:v2' } },
      'image.a b: is no container name (letters, digits, dot, dash, underscore)',
    ],
    [
      { image: { api: 'registry.fly.io/api:v2' }, env: { A: '1' } },
      'env: cannot be changed for machines with containers, each of which has its own; put it into their images',
    ],
    [{ tiemout: '1h' }, 'tiemout: is not an option here; a typing error?'],
  ];

  test.each(REFUSALS)('%j', (more, problem) => {
    expect(problemsOf({ ...GOOD, ...more })).toEqual([problem]);
  });

  test('every problem at once, each with its path', () => {
    const problems = problemsOf({ app: 'Encoder!', image: 'x', only: { regions: [] }, deadline: 1, nope: 1 });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      'app',
      'image',
      'only.regions',
      'deadline',
      'nope',
    ]);
  });
});

describe('an option of another type, or of a later release, is refused by a sentence, never ignored', () => {
  const LATER = 'regions batches bake drain gates groups';

  test.each(LATER.split(' '))('%s', (option) => {
    const [problem] = problemsOf({ ...GOOD, [option]: 'x' });
    expect(problem).toMatch(new RegExp(`^${option}: is not for this type; .{20}`));
  });
});

describe('an app name', () => {
  test.each(['a', 'encoder', 'my-app-2', '0app', 'under_score', 'a'.repeat(63)])('%s is taken', (app) => {
    expect(parseInput('stoppedSweep', { ...GOOD, app }).ok).toBe(true);
  });

  const ODD = ['', 'Encoder', 'a b', '-a', 'a-', 'a/b', '../a', 'a?x=1', 'a#b', 'a%2Fb', 'rollout:a', 'a\n', 'é'];
  test.each([...ODD, 'a'.repeat(64), null, 42, { name: 'a' }])(
    '%j is refused before it gets into an id or a path',
    (app) => {
      expect(problemsOf({ ...GOOD, app })[0]).toMatch(/^app: /);
    },
  );

  test('that is missing is asked for by an example', () => {
    expect(problemsOf({ image: GOOD.image })).toContain(
      'app: is missing; name the Fly app, for example {"app":"encoder", …}',
    );
  });
});

describe('hostile input', () => {
  test.each(['__proto__', 'prototype', 'constructor'])('the key %s is refused, however deep', (key) => {
    const top = JSON.parse(`{"app":"encoder","image":"a:b","${key}":{"polluted":true}}`) as unknown;
    const deep = JSON.parse(
      `{"app":"encoder","image":"a:b","env":{"${key}":"x"},"only":{"metadata":{"${key}":"y"}}}`,
    ) as unknown;
    expect(problemsOf(top)).toEqual([`${key}: this name is refused; it could change how programs read the input`]);
    expect(problemsOf(deep)).toHaveLength(2);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('a body of 1 MB is refused by its length, and not repeated', () => {
    const problems = problemsOf({ ...GOOD, env: { BIG: 'x'.repeat(1_000_000) } });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^the input is 10000\d\d bytes long; at most 32768 are taken/);
    expect(problems[0]?.length).toBeLessThan(200);
  });

  test('a long wrong value is not repeated in full', () => {
    expect(problemsOf({ ...GOOD, deadline: 'x'.repeat(5_000) })[0]?.length).toBeLessThan(200);
    expect(problemsOf({ ...GOOD, app: 'X'.repeat(5_000) })[0]?.length).toBeLessThan(200);
  });
});

test.each(['encoder:v42', 'localhost:5000/team/encoder:v1', `ghcr.io/a/b.c:V_1@sha256:${'a'.repeat(64)}`])(
  'the image %s is taken',
  (image) => {
    expect(parseInput('stoppedSweep', { app: 'encoder', image })).toMatchObject({ ok: true, input: { image } });
  },
);

test.each([
  ['33%', { share: 0.33 }],
  ['0.5%', { share: 0.005 }],
  ['100%', { share: 1 }],
  [0, { count: 0 }],
  [7, { count: 7 }],
])('%j failures are %j', (maxFailed, amount) => {
  expect(parseInput('stoppedSweep', { ...GOOD, maxFailed })).toMatchObject({ input: { maxFailed: amount } });
});

describe('a duration', () => {
  test.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['6h', 21_600_000],
    ['2d', 172_800_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '10', 'h', '10 m', '-5m', '1h 30m', '5ms', '1e3s', 'm10', '10m!'])('%j is none', (text) => {
    expect(parseDuration(text)).toMatch(/is no duration/);
  });
});
