import { expect, test } from 'vitest';
import { judgeTold, type ToldCase } from '../../src/proof/told-judge.js';

/** The judge of notices condemns each crime. */

const R = 'abc.one';
const told = (number: number, kind: string, rollout = R) => ({ rollout, number, kind });
const made = (where: 'Slack' | 'GitHub', delivery: string) => ({ where, delivery });

/** A rollout that began, asked, went on and ended, and was told of everywhere; the webhook heard one thing twice. */
const GOOD: ToldCase = {
  made: [made('Slack', R), made('Slack', `${R}/2`), made('Slack', `${R}/3`), made('GitHub', 'deployment')],
  webhook: [told(1, 'started'), told(2, 'waiting'), told(2, 'waiting'), told(3, 'finished')],
  slack: new Map([[R, new Set([2, 3])]]),
  approved: [R],
  written: [R],
};

const wrongOf = (evidence: Partial<ToldCase>): string[] =>
  judgeTold({ ...GOOD, ...evidence }).flatMap(({ wrong, examples }) => (wrong > 0 ? examples : []));

test('who did all that is right is acquitted', () => {
  expect(wrongOf({})).toEqual([]);
});

test.each([[['abc.one', 'back-abc.one']], [['back-abc.one']]])(
  'a rollout that turned back has one name, whatever it has written on which way: %j',
  (written) => {
    expect(wrongOf({ written })).toEqual([]);
  },
);

test.each<[string, Partial<ToldCase>, string]>([
  [
    'a second name on the way back',
    {
      written: ['abc.one', 'back-abc.one'],
      webhook: [told(1, 'started'), told(2, 'waiting'), told(3, 'finished', 'back-abc.one')],
    },
    `${R}: its end`,
  ],
  ['a message made twice', { made: [...GOOD.made, made('Slack', `${R}/2`)] }, `${R}/2`],
  ['a deployment made twice', { made: [...GOOD.made, made('GitHub', 'deployment')] }, 'deployment'],
  ['a beginning nobody heard of', { webhook: GOOD.webhook.slice(1) }, `${R}: its beginning`],
  ['an end nobody heard of', { webhook: GOOD.webhook.slice(0, 3) }, `${R}: its end`],
  ['a question nobody heard of', { webhook: [told(1, 'started'), told(3, 'finished')] }, `${R}: what it asked`],
  ['a state change that Slack lacks', { slack: new Map([[R, new Set([3])]]) }, `${R}: waiting 2 at Slack`],
  ['a rollout nobody heard of', { written: [R, 'def.two'] }, 'def.two: its end'],
])('%s is condemned', (_, evidence, says) => {
  expect(wrongOf(evidence)).toContain(says);
});
