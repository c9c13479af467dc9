import * as fc from 'fast-check';
import { type Case, type CaseGroup, type CaseInput, cases } from './fleets.js';
import { APP, type Block, type CaseScenario, sometimes } from './scenarios.js';
import { CHECKED } from './serving.js';

/** What becomes of a block of the sweeps' fleets: most of it serves, some of it works and ends as in a sweep. */
const style = fc.record({
  serves: fc.constantFrom('checked', 'checked', 'plain', 'no'),
  group: fc.constantFrom('app', 'worker', 'zk'),
});
type Style = typeof style extends fc.Arbitrary<infer S> ? S : never;

function styled({ job, config: _config, ...block }: Block, { serves, group }: Style): Block {
  if (serves === 'no') return { ...block, group, ...(job === undefined ? {} : { job }) };
  return { ...block, group, state: 'started', running: true, ...(serves === 'checked' ? { config: CHECKED } : {}) };
}

function serving(of: CaseScenario, styles: readonly Style[]): CaseScenario {
  const machines = of.apps[0]?.machines.map((block, n) =>
    styled(block, styles[n] ?? { serves: 'plain', group: 'app' }),
  );
  return { ...of, apps: [{ name: APP, machines: machines ?? [] }] };
}

/** A group's own numbers, each way that there is. */
const rules = fc.constantFrom<Omit<CaseGroup, 'group'>>(
  {},
  {},
  { maxUnavailable: 1 },
  { maxUnavailable: '50%', bake: '3m' },
  { whole: true },
  { whole: true, maxUnavailable: 1 },
  { idleOnly: true, deadline: '40m' },
);

/** Some groups of the fleet in some order, and some left out. */
const order = fc.shuffledSubarray(['app', 'worker', 'zk'], { minLength: 1 });

/** Regions narrow inside the groups; groups are named by the order alone. */
const narrowed = ({ only, except }: CaseInput): Partial<CaseInput> => ({
  ...(only?.regions === undefined ? {} : { only }),
  ...(except?.regions === undefined ? {} : { except }),
});

/** Random process groups over the worlds, verbs and mishaps of the sweeps. */
export const groupCases: fc.Arbitrary<Case> = fc
  .record({
    base: cases,
    styles: fc.array(style, { minLength: 4, maxLength: 4 }),
    order,
    rules: fc.array(rules, { minLength: 3, maxLength: 3 }),
    drain: sometimes(4, fc.constant('10s')),
    maxUnavailable: fc.constantFrom<string | number>('33%', '100%', 1),
    ramp: fc.constantFrom<number | 'off'>(3, 1, 'off'),
  })
  .map(({ base, styles, order: names, rules: own, drain, maxUnavailable, ramp }): Case => {
    const scenario = serving(base.scenario, styles);
    const there = new Set(scenario.apps.flatMap(({ machines }) => machines.map(({ group }) => group)));
    const { image, env, suspended, unmanaged } = base.input;
    const named = names.filter((group) => there.has(group));
    const input: CaseInput = {
      app: APP,
      ...(image === undefined ? {} : { image }),
      ...(env === undefined ? {} : { env }),
      ...narrowed(base.input),
      suspended,
      unmanaged,
      groups: (named.length > 0 ? named : [...there]).map((group, n) => ({ group, ...own[n] })),
      bake: '1m',
      maxUnavailable,
      ramp,
      ...(drain === undefined ? {} : { drain }),
    };
    return { ...base, scenario, input };
  });
