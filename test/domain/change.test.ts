import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  applyChange,
  applyEnv,
  type Before,
  type Change,
  type ConfigLike,
  envMatches,
  FROM_IMAGE_KEY,
  FROM_KEY,
  hashOfMark,
  imageText,
  leaseText,
  MARK_KEY,
  markText,
  parseImage,
} from '../../src/domain/change.js';
import { HASH, NEW, OLD, STRANGE_MARK } from './build.js';

const V1 = 'registry.fly.io/encoder:v1';
const REPOSITORY = 'registry.fly.io/encoder';
const ROLLOUT = { hash: HASH, start: 'first' };
const BEFORE: Before = { version: 'v-before', state: 'stopped', image: `${V1}@${OLD}`, digest: OLD, inPlace: false };
const TO_V2: Change = { image: { repository: REPOSITORY, tag: 'v2' } };

interface Told {
  readonly change?: Change;
  readonly pin?: string;
  readonly start?: string;
  readonly n?: number;
  readonly before?: Before;
}

const apply = (config: ConfigLike, told: Told = {}): ConfigLike =>
  applyChange(config, {
    change: told.change ?? TO_V2,
    pin: told.change !== undefined && told.change.image === undefined ? undefined : (told.pin ?? NEW),
    rollout: { hash: HASH, start: told.start ?? 'first' },
    n: told.n ?? 0,
    before: told.before ?? BEFORE,
  });

describe('an image’s name', () => {
  test.each([
    ['encoder', { repository: 'encoder' }, undefined],
    ['encoder:v1', { repository: 'encoder', tag: 'v1' }, undefined],
    ['library/encoder', { repository: 'library/encoder' }, undefined],
    ['registry.fly.io/encoder:v1', { repository: REPOSITORY, tag: 'v1' }, undefined],
    ['localhost:5000/encoder', { repository: 'localhost:5000/encoder' }, undefined],
    ['localhost:5000/encoder:v1', { repository: 'localhost:5000/encoder', tag: 'v1' }, undefined],
    [`encoder@${OLD}`, { repository: 'encoder' }, OLD],
    [`localhost:5000/a/b:v1@${OLD}`, { repository: 'localhost:5000/a/b', tag: 'v1' }, OLD],
    [`localhost:5000/a/b@${OLD}`, { repository: 'localhost:5000/a/b' }, OLD],
  ])('%s is read with its port, tag and digest apart', (text, image, digest) => {
    expect(parseImage(text)).toEqual({ ...image, ...(digest === undefined ? {} : { digest }) });
    expect(imageText(image, digest)).toBe(text);
  });

  const word = fc.stringMatching(/^[a-z][a-z0-9._-]{0,8}$/);
  const host = fc.tuple(word, fc.option(fc.integer({ min: 1, max: 65_535 })));

  test('whatever is written is read back', () => {
    const paths = fc.array(word, { minLength: 1, maxLength: 3 });
    const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    fc.assert(
      fc.property(
        host,
        paths,
        optional(word),
        optional(fc.constantFrom(OLD, NEW)),
        ([name, port], path, tag, digest) => {
          const repository = [port === null ? name : `${name}:${port}`, ...path].join('/');
          const image = { repository, ...(tag === undefined ? {} : { tag }) };
          const found = parseImage(imageText(image, digest));
          expect(found).toEqual({ ...image, ...(digest === undefined ? {} : { digest }) });
        },
      ),
    );
  });
});

describe('the mark', () => {
  test('carries the hash of the change, the start, and how often a person retried', () => {
    expect(markText(ROLLOUT, 2)).toBe(`${HASH}.first#2`);
    expect(leaseText(ROLLOUT)).toBe(`layover ${HASH}.first`);
  });

  test.each([
    [`${HASH}.first#0`, HASH],
    [`${HASH}.another.start#7`, HASH],
    ['no dot at all', undefined],
    ['.first#0', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %j the hash is %j', (mark, hash) => {
    expect(hashOfMark(mark)).toBe(hash);
  });

  test('every start and every retry of a change share its hash', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f]{12}$/), fc.stringMatching(/^\w{1,8}$/), fc.nat(), (hash, start, n) => {
        expect(hashOfMark(markText({ hash, start }, n))).toBe(hash);
      }),
    );
  });
});

/** Names that an object has of itself are names like any other. */
const names = fc.constantFrom('LOG', 'EMPTY', 'constructor', 'toString', '__proto__', 'hasOwnProperty', 'length');
const entries = fc.array(fc.tuple(names, fc.constantFrom('', 'a', 'null')), { maxLength: 5 });
const env = entries.map((pairs): Record<string, string> => Object.fromEntries(pairs));
const envChange = fc
  .array(fc.tuple(names, fc.constantFrom('', 'a', null)), { maxLength: 5 })
  .map((pairs): Record<string, string | null> => Object.fromEntries(pairs));

describe('env', () => {
  test('null removes, text sets, the rest stays', () => {
    expect(applyEnv({ LOG: 'info', OLD: '1', KEEP: 'x' }, { LOG: 'debug', OLD: null, NEW: '' })).toEqual({
      KEEP: 'x',
      LOG: 'debug',
      NEW: '',
    });
  });

  test('what was given is not touched', () => {
    const given = Object.freeze({ LOG: 'info' });
    expect(applyEnv(given, { LOG: null })).toEqual({});
    expect(given).toEqual({ LOG: 'info' });
  });

  test('a name that every object has is there only when it was set', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(envMatches({ env: {} }, { env: { [name]: null } })).toBe(true);
      const set = applyEnv({}, Object.fromEntries([[name, 'x']]));
      expect(Object.entries(set)).toEqual([[name, 'x']]);
      expect(envMatches({ env: set }, { env: Object.fromEntries([[name, 'x']]) })).toBe(true);
      expect(Object.keys(applyEnv(set, Object.fromEntries([[name, null]])))).toEqual([]);
    }
  });

  test('the text "null" is text', () => {
    expect(applyEnv({}, { LOG: 'null' })).toEqual({ LOG: 'null' });
    expect(envMatches({ env: { LOG: 'null' } }, { env: { LOG: null } })).toBe(false);
  });

  test('applying it twice is applying it once, and afterwards it matches', () => {
    fc.assert(
      fc.property(env, envChange, (given, change) => {
        const once = applyEnv(given, change);
        expect(applyEnv(once, change)).toEqual(once);
        expect(envMatches({ env: once }, { env: change })).toBe(true);
      }),
    );
  });

  test('it matches exactly where applying it changes nothing', () => {
    fc.assert(
      fc.property(env, envChange, (given, change) => {
        const sorted = (record: Record<string, string>) =>
          Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
        const changesNothing = JSON.stringify(sorted(applyEnv(given, change))) === JSON.stringify(sorted(given));
        expect(envMatches({ env: given }, { env: change })).toBe(changesNothing);
      }),
      { numRuns: 300 },
    );
  });

  test('variables that the change does not name keep their values', () => {
    fc.assert(
      fc.property(env, envChange, (given, change) => {
        const after = new Map(Object.entries(applyEnv(given, change)));
        const others = Object.entries(given).filter(([name]) => !Object.hasOwn(change, name));
        for (const [name, value] of others) expect(after.get(name)).toBe(value);
        for (const name of after.keys()) expect(Object.hasOwn(given, name) || Object.hasOwn(change, name)).toBe(true);
      }),
    );
  });

  test.each([undefined, null, {}])('a config whose env is %j has no variable', (none) => {
    expect(envMatches({ env: none }, { env: { LOG: null } })).toBe(true);
    expect(envMatches({ env: none }, { env: { LOG: '' } })).toBe(false);
  });

  test('a change without env matches any', () => {
    expect(envMatches({ env: { LOG: 'info' } }, TO_V2)).toBe(true);
  });
});

describe('the config to write', () => {
  test('names the new image by the pinned digest, and records by whom, from what version and from what image', () => {
    expect(apply({ image: V1 })).toEqual({
      image: `registry.fly.io/encoder:v2@${NEW}`,
      metadata: {
        [MARK_KEY]: `${HASH}.first#0`,
        [FROM_KEY]: 'v-before stopped',
        [FROM_IMAGE_KEY]: `${V1}@${OLD}`,
      },
    });
  });

  test('names the tag alone while no digest is known', () => {
    const told = { change: TO_V2, pin: undefined, rollout: ROLLOUT, n: 0, before: BEFORE };
    expect(applyChange({ image: V1 }, told).image).toBe('registry.fly.io/encoder:v2');
  });

  test('pins a machine’s own image to its own digest where the change has none', () => {
    const change = { env: { LOG: 'debug' } };
    expect(apply({ image: V1 }, { change }).image).toBe(`${V1}@${OLD}`);
    expect(apply({ image: `${V1}@${NEW}` }, { change }).image).toBe(`${V1}@${OLD}`);
    expect(apply({ image: `${V1}@${OLD}` }, { change, before: { ...BEFORE, digest: undefined } }).image).toBe(
      `${V1}@${OLD}`,
    );
    expect(apply({}, { change }).image).toBe(`${V1}@${OLD}`);
  });

  test('leaves env alone where the change names none: not even an empty one is added', () => {
    expect(Object.hasOwn(apply({ image: V1 }), 'env')).toBe(false);
    expect(apply({ image: V1, env: { LOG: 'info' } }).env).toEqual({ LOG: 'info' });
    expect(apply({ image: V1, env: null }).env).toBeNull();
    expect(apply({ image: V1, env: null }, { change: { env: { LOG: 'x' } } }).env).toEqual({ LOG: 'x' });
  });

  test('keeps what an earlier start of the same change recorded, and says who writes now', () => {
    const first = apply({ image: V1 });
    const image = `registry.fly.io/encoder:v2@${NEW}`;
    const later = { version: 'v-later', state: 'started', image, digest: NEW, inPlace: false };
    expect(apply(first, { start: 'second', n: 3, before: later }).metadata).toEqual({
      [MARK_KEY]: `${HASH}.second#3`,
      [FROM_KEY]: 'v-before stopped',
      [FROM_IMAGE_KEY]: `${V1}@${OLD}`,
    });
  });

  test('replaces the record of another change: the way back leads to what ran before this one', () => {
    const record = { [MARK_KEY]: STRANGE_MARK, [FROM_KEY]: 'v-oldest started', [FROM_IMAGE_KEY]: 'old' };
    expect(apply({ image: V1, metadata: record }).metadata).toEqual({
      [MARK_KEY]: `${HASH}.first#0`,
      [FROM_KEY]: 'v-before stopped',
      [FROM_IMAGE_KEY]: `${V1}@${OLD}`,
    });
  });

  test('completes a record of the same change that lost a part', () => {
    const { metadata } = apply({
      image: `${REPOSITORY}:v2@${NEW}`,
      metadata: { [MARK_KEY]: `${HASH}.zero#0`, [FROM_KEY]: 'v-oldest started' },
    });
    expect(metadata?.[FROM_KEY]).toBe('v-oldest started');
    expect(metadata?.[FROM_IMAGE_KEY]).toBeDefined();
  });

  test('begins a record anew where another image came after the first', () => {
    const { metadata } = apply({
      image: V1,
      metadata: { [MARK_KEY]: `${HASH}.zero#0`, [FROM_KEY]: 'v-oldest started', [FROM_IMAGE_KEY]: 'older' },
    });
    expect(metadata?.[FROM_KEY]).toBe('v-before stopped');
    expect(metadata?.[FROM_IMAGE_KEY]).toBe(`${V1}@${OLD}`);
  });

  test('keeps metadata of others, and takes null for none', () => {
    expect(apply({ image: V1, metadata: { fly_process_group: 'worker' } }).metadata).toMatchObject({
      fly_process_group: 'worker',
    });
    expect(Object.keys(apply({ image: V1, metadata: null }).metadata ?? {})).toHaveLength(3);
  });
});

const RESERVED = ['image', 'env', 'metadata', '__proto__'];
const unknownFields = fc.dictionary(
  fc.string({ maxLength: 6 }).filter((key) => !RESERVED.includes(key)),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 4 },
);
const metadata = fc.dictionary(
  fc.constantFrom(MARK_KEY, FROM_KEY, FROM_IMAGE_KEY, 'tier'),
  fc.constantFrom(STRANGE_MARK, `${HASH}.zero#1`, 'x'),
);
const configs: fc.Arbitrary<ConfigLike> = fc
  .record({
    unknown: unknownFields,
    env: fc.option(env),
    metadata: fc.option(metadata),
    image: fc.constantFrom(V1, `${V1}@${OLD}`),
  })
  .map(({ unknown, ...named }) => ({ ...unknown, ...named }));
const changes = fc.oneof<fc.Arbitrary<Change>[]>(
  fc.constant(TO_V2),
  envChange.map((change) => ({ env: change })),
  envChange.map((change) => ({ ...TO_V2, env: change })),
);

describe('whatever the config', () => {
  test('every field that a change does not look at is carried through untouched', () => {
    fc.assert(
      fc.property(configs, changes, (config, change) => {
        const { image: _i, env: _e, metadata: _m, ...after } = apply(config, { change });
        const { image: _image, env: _env, metadata: _metadata, ...before } = config;
        expect(after).toEqual(before);
      }),
    );
  });

  test('applying twice is applying once, also by a later start that finds the first one’s work', () => {
    fc.assert(
      fc.property(configs, changes, (config, change) => {
        const once = apply(config, { change });
        expect(apply(once, { change })).toEqual(once);
        const again = apply(once, { change, before: { ...BEFORE, version: 'v-after', state: 'started' } });
        expect(again).toEqual(once);
      }),
    );
  });

  test('afterwards the env matches, and the mark is this rollout’s', () => {
    fc.assert(
      fc.property(configs, changes, fc.nat({ max: 9 }), (config, change, n) => {
        const after = apply(config, { change, n });
        expect(envMatches(after, change)).toBe(true);
        expect(after.metadata?.[MARK_KEY]).toBe(`${HASH}.first#${n}`);
        expect(after.metadata?.[FROM_KEY]).toBeDefined();
        expect(after.metadata?.[FROM_IMAGE_KEY]).toBeDefined();
      }),
    );
  });

  test('what was given is not touched', () => {
    fc.assert(
      fc.property(configs, changes, (config, change) => {
        const before = JSON.stringify(config);
        apply(config, { change });
        expect(JSON.stringify(config)).toBe(before);
      }),
    );
  });
});
