import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { appNameProblem, inputProblem, MOST_INPUT_BYTES, rolloutId, TASK_QUEUE } from '../../src/domain/names.js';

test('an app has one rollout, under an id that anybody can type', () => {
  expect(rolloutId('encoder')).toBe('rollout:encoder');
  expect(TASK_QUEUE).toBe('layover');
});

describe('an app’s name', () => {
  test.each(['a', 'encoder', 'my-app-2', '0app', 'under_score', 'a'.repeat(63)])('may be %s', (name) => {
    expect(appNameProblem(name)).toBeUndefined();
  });

  test.each([
    '',
    '-app',
    'app-',
    'Encoder',
    'en coder',
    'en/coder',
    '../secrets',
    'encoder?x=1',
    'en%2fcoder',
    'encoder\n',
    'rollout:encoder',
    'a'.repeat(64),
  ])('may not be %j', (name) => {
    expect(appNameProblem(name)).toBe(
      `app: ${JSON.stringify(name)} is no Fly app name (lower-case letters, digits and dashes, at most 63)`,
    );
  });

  test.each([
    [undefined, 'app: is missing; name the Fly app, for example {"app":"encoder", …}'],
    [null, 'app: must be text, not null'],
    [7, 'app: must be text, not number'],
    [['encoder'], 'app: must be text, not object'],
  ])('may not be %j, and is told what it must be', (name, problem) => {
    expect(appNameProblem(name)).toBe(problem);
  });

  test('is quoted in part only, however long it is', () => {
    expect(appNameProblem('A'.repeat(1_000_000))?.length).toBeLessThan(200);
  });

  test('that is taken needs no quoting in a URL, a workflow id or a shell', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9_-]{1,70}$/)), (name) => {
        const taken = appNameProblem(name) === undefined;
        expect(taken && (encodeURIComponent(name) !== name || !/^[\w-]+$/.test(name))).toBe(false);
      }),
    );
  });
});

describe('an input', () => {
  const NO_OBJECT =
    'the input must be one JSON object, for example {"app":"encoder","image":"registry.fly.io/encoder:v42"}';

  test.each([undefined, null, 'encoder', 7, true, [], [{ app: 'encoder' }]])('that is %j is no object', (input) => {
    expect(inputProblem(input)).toBe(NO_OBJECT);
  });

  test('needs an app with a name, and nothing else is asked here', () => {
    expect(inputProblem({})).toBe('app: is missing; name the Fly app, for example {"app":"encoder", …}');
    expect(inputProblem({ app: 'En coder' })).toContain('is no Fly app name');
    expect(inputProblem({ app: 'encoder', whatever: 1 })).toBeUndefined();
  });

  test('may be as long as the history can bear, and not a character longer', () => {
    const of = (length: number) => ({ app: 'encoder', env: 'x'.repeat(length) });
    const frame = JSON.stringify(of(0)).length;
    expect(inputProblem(of(MOST_INPUT_BYTES - frame))).toBeUndefined();
    expect(inputProblem(of(MOST_INPUT_BYTES - frame + 1))).toBe(
      `the input is ${MOST_INPUT_BYTES + 1} bytes long; at most ${MOST_INPUT_BYTES} are taken, since every machine's update carries it`,
    );
  });
});
