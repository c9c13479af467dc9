import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FROM_KEY } from '../../src/domain/change.js';
import { fromText, readFrom } from '../../src/domain/from.js';
import type { MachineFacts, Standing } from '../../src/domain/machine.js';
import { classify } from '../../src/domain/table.js';
import { backContext, backHash, isBackHash } from '../../src/domain/turn.js';
import { facts } from './arbitraries.js';
import { context, HASH, machine, MARK, NEW, OTHER, STRANGE_MARK } from './build.js';

const back = (more: { force?: boolean; changed?: string[] } = {}) => {
  const about = backContext(context(), more.force === true);
  return more.changed === undefined || about.back === undefined
    ? about
    : { ...about, back: { ...about.back, changed: more.changed } };
};

const IN_PLACE = { [FROM_KEY]: 'v-before started in-place' };
const IDLE_THEN = { [FROM_KEY]: 'v-before stopped' };
/** Written by the change that goes back, and idle. */
const marked = (more: Partial<MachineFacts> = {}) => machine({ mark: MARK, digest: NEW, ...more });

test.each<[string, MachineFacts, Standing]>([
  ['idle with the mark', marked(), 'ready'],
  ['at work, updated while it worked', marked({ state: 'started', metadata: IN_PLACE }), 'due'],
  ['at work, updated while it was idle', marked({ state: 'started', metadata: IDLE_THEN }), 'straggler'],
  ['without a mark', machine(), 'untouched'],
  ['with the mark of another change', machine({ mark: STRANGE_MARK }), 'untouched'],
  ['brought back', machine({ mark: `${backHash(HASH)}.second#0` }), 'atTarget'],
  ['with the mark, and another image by hand', marked({ digest: OTHER }), 'foreign'],
  ['held', marked({ hold: { rollout: 'x.y', machine: 'a', started: true, cordoned: false } }), 'held'],
  ['on a host that is not ok', marked({ hostOk: false }), 'unreachable'],
  ['under an update', marked({ state: 'replacing' }), 'busy'],
  ['suspended', marked({ state: 'suspended' }), 'suspended'],
  ['destroyed', marked({ state: 'destroyed' }), 'gone'],
])('on the way back a machine %s is told apart', (_what, one, standing) => {
  expect(classify(one, back()).standing).toBe(standing);
});

test('a machine that an order found changed by hand is foreign from then on', () => {
  expect(classify(marked(), back({ changed: [marked().id] })).standing).toBe('foreign');
});

test('with "force" whoever works goes back where it is', () => {
  expect(classify(marked({ state: 'started', metadata: IDLE_THEN }), back({ force: true })).standing).toBe('due');
});

test('whatever a machine is, it is never written on the way back without the mark of the change', () => {
  fc.assert(
    fc.property(facts, (one) => {
      const { standing } = classify(one, back());
      const isWritten = standing === 'ready' || standing === 'due';
      expect(isWritten && !(one.mark ?? '').startsWith(`${HASH}.`)).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test('what a machine was before is read as it was written, and nothing else is', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('v1', '01KD'),
      fc.constantFrom('started', 'stopped'),
      fc.boolean(),
      (version, state, inPlace) => {
        expect(readFrom(fromText({ version, state, inPlace }))).toEqual({ version, state, inPlace });
      },
    ),
  );
  for (const text of [undefined, '', 'v1', 'v1 started somehow', 'v1 started in-place more'])
    expect(readFrom(text)).toBeUndefined();
});

test('the hash of a way back is told from that of a change', () => {
  expect([isBackHash(backHash(HASH)), isBackHash(HASH)]).toEqual([true, false]);
});
