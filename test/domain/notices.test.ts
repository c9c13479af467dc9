import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { enqueue, isAsking, type Notice, noticeOf, type Told } from '../../src/domain/notices.js';
import { briefOf } from '../../src/domain/say-notice.js';
import type { Phase, Status } from '../../src/domain/status.js';
import { begin } from '../../src/domain/state.js';
import { statusOf } from '../../src/domain/status.js';
import { NOW, plan } from './build.js';

/** What the people who watch are told: state changes, once each. */

const base = statusOf(begin(plan(), NOW), { now: NOW });

const status = (phase: Phase, more: Partial<Status> = {}): Status => ({ ...base, phase, ...more });
const at = (name: string): Pick<Status, 'step'> => ({ step: { ...base.step, name } });

/** The kinds that are told of statuses in turn. */
function kindsOf(statuses: readonly Status[]): string[] {
  let told: Told | undefined;
  return statuses.flatMap((one) => {
    const news = noticeOf(one, told, NOW);
    if (news === undefined) return [];
    ({ told } = news);
    return [news.notice.kind];
  });
}

test('a rollout from its start to its end is told of in state changes, and progress at each step', () => {
  expect(
    kindsOf([
      status('running', at('ams')),
      status('running', at('ams')),
      status('baking', at('ams:bake')),
      status('waiting', at('ams:approval')),
      status('pausing', { ...at('ams:approval'), reason: 'asked', since: 'now' }),
      status('paused', { ...at('ams:approval'), reason: 'asked', since: 'now' }),
      status('waiting', at('ams:approval')),
      status('running', at('ord')),
      status('rollingBack', at('back')),
      status('done', { ...at('back'), reason: 'rolledBack' }),
    ]),
  ).toEqual(['started', 'progress', 'waiting', 'paused', 'waiting', 'resumed', 'goingBack', 'finished']);
});

test('a rollout that turns back marks machines with another name, and is told of under its first', () => {
  const begun = noticeOf(status('running', { rollout: 'abc.one' }), undefined, NOW);
  const back = noticeOf(status('rollingBack', { rollout: 'back-abc.one' }), begun?.told, NOW);
  const end = noticeOf(status('done', { rollout: 'back-abc.one' }), back?.told, NOW);
  expect([begun, back, end].map((news) => news?.notice.rollout)).toEqual(['abc.one', 'abc.one', 'abc.one']);
  expect(end?.told).toMatchObject({ rollout: 'abc.one', number: 3 });
});

test('who stops a paused rollout is told of its end, and of nothing in between', () => {
  const paused = status('paused', { reason: 'asked', since: 'a' });
  const stopping = (reason: string, phase: Phase) => status(phase, { reason, since: 'b' });
  const ended = status('done', { reason: 'aborted' });
  expect(kindsOf([status('running'), paused, stopping('abort', 'running'), ended])).toEqual([
    'started',
    'paused',
    'finished',
  ]);
  expect(kindsOf([paused, stopping('cancel', 'paused'), stopping('cancel', 'pausing'), ended])).toEqual([
    'paused',
    'finished',
  ]);
});

test('a pause that ends by itself is no question', () => {
  const { notice } = noticeOf(status('paused', { reason: 'fly_unavailable', canType: ['x'] }), undefined, NOW) ?? {};
  expect([notice && isAsking(notice), notice?.canType]).toEqual([false, []]);
});

test('two pauses are two questions, and one that goes on is one', () => {
  const paused = (since: string) => status('paused', { reason: 'failures', since });
  expect(kindsOf([paused('a'), paused('a'), paused('b')])).toEqual(['paused', 'paused']);
});

test('numbers count up by one, whatever the statuses', () => {
  const phases = fc.constantFrom<Phase>('running', 'baking', 'waiting', 'pausing', 'paused', 'rollingBack', 'done');
  const statuses = fc.array(
    fc.record({ phase: phases, since: fc.constantFrom('a', 'b'), name: fc.constantFrom('x', 'y') }),
  );
  fc.assert(
    fc.property(statuses, (drawn) => {
      let told: Told | undefined;
      for (const { phase, since, name } of drawn) {
        const one = status(phase, { since, ...at(name) });
        const news = noticeOf(one, told, NOW);
        if (news === undefined) continue;
        expect(news.notice.number).toBe((told?.number ?? 0) + 1);
        ({ told } = news);
        expect(noticeOf(one, told, NOW)).toBeUndefined();
      }
    }),
  );
});

describe('what waits for a sink that is away', () => {
  const notice = (number: number, kind: Notice['kind']): Notice => {
    const news = noticeOf(status('running'), undefined, NOW);
    if (news === undefined) throw new Error('nothing is told');
    return { ...news.notice, number, kind };
  };

  test('keeps every state change in its order, and of progress the latest at most', () => {
    const all = [
      notice(1, 'started'),
      notice(2, 'progress'),
      notice(3, 'progress'),
      notice(4, 'paused'),
      notice(5, 'progress'),
    ];
    const waiting = all.reduce<readonly Notice[]>(enqueue, []);
    expect(waiting.map(({ number }) => number)).toEqual([1, 4, 5]);
  });

  test('has words for each, and lines to type for who is asked', () => {
    const asked = noticeOf(status('waiting'), undefined, NOW)?.notice;
    if (asked === undefined) throw new Error('nothing is told');
    expect(briefOf(asked)).toMatchObject({ asks: true, headline: 'stoppedSweep of encoder waits for a person' });
    expect(asked.canType.join(' ')).toContain('temporal workflow signal');
    expect(briefOf({ ...asked, kind: 'reminder' }).delivery).toContain('/reminder ');
  });
});

describe('what waits for a sink that was away', () => {
  const asked: Notice = noticeOf(status('paused', { reason: 'asked', canType: ['resume'] }), undefined, NOW)
    ?.notice as Notice;
  const reminder: Notice = { ...asked, kind: 'reminder' };
  const resumed: Notice = { ...asked, number: 2, kind: 'resumed' };

  test('has a question once, however often it would have been reminded of', () => {
    expect(enqueue([asked], reminder)).toEqual([asked]);
    expect(enqueue([], reminder)).toEqual([reminder]);
    expect(enqueue([reminder], reminder)).toHaveLength(1);
  });

  test('is told of a question that was answered meanwhile as of what was', () => {
    const [was, now] = enqueue([asked, reminder], resumed);
    expect([was?.kind, was && isAsking(was), was?.canType, now]).toEqual(['paused', false, [], resumed]);
    expect(enqueue([asked], { ...resumed, kind: 'progress' })[0]).toEqual(asked);
  });
});
