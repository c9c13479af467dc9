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

test('what was begun before the kill before is in no worker’s hands any more', () => {
  expect(phasesAt(LOG.slice(0, 3), 1_330, 1_400).size).toBe(0);
});
