import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOLD_KEY, holdText, readHold } from '../../src/domain/hold.js';

const ID = 'a0000000000001';

test('what is noted is read back as it was, on its own machine and on no copy of it', () => {
  const holds = fc.record({
    rollout: fc.stringMatching(/^[\w-]{1,40}\.[\w-]{1,40}$/),
    machine: fc.constant(ID),
    started: fc.boolean(),
    cordoned: fc.boolean(),
  });
  fc.assert(
    fc.property(holds, (hold) => {
      expect(readHold(ID, { [HOLD_KEY]: holdText(hold) })).toEqual(hold);
      expect(readHold('another', { [HOLD_KEY]: holdText(hold) })).toBeUndefined();
    }),
  );
});

test.each([
  '',
  'null',
  '[]',
  '"x"',
  '{',
  `{"rollout":"a.b","machine":"${ID}"}`,
  `{"rollout":"a.b","machine":"${ID}","started":1,"cordoned":false}`,
  `{"rollout":"a.b","machine":"${ID}","started":true,"cordoned":"no"}`,
  '{"rollout":"a.b","started":true,"cordoned":false}',
  `{"rollout":"\\u001b[2J","machine":"${ID}","started":true,"cordoned":false}`,
])('%j holds nothing', (text) => {
  expect(readHold(ID, { [HOLD_KEY]: text })).toBeUndefined();
});

test('no metadata holds nothing', () => {
  expect(readHold(ID, undefined)).toBeUndefined();
  expect(readHold(ID, null)).toBeUndefined();
  expect(readHold(ID, {})).toBeUndefined();
});
