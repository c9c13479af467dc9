import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../src/domain/decide.js';
import { deadlineAt, type RolloutState } from '../../src/domain/state.js';
import {
  applyVerb,
  type Verb,
  VERB_RULES,
  type VerbAnswer,
  type VerbInput,
  verbInputProblem,
  VERBS,
} from '../../src/domain/verbs.js';
import { states } from './arbitraries.js';
import {
  candidate,
  clearLook,
  doubt,
  failure,
  flight,
  flying,
  HOUR,
  M1,
  M2,
  M3,
  MINUTE,
  NOW,
  paused,
  seen,
  state,
} from './build.js';

const LATER = NOW + MINUTE;
const say = (from: RolloutState, verb: Verb, input?: VerbInput | null): VerbAnswer =>
  applyVerb(from, verb, input, LATER);

function said(from: RolloutState, verb: Verb, input?: VerbInput): RolloutState {
  const answer = say(from, verb, input);
  if (!answer.ok) throw new Error(answer.refusal);
  return answer.state;
}

function refusal(from: RolloutState, verb: Verb, input?: unknown): string {
  const answer = applyVerb(from, verb, input, LATER);
  if (answer.ok) throw new Error('it was not refused');
  return answer.refusal;
}

const hasFailed = (more: Partial<RolloutState> = {}) =>
  state({ failed: { [M1]: failure({ at: NOW - 7 }), [M2]: failure({ at: NOW - 5 }) }, seen: seen(), ...more });
const stopped = (kind: 'abort' | 'cancel') => state({ stop: { kind, says: 'wrong image', since: NOW } });

describe('pause', () => {
  test('says why, by whom and since when', () => {
    expect(said(state(), 'pause', { reason: '5xx spike', by: 'ann' }).pause).toEqual({
      code: 'asked',
      says: '5xx spike',
      by: 'ann',
      since: LATER,
    });
    expect(said(state(), 'pause').pause).toEqual({ code: 'asked', says: 'asked for', since: LATER });
  });

  test('again takes the new reason and keeps the since: the clocks stand still from the first', () => {
    const twice = said(paused(), 'pause', { reason: 'still looking' });
    expect(twice.pause).toEqual({ code: 'asked', says: 'still looking', since: NOW });
    expect(twice.pausedMs).toBe(0);
    expect(deadlineAt(twice, LATER)).toBe(deadlineAt(paused(), LATER));
  });

  test('takes over from a pause that came by itself, with its since', () => {
    const pause = { code: 'failures', says: 'machine m failed', since: NOW } as const;
    expect(said(state({ pause }), 'pause', { by: 'ann' }).pause).toMatchObject({
      code: 'asked',
      by: 'ann',
      since: NOW,
    });
  });

  test('leaves everything else as it is, updates in flight too', () => {
    const { pause: _pause, diary: _diary, ...after } = said(flying(), 'pause');
    expect(after).toEqual(flying());
  });
});

describe('resume', () => {
  test('ends the pause and adds its length to the clocks', () => {
    const after = said(paused({ pausedMs: HOUR }), 'resume');
    expect(after.pause).toBeUndefined();
    expect(after.pausedMs).toBe(HOUR + MINUTE);
  });

  test('accepts the failures so far: they pause no more, and are still failures', () => {
    const after = said(hasFailed({ pause: { code: 'failures', says: 'x', since: NOW } }), 'resume');
    expect(Object.values(after.failed)).toEqual([
      failure({ at: NOW - 7, accepted: true }),
      failure({ at: NOW - 5, accepted: true }),
    ]);
  });

  test('trusts nothing that was known before: the queue is empty and the closing pass begins anew', () => {
    const after = said(paused({ queue: [candidate(M1)], clear: { looks: 1, at: NOW } }), 'resume');
    expect(after.queue).toEqual([]);
    expect(after.clear.looks).toBe(0);
    expect(decide(after, LATER)).toMatchObject({ kind: 'act', start: [], look: { after: LATER } });
  });

  test('where nothing is paused is refused', () => {
    expect(refusal(state(), 'resume')).toBe('not paused, nothing to resume');
    expect(refusal(hasFailed(), 'resume')).toBe('not paused, nothing to resume');
  });
});

describe('retry', () => {
  test('takes all failed machines out of the count, raises their n and forgives the evidence so far', () => {
    const after = said(hasFailed({ retries: { [M1]: 1 } }), 'retry');
    expect(after.failed).toEqual({});
    expect(after.retries).toEqual({ [M1]: 2, [M2]: 1 });
    expect(after.forgiven).toEqual({ [M1]: NOW - 7, [M2]: NOW - 5 });
  });

  test('takes only those that are named', () => {
    const after = said(hasFailed(), 'retry', { machines: [M2] });
    expect(Object.keys(after.failed)).toEqual([M1]);
    expect(after.retries).toEqual({ [M2]: 1 });
    expect(after.forgiven).toEqual({ [M2]: NOW - 5 });
  });

  test('counts a machine that is named twice once', () => {
    expect(said(hasFailed(), 'retry', { machines: [M2, M2] }).retries).toEqual({ [M2]: 1 });
  });

  test('does not resume', () => {
    const pause = { code: 'failures', says: 'x', since: NOW } as const;
    expect(said(hasFailed({ pause }), 'retry').pause).toEqual(pause);
  });

  test('begins the closing pass anew: there is something to do again', () => {
    const nearlyDone = hasFailed({ clear: { looks: 1, at: NOW }, seen: clearLook() });
    expect(said(nearlyDone, 'retry').clear.looks).toBe(0);
  });

  test('ends the doubt about its machine, or the traces of what failed would be taken for the new order’s', () => {
    const doubted = hasFailed({ unknown: { [M1]: doubt(), [M3]: doubt() } });
    expect(said(doubted, 'retry').unknown).toEqual({ [M3]: doubt() });
    expect(said(doubted, 'retry', { machines: [M2] }).unknown).toEqual({ [M1]: doubt(), [M3]: doubt() });
  });

  test('where none has failed, or of one that has not, is refused', () => {
    expect(refusal(state(), 'retry')).toBe('no machine has failed, nothing to retry');
    expect(refusal(hasFailed(), 'retry', { machines: [M1, M3] })).toBe(
      `machine ${M3} has not failed; failed: ${M1}, ${M2}`,
    );
  });

  test('that is refused for one of its machines retries none', () => {
    const before = hasFailed();
    refusal(before, 'retry', { machines: [M1, M3] });
    expect(before).toEqual(hasFailed());
  });
});

describe('abort', () => {
  test('stops for good, and says why, by whom and since when', () => {
    expect(said(state(), 'abort', { reason: 'wrong image', by: 'ann' }).stop).toEqual({
      kind: 'abort',
      says: 'wrong image',
      by: 'ann',
      since: LATER,
    });
    expect(said(state(), 'abort').stop?.says).toBe('asked for');
  });

  test('ends a pause', () => {
    const after = said(paused(), 'abort');
    expect(after.pause).toBeUndefined();
    expect(after.pausedMs).toBe(MINUTE);
    expect(decide(after, LATER)).toMatchObject({ kind: 'finish', outcome: 'aborted' });
  });

  test('is final: every verb after it is refused, as it is after a cancel', () => {
    for (const verb of VERBS) {
      expect(refusal(stopped('abort'), verb)).toBe(`the rollout is ending (abort); ${verb} comes too late`);
      expect(refusal(stopped('cancel'), verb)).toBe(`the rollout is ending (cancel); ${verb} comes too late`);
    }
  });
});

type Phase = 'running' | 'flying' | 'failed' | 'pausing' | 'paused' | 'paused for failures' | 'ending';

const PHASES: Readonly<Record<Phase, RolloutState>> = {
  running: state(),
  flying: flying(),
  failed: hasFailed(),
  pausing: paused({ inFlight: { [M1]: flight(M1) } }),
  paused: paused(),
  'paused for failures': hasFailed({ pause: { code: 'failures', says: 'x', since: NOW } }),
  ending: stopped('abort'),
};

test.each<[Phase, readonly Verb[]]>([
  ['running', ['pause', 'rollback', 'abort']],
  ['flying', ['pause', 'rollback', 'abort']],
  ['failed', ['pause', 'retry', 'rollback', 'abort']],
  ['pausing', ['pause', 'resume', 'rollback', 'abort']],
  ['paused', ['pause', 'resume', 'rollback', 'abort']],
  ['paused for failures', ['pause', 'resume', 'retry', 'rollback', 'abort']],
  ['ending', []],
])('%s, a rollout takes: %j', (phase, taken) => {
  expect(VERBS.filter((verb) => say(PHASES[phase], verb).ok)).toEqual(taken);
});

describe('the argument of a verb', () => {
  test.each([undefined, null, {}, { reason: 'x' }, { by: 'ann' }, { reason: '', by: '' }])('may be %j', (input) => {
    for (const verb of VERBS) expect(verbInputProblem(verb, input)).toBeUndefined();
  });

  test('of retry may name machines', () => {
    expect(verbInputProblem('retry', { machines: [M1], reason: 'x', by: 'ann' })).toBeUndefined();
  });

  test.each<[Verb, unknown, string]>([
    ['pause', 'now', 'pause takes one optional JSON object, for example {"reason":"…"}'],
    ['abort', 7, 'abort takes one optional JSON object, for example {"reason":"…"}'],
    ['resume', ['ann'], 'resume takes one optional JSON object, for example {"reason":"…"}'],
    ['pause', { reasn: 'x' }, 'pause: "reasn" is not known; it takes reason, by'],
    ['pause', { machines: [M1] }, 'pause: "machines" is not known; it takes reason, by'],
    ['retry', { machine: M1 }, 'retry: "machine" is not known; it takes reason, by, machines'],
    ['pause', { reason: 7 }, 'pause.reason: must be text, 500 letters at most'],
    ['abort', { reason: 'x'.repeat(501) }, 'abort.reason: must be text, 500 letters at most'],
    ['resume', { by: null }, 'resume.by: must be text, 500 letters at most'],
    ['retry', { machines: M1 }, 'retry.machines: must be a list of machine ids with at least one entry'],
    ['retry', { machines: [] }, 'retry.machines: must be a list of machine ids with at least one entry'],
    ['retry', { machines: [M1, 7] }, 'retry.machines: must be a list of machine ids with at least one entry'],
    ['retry', { by: 'ann', machines: null }, 'retry.machines: must be a list of machine ids with at least one entry'],
  ])('%s %j is refused', (verb, input, problem) => {
    expect(verbInputProblem(verb, input)).toBe(problem);
    expect(refusal(hasFailed(paused()), verb, input)).toBe(problem);
  });

  test('is looked at first: a typing error is named even where the verb comes too late', () => {
    expect(refusal(stopped('abort'), 'pause', 'now')).toContain('one optional JSON object');
  });

  test('has an example in every description, which the verb takes', () => {
    for (const verb of VERBS) {
      const example = /\{.*\}/.exec(VERB_RULES[verb].describes)?.[0] ?? '';
      expect(verbInputProblem(verb, JSON.parse(example))).toBeUndefined();
    }
  });
});

describe('whatever is said to whatever rollout', () => {
  const verb = fc.constantFrom(...VERBS);

  test('what is in flight, resting, written or in doubt elsewhere stays as it is', () => {
    fc.assert(
      fc.property(states, verb, (before, word) => {
        const answer = say(before, word);
        if (!answer.ok) return fc.pre(false);
        const { inFlight, resting, written, plan, startedAt, interrupted } = answer.state;
        const { inFlight: flew, resting: rested, written: wrote, ...rest } = before;
        expect({ inFlight, resting, written }).toEqual({ inFlight: flew, resting: rested, written: wrote });
        expect({ plan, startedAt, interrupted }).toEqual({
          plan: rest.plan,
          startedAt: rest.startedAt,
          interrupted: rest.interrupted,
        });
      }),
    );
  });

  test('no verb moves the deadline: clocks that stood still do not jump', () => {
    fc.assert(
      fc.property(states, verb, (before, word) => {
        const answer = say(before, word);
        if (!answer.ok) return fc.pre(false);
        expect(deadlineAt(answer.state, LATER)).toBe(deadlineAt(before, LATER));
      }),
    );
  });

  test('a stop is never taken back', () => {
    fc.assert(
      fc.property(states, fc.array(verb, { maxLength: 6 }), (before, words) => {
        const aborted = applyVerb(before, 'abort', undefined, NOW);
        const first = aborted.ok ? aborted.state : before;
        const last = words.reduce((now, word) => {
          const answer = say(now, word);
          return answer.ok ? answer.state : now;
        }, first);
        expect(last).toEqual(first);
      }),
    );
  });

  test('nothing is started by saying anything: not by a retry, and not by a resume before a look', () => {
    fc.assert(
      fc.property(states, (before) => {
        const answer = say(before, 'resume');
        if (!answer.ok) return fc.pre(false);
        const decision = decide(answer.state, LATER);
        expect(decision.kind === 'act' && decision.start.length > 0).toBe(false);
      }),
    );
  });
});
