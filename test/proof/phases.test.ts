import { expect, test } from 'vitest';
import type { JournalEntry } from '../../src/proof/evidence.js';
import { phasesAt } from '../../src/proof/phases.js';

/** One update as the log shows it: every call takes 100 ms, the wait 1 s. */
const LOG = [
  call(0, 'lease', 1_000, 1_100),
  call(1, 'get', 1_110, 1_210),
  call(2, 'update', 1_220, 1_320),
  call(3, 'wait', 1_330, 2_330),
  call(4, 'release', 2_340, 2_440),
];

function call(n: number, op: string, began: number, t: number): JournalEntry {
  return { n, kind: 'call', op, machine: 'm1', app: 'encoder', began, t, status: 200 };
}

const lost = LOG.map((entry): JournalEntry =>
  entry.op === 'update' ? { ...entry, status: 'cut', actual: 200 } : entry,
);

test.each([
  [900, undefined, LOG],
  [1_050, 'taking the lease', LOG],
  [1_105, 'lease taken', LOG],
  [1_215, 'before the write', LOG],
  [1_250, 'write under way', LOG],
  [1_325, 'just written', LOG],
  [1_325, 'answer to the write lost', lost.slice(0, 3)],
  [2_000, 'settling', LOG.slice(0, 3)],
  [2_335, 'before release', LOG],
  [2_400, 'before release', LOG],
  [2_500, undefined, LOG],
] as const)('a kill at %i ms meets an update in the phase: %s', (killedAt, phase, log) => {
  expect([...phasesAt(log, 0, killedAt).keys()]).toEqual(phase === undefined ? [] : [phase]);
});

/** One that stops a machine first: held, cordoned, stopped, written, started, uncordoned, put right. */
const FORCED = [
  'lease',
  'get',
  'metadata',
  'cordon',
  'get',
  'stop',
  'wait',
  'get',
  'update',
  'wait',
  'get',
  'start',
  'wait',
  'uncordon',
  'metadata',
  'release',
].map((op, n) => call(n, op, 1_000 + n * 1_000, 1_900 + n * 1_000));

test.each([
  [2, 'held'],
  [3, 'held'],
  [4, 'held'],
  [5, 'stopping'],
  [6, 'stopping'],
  [7, 'stopping'],
  [8, 'write under way'],
  [9, 'settling'],
  [11, 'putting right'],
  [12, 'putting right'],
  [13, 'putting right'],
  [14, 'putting right'],
] as const)('a kill during call %i of one that is stopped first meets it in the phase: %s', (at, phase) => {
  expect([...phasesAt(FORCED, 0, 1_500 + at * 1_000).keys()]).toEqual([phase]);
});

test('what was begun before the kill before is in no worker’s hands any more', () => {
  expect(phasesAt(LOG.slice(0, 3), 1_330, 1_400).size).toBe(0);
});
