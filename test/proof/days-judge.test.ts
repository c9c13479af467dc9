import { expect, test } from 'vitest';
import { judgeDays } from '../../src/proof/days-judge.js';
import { asJournal, asTruth } from '../../src/proof/evidence.js';

const HOUR = 3_600_000;
const DIGEST = 'sha256:new';
const machine = (id: string, facts: object = {}) => ({
  app: 'days',
  id,
  state: 'started',
  version: 'v2',
  digest: DIGEST,
  metadata: {},
  host: 'ok',
  cordoned: false,
  machine: { config: null },
  ...facts,
});

/** One machine that was stopped in time, updated once and started again. */
const DONE = {
  journal: [
    { n: 0, t: 0, kind: 'job-started', machine: 'a' },
    { n: 1, t: 9 * HOUR, kind: 'call', op: 'stop', machine: 'a', status: 200 },
    { n: 2, t: 9 * HOUR, kind: 'job-cut', machine: 'a', by: { n: 1, op: 'stop' } },
    { n: 3, t: 9 * HOUR, kind: 'call', op: 'update', machine: 'a', status: 200 },
  ],
  truth: [machine('a')],
};

interface Committed {
  readonly journal?: readonly object[];
  readonly truth?: readonly object[];
  readonly endedAt?: number;
}

function brokenBy({ journal = DONE.journal, truth = DONE.truth, endedAt = 10 * HOUR }: Committed): string[] {
  const judged = judgeDays({
    journal: asJournal(journal),
    truth: asTruth(truth),
    digest: DIGEST,
    beganAt: 0,
    endedAt,
    deadlineAt: 24 * HOUR,
    forceAfterMs: 8 * HOUR,
  });
  return judged.filter(({ wrong }) => wrong > 0).map(({ says }) => says);
}

test('a sweep that did all it should is right in every figure', () => {
  expect(brokenBy({})).toEqual([]);
});

const [started, stop, , update] = DONE.journal;
const cutAt = (t: number, op: string) =>
  [started, { n: 1, t, kind: 'job-cut', machine: 'a', by: { n: 0, op } }] as object[];

test.each([
  ['a machine off target', { truth: [machine('a', { digest: 'sha256:old' })] }, 'machines off target at the end'],
  ['an end past the deadline', { endedAt: 25 * HOUR }, 'sweeps past their deadline'],
  [
    'a job cut too early',
    { journal: cutAt(7 * HOUR, 'stop') },
    'jobs cut before "forceAfter", or by anything but a stop',
  ],
  [
    'a job cut by a write',
    { journal: cutAt(9 * HOUR, 'update') },
    'jobs cut before "forceAfter", or by anything but a stop',
  ],
  [
    'a job that put its work away because it was asked too early',
    { journal: [started, { n: 1, t: 1, kind: 'job-ended', machine: 'a', by: { n: 0, op: 'stop' } }] as object[] },
    'jobs cut before "forceAfter", or by anything but a stop',
  ],
  ['a machine left cordoned', { truth: [machine('a', { cordoned: true })] }, 'machines left held or cordoned'],
  [
    'a machine left held',
    { truth: [machine('a', { metadata: { layover_hold: '{}' } })] },
    'machines left held or cordoned',
  ],
  [
    'a stopped machine that does not work again',
    { journal: [stop] as object[], truth: [machine('a', { state: 'stopped' })] },
    'machines stopped past "forceAfter" that do not work again',
  ],
  ['a second write', { journal: [update, { ...update, n: 9 }] as object[] }, 'machines written twice'],
  [
    'a lease left',
    { truth: [machine('a', { lease: { description: 'layover x', expiresAt: 0 } })] },
    'machines with a lease of ours at the end',
  ],
] satisfies [string, Committed, string][])('it condemns %s', (_crime, committed, says) => {
  expect(brokenBy(committed)).toEqual([says]);
});
