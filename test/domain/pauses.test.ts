import { describe, expect, test } from 'vitest';
import { decide } from '../../src/domain/decide.js';
import { carry, type RolloutState } from '../../src/domain/state.js';
import { onUpdated } from '../../src/domain/landing.js';
import { onLooked } from '../../src/domain/seeing.js';
import { applyVerb } from '../../src/domain/verbs.js';
import { ERROR, flight, HOUR, M1, MINUTE, NOW, pool, seen, state, UPDATED } from './build.js';

const AWAY = { ...ERROR, code: 'unavailable', says: 'update fleet/x: Fly is not available (HTTP 503)' };
const noList = (code: string) => ({ kind: 'error' as const, code, says: `list fleet: ${code}`, at: NOW });
const said = (from: RolloutState, verb: 'resume' | 'abort', now: number): RolloutState => {
  const answer = applyVerb(from, verb, undefined, now);
  if (!answer.ok) throw new Error(answer.refusal);
  return answer.state;
};

/** Orders for these machines end one after the other. */
const ended = (ids: readonly string[], outcome: typeof AWAY | typeof UPDATED, from = state()): RolloutState =>
  ids.reduce((before, id) => onUpdated({ ...before, inFlight: { [id]: flight(id) } }, id, outcome, NOW), from);
const missed = (times: number, code = 'unavailable', from = state()): RolloutState =>
  Array.from({ length: times }).reduce<RolloutState>((before) => onLooked(before, noList(code), NOW), from);

describe('Fly’s own errors', () => {
  test('on five different machines in a row pause, and name the last', () => {
    expect(ended(['a', 'b', 'c', 'd'], AWAY).pause).toBeUndefined();
    const { pause } = ended(['a', 'b', 'c', 'd', 'e'], AWAY);
    expect(pause?.code).toBe('fly_unavailable');
    expect(pause?.says).toMatch(/^Fly failed 5 machines in a row, the last: update fleet\/x: Fly is not available/);
  });

  test('on one machine again and again do not: it may be the machine', () => {
    expect(ended(['a', 'a', 'a', 'a', 'a', 'a'], AWAY).pause).toBeUndefined();
  });

  test('are forgotten with the next update that Fly serves', () => {
    const between = ended(['x'], UPDATED, ended(['a', 'b', 'c', 'd'], AWAY));
    expect(ended(['e', 'f', 'g', 'h'], AWAY, between).pause).toBeUndefined();
  });

  test.each(['lease_held', 'capacity', 'unreachable', 'conflict', 'not_for_sure'])(
    '%s is none of them: it is about one machine',
    (code) => {
      expect(ended(['a', 'b', 'c', 'd', 'e', 'f'], { ...AWAY, code }).pause).toBeUndefined();
    },
  );

  test('on five lists in a row pause, whatever they are: without a list nothing is known', () => {
    expect(missed(4).pause).toBeUndefined();
    expect(missed(5).pause?.says).toContain('Fly failed 5 lists in a row');
    expect(missed(5, 'not_found').pause?.code).toBe('fly_unavailable');
    const served = onLooked(missed(4), { kind: 'seen', observation: seen() }, NOW);
    expect(missed(4, 'unavailable', served).pause).toBeUndefined();
  });

  test('keep the next look waiting for some seconds, so that no list that fails makes the loop turn fast', () => {
    expect(decide(missed(1), NOW)).toMatchObject({ look: { after: NOW + 5_000, errors: 'told' } });
    expect(decide(state(), NOW)).toMatchObject({ look: { after: NOW, errors: 'told' } });
  });
});

describe('a rollout that is paused because Fly is away', () => {
  const away = missed(5);

  test('asks for a list, no sooner than a minute after, and writes nothing', () => {
    expect(decide(away, NOW)).toMatchObject({
      kind: 'probe',
      look: { pace: 'calm', errors: 'retried', after: NOW + MINUTE },
    });
    expect(decide({ ...away, inFlight: { [M1]: flight(M1) } }, NOW)).toEqual({ kind: 'callBack' });
    expect(decide(away, NOW, true)).toEqual({ kind: 'hold' });
  });

  test('goes on by itself with the first list, and its clocks have stood still', () => {
    const back = onLooked(away, { kind: 'seen', observation: seen() }, NOW + HOUR);
    expect(back).toMatchObject({ pausedMs: HOUR });
    expect(back).not.toHaveProperty('pause');
    expect(back).not.toHaveProperty('missedLists');
    expect(decide(back, NOW + HOUR)).toMatchObject({ kind: 'act' });
  });

  test('stays paused by a person who says so meanwhile', () => {
    const answer = applyVerb(away, 'pause', { reason: 'sleep' }, NOW);
    const back = onLooked(answer.ok ? answer.state : away, { kind: 'seen', observation: seen() }, NOW + HOUR);
    expect(back.pause).toMatchObject({ code: 'asked', says: 'sleep' });
  });
});

describe('401 and 403', () => {
  test.each(['unauthorized', 'forbidden'])('%s on one machine pauses at once, and says what to do', (code) => {
    const { pause } = ended(['a'], { ...AWAY, code, says: 'update fleet/a: Fly does not accept the token' });
    expect(pause).toMatchObject({ code: 'fly_auth' });
    expect(pause?.says).toMatch(/; give the worker a token that may do this, then resume$/);
  });

  test('on a list pause as well, and only a person ends it', () => {
    const refused = missed(1, 'forbidden');
    expect(refused.pause?.code).toBe('fly_auth');
    expect(decide(refused, NOW + HOUR)).toEqual({ kind: 'hold' });
    expect(said(refused, 'resume', NOW + HOUR)).toMatchObject({ pausedMs: HOUR });
  });
});

describe('machines that somebody else deploys meanwhile', () => {
  const foreign = (count: number, selected: number, from = state()): RolloutState => {
    const pools = [pool({ selected: selected - 1, left: selected - count, foreign: count - 1 })];
    const other = pool({ region: 'ams', selected: 1, left: 0, foreign: 1 });
    return onLooked(from, { kind: 'seen', observation: seen({ pools: [...pools, other] }) }, NOW);
  };

  test.each([
    [1, 5, false],
    [2, 30, false],
    [2, 20, false],
    [3, 20, true],
    [2, 19, true],
  ])('%i of %i pause: %s', (count, selected, pauses) => {
    expect(foreign(count, selected).pause?.code === 'superseded').toBe(pauses);
  });

  test('say both ways out', () => {
    expect(foreign(3, 20).pause?.says).toBe(
      '3 machines run what somebody else deployed meanwhile; resume leaves them alone and goes on, abort gives way',
    );
  });

  test('that a person resumed in spite of do not pause again, one more does', () => {
    const accepted = said(foreign(3, 20), 'resume', NOW);
    expect(foreign(3, 20, accepted).pause).toBeUndefined();
    expect(foreign(4, 20, accepted).pause?.code).toBe('superseded');
  });

  test('are taken as they were asked about, also where the look that saw them is of an earlier run', () => {
    const accepted = said(carry(foreign(3, 20)), 'resume', NOW);
    expect(foreign(3, 20, accepted).pause).toBeUndefined();
    expect(foreign(4, 20, accepted).pause?.code).toBe('superseded');
  });

  test('pause nobody who is pausing or stopping already', () => {
    const stopped = said(state(), 'abort', NOW);
    expect(foreign(3, 20, stopped)).not.toHaveProperty('pause');
    expect(missed(6, 'unavailable', stopped)).not.toHaveProperty('pause');
  });
});
