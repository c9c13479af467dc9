import { describe, expect, test } from 'vitest';
import { type Diary, withDiary, write } from '../../src/domain/diary.js';
import { begin, type RolloutState } from '../../src/domain/state.js';
import { applyVerb, type Verb } from '../../src/domain/verbs.js';
import { NOW, plan } from './build.js';

/** What happened, who did it, and why. */

const first = begin(plan(), NOW);
const saysOf = ({ diary }: RolloutState) =>
  (diary?.entries ?? []).map(({ says, by }) => (by === undefined ? says : `${says} by ${by}`));

function say(state: RolloutState, verb: Verb, input: object): RolloutState {
  const answer = applyVerb(state, verb, input, NOW);
  if (!answer.ok) throw new Error(answer.refusal);
  return withDiary(state, answer.state, NOW);
}

test('what a person says is written once, with the reason and who said it, and explains what comes of it', () => {
  const paused = say(first, 'pause', { reason: '5xx spike', by: 'ann' });
  const resumed = say(paused, 'resume', { by: 'ben' });
  const ended = say(resumed, 'abort', { reason: 'enough' });
  expect(saysOf(ended)).toEqual(['pause: 5xx spike by ann', 'resume by ben', 'abort: enough']);
});

test('what a rollout does of itself is written too: pauses and their ends, failures, steps', () => {
  const failure = {
    code: 'checks',
    says: 'checks do not pass',
    at: NOW,
    region: 'ams',
    group: 'app',
    accepted: false,
  } as const;
  const pause = { code: 'fly_unavailable', says: 'Fly is away', since: NOW } as const;
  const failed = withDiary(first, { ...first, failed: { a1: failure } }, NOW);
  const paused = withDiary(failed, { ...failed, pause }, NOW);
  const { pause: _over, ...rest } = paused;
  const resumed = withDiary(paused, rest, NOW);
  expect(saysOf(resumed)).toEqual([
    'machine a1 (ams) failed: checks do not pass',
    'paused (fly_unavailable): Fly is away',
    'went on by itself',
  ]);
  expect(withDiary(resumed, resumed, NOW)).toBe(resumed);
});

describe('a diary that grows', () => {
  test('keeps its beginning and its end, and counts what is left out', () => {
    let diary: Diary | undefined;
    for (let n = 0; n < 500; n += 1) diary = write(diary, [{ at: n, says: `${n}` }]);
    const kept = diary?.entries.map(({ at }) => at) ?? [];
    expect([kept.length, diary?.left]).toEqual([80, 420]);
    expect([kept[0], kept[19], kept[20], kept.at(-1)]).toEqual([0, 19, 440, 499]);
  });
});
