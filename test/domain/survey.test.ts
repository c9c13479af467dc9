import { HOLD_KEY } from '../../src/domain/hold.js';
import { describe, expect, test } from 'vitest';
import {
  earlierStartsOf,
  holdsOf,
  imagesOf,
  keptRunning,
  mayNotRest,
  releasesOf,
  tireless,
} from '../../src/domain/survey.js';
import { context, HASH, NEW, STRANGE_MARK } from './build.js';
import { some, surveyed } from './surveyed.js';

const counted = (kin: ReturnType<typeof imagesOf>) => kin.map(({ name, machines }) => [name, machines.length]);

test('every machine that is not destroyed is counted under one image, the most frequent first', () => {
  const fleet = [
    ...some(1, { image: 'b' }, 'b'),
    ...some(3, { image: 'a' }, 'a'),
    ...some(1, { image: undefined, is: { readable: false, hostOk: false } }, 'c'),
    ...some(1, { image: undefined }, 'd'),
    ...some(2, { image: 'a', is: { state: 'destroyed' } }, 'e'),
  ];
  expect(counted(imagesOf(fleet))).toEqual([
    ['a', 3],
    ['b', 1],
    ['hidden by a host that is not ok', 1],
    ['no image shown', 1],
  ]);
});

test('earlier starts are those that left this change’s mark, whatever the retry; other changes are none', () => {
  const marks = [`${HASH}.first#0`, `${HASH}.first#2`, `${HASH}.other#0`, STRANGE_MARK, undefined];
  const fleet = marks.map((mark) => surveyed({ is: { mark, digest: NEW } }));
  expect(counted(earlierStartsOf(fleet, context().rollout))).toEqual([
    [`${HASH}.first`, 2],
    [`${HASH}.other`, 1],
  ]);
});

describe('who will rest', () => {
  const started = { state: 'started' };

  test('never: at work, restarted whenever its program ends, and no proxy stops it', () => {
    const fleet = [
      surveyed({ is: { ...started, id: 'tireless' }, rests: 'never' }),
      surveyed({ is: started, rests: 'by itself' }),
      surveyed({ is: started, rests: 'by autostop' }),
      surveyed({ is: { state: 'stopped' }, rests: 'never' }),
      surveyed({ is: { ...started, digest: NEW }, rests: 'never' }),
    ];
    expect(tireless(fleet).map(({ machine }) => machine.id)).toEqual(['tireless']);
  });

  test('perhaps not: services without autostop, or with machines that are always kept running', () => {
    const serving = surveyed({ is: started, serves: true });
    const kept = surveyed({ is: started, serves: true, rests: 'by autostop', keptRunning: true });
    const job = surveyed({ is: started });
    expect(mayNotRest([serving, kept, job])).toEqual([serving]);
    expect(keptRunning([serving, kept, job])).toEqual([kept]);
  });
});

describe('holds', () => {
  const held = (text: string) => holdsOf([surveyed({ is: { metadata: { [HOLD_KEY]: text } } })])[0];

  test('say who left them and what the machine was', () => {
    const hold = { rollout: '0d9a7c51e2f4.91ab03cd', machine: surveyed().machine.id, started: true, cordoned: false };
    expect(held(JSON.stringify(hold))?.left).toEqual(hold);
  });

  test.each([
    '',
    'no json',
    'null',
    '7',
    '{}',
    '{"rollout":7}',
    '{"rollout":["a.b"]}',
    '{"rollout":"\\u001b[2J"}',
    '{"rollout":"a.b c"}',
    '{"rollout":"a.b","machine":"another","started":true,"cordoned":false}',
  ])(
    'that nobody can read, or that are another machine’s, are found all the same, and nothing of them is repeated: %j',
    (text) => expect(held(text)).toMatchObject({ left: undefined }),
  );

  test('of a machine without one, or of a destroyed one, are none', () => {
    expect(holdsOf([surveyed(), surveyed({ is: { state: 'destroyed', metadata: { [HOLD_KEY]: '{}' } } })])).toEqual([]);
  });
});

test('a release is a number that flyctl wrote; other texts are not repeated', () => {
  const named = ['41', '41', '40', 'secret', ''].map((version) =>
    surveyed({ is: { metadata: { fly_release_version: version } } }),
  );
  expect(counted(releasesOf([...named, surveyed()]))).toEqual([
    ['41', 2],
    ['40', 1],
  ]);
});
