import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Aspect, ASPECTS, differencesOf } from '../../src/domain/differences.js';
import { parts, some, surveyed } from './surveyed.js';

const WEB = { is: { group: 'web' } };

test('machines that are alike differ in nothing, whatever they hold', () => {
  const own = parts({ env: { LOG: 3 }, mounts: { '/data': 4 }, guest: { small: 5 } });
  expect(differencesOf([...some(3, { parts: own }), ...some(2, { ...WEB, parts: parts({}) })])).toEqual([]);
});

test.each(ASPECTS)('what some have, and what all have in several forms, is told of %s', (what: Aspect) => {
  const fleet = [
    { A: 1, B: 1, C: 1 },
    { B: 1, C: 2 },
    { B: 1, C: 1 },
  ].map((own) => surveyed({ parts: parts({ [what]: own }) }));
  expect(differencesOf(fleet)).toEqual([
    { group: 'worker', what, name: 'A', have: 1, of: 3, forms: 1 },
    { group: 'worker', what, name: 'C', have: 3, of: 3, forms: 2 },
  ]);
});

test('process groups are compared within themselves only', () => {
  const fleet = [
    ...some(2, { parts: parts({ env: { A: 1 } }) }),
    ...some(2, { ...WEB, parts: parts({ env: { B: 1 } }) }),
  ];
  expect(differencesOf(fleet)).toEqual([]);
});

test.each([
  ['unmanaged', { managed: false }],
  ['made for a moment', { special: 'console' as const }],
  ['hidden by its host', { readable: false, hostOk: false }],
  ['destroyed', { state: 'destroyed' }],
])('a machine that is %s is compared with none', (_what, is) => {
  expect(differencesOf([...some(2, { parts: parts({ env: { A: 1 } }) }), surveyed({ is })])).toEqual([]);
});

test('a suspended machine is compared though it is left: it will wake beside the others', () => {
  const fleet = [...some(2, { parts: parts({ env: { A: 1 } }) }), surveyed({ is: { state: 'suspended' } })];
  expect(differencesOf(fleet)).toMatchObject([{ name: 'A', have: 2, of: 3 }]);
});

test('a name is told exactly when not all have it in one form', () => {
  const own = fc.dictionary(fc.constantFrom('A', 'B', 'C'), fc.integer({ min: 0, max: 1 }));
  fc.assert(
    fc.property(fc.array(own, { minLength: 1, maxLength: 6 }), (envs) => {
      const told = differencesOf(envs.map((env) => surveyed({ parts: parts({ env }) }))).map(({ name }) => name);
      const isAlike = (name: string) => new Set(envs.map((env) => env[name])).size === 1;
      expect(told).toEqual(['A', 'B', 'C'].filter((name) => !isAlike(name)));
    }),
  );
});
