import * as fc from 'fast-check';
import { APP, type Block, type CaseScenario, endless, HOUR, MINUTE, NEW, scenario, sometimes } from './scenarios.js';
import type { Mishap, Said } from './drive.js';

/** One random rollout: a fleet, what is asked for, what is said meanwhile, and what goes wrong. */
export interface Case {
  readonly seed: number;
  readonly scenario: CaseScenario;
  readonly input: CaseInput;
  readonly said: readonly Said[];
  /** Drawn by the attempt, again and again from the start. */
  readonly mishaps: readonly Mishap[];
  readonly terminateAtMs: number | undefined;
  readonly continueEvery: number | undefined;
}

export interface CaseInput {
  readonly app: string;
  readonly image?: string;
  readonly env?: Readonly<Record<string, string | null>>;
  readonly only?: { readonly regions?: readonly string[]; readonly processGroups?: readonly string[] };
  readonly except?: { readonly regions?: readonly string[]; readonly processGroups?: readonly string[] };
  readonly suspended: 'leave' | 'update';
  readonly unmanaged: 'leave' | 'include';
  /** Of a sweep. */
  readonly deadline?: string;
  /** Left out: nobody is stopped. */
  readonly forceAfter?: string;
  readonly bootFirst?: number;
  readonly maxUnavailable?: string | number;
  readonly ramp?: number | 'off';
  /** There: a processGroup, and not a sweep. */
  readonly groups?: readonly CaseGroup[];
  readonly bake?: string;
  readonly drain?: string;
}

export interface CaseGroup {
  readonly group: string;
  readonly maxUnavailable?: string | number;
  readonly bake?: string;
  readonly whole?: true;
  readonly idleOnly?: true;
  readonly deadline?: string;
}

const narrow = fc.oneof(
  fc.record({ regions: fc.constantFrom(['ord'], ['ams'], ['ord', 'ams']) }),
  fc.record({ processGroups: fc.constantFrom(['app'], ['worker']) }),
);

const input: fc.Arbitrary<CaseInput> = fc
  .record({
    change: fc.constantFrom<Pick<CaseInput, 'image' | 'env'>>(
      { image: NEW },
      { image: NEW, env: { LOG: 'debug' } },
      { env: { LOG: null, EXTRA: 'x' } },
    ),
    only: sometimes(4, narrow),
    except: sometimes(6, narrow),
    suspended: fc.constantFrom<'leave' | 'update'>('leave', 'update'),
    unmanaged: fc.constantFrom<'leave' | 'include'>('leave', 'include'),
    force: fc.oneof(
      { weight: 1, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.record({
          forceAfter: fc.constantFrom('10m', '30m', '90m'),
          maxUnavailable: fc.constantFrom<string | number>('33%', '100%', 1),
          ramp: fc.constantFrom<number | 'off'>(3, 1, 'off'),
        }),
      },
    ),
    boot: fc.constantFrom({}, {}, { bootFirst: 1 }, { bootFirst: 2 }),
  })
  .map(({ change, only, except, force, boot, ...rest }) => ({
    app: APP,
    ...change,
    ...force,
    ...boot,
    ...(only === undefined ? {} : { only }),
    ...(except === undefined ? {} : { except }),
    ...rest,
    deadline: '3h',
  }));

const verb = fc.record({
  atMs: fc.integer({ min: 0, max: HOUR }),
  verb: fc.constantFrom<Said['verb']>('pause', 'resume', 'resume', 'retry'),
});
const abort = fc.record({ atMs: fc.integer({ min: 0, max: HOUR }), verb: fc.constant<'abort'>('abort') });

/** Whatever was said, somebody comes back and resumes, and at last gives up: no case waits for ever. */
const closing: readonly Said[] = [
  ...[61, 65, 70, 80, 90, 120, 150].map((minutes): Said => ({ atMs: minutes * MINUTE, verb: 'resume' })),
  { atMs: 8 * HOUR, verb: 'abort' },
];

const mishap: fc.Arbitrary<Mishap> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Mishap>({ kind: 'none' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant<'dies'>('dies'),
      call: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 7, max: 18 })),
      after: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant<'stalls'>('stalls'),
      call: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 6, max: 18 })),
      ms: fc.integer({ min: 16_000, max: 80_000 }),
    }),
  },
);

/** Random rollouts, with the ordinary ones frequent and every bad thing possible at once. */
export const cases: fc.Arbitrary<Case> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    scenario,
    input,
    verbs: fc.array(verb, { maxLength: 4 }),
    abort: sometimes(8, abort),
    mishaps: fc.oneof(fc.constant<Mishap[]>([{ kind: 'none' }]), fc.array(mishap, { minLength: 1, maxLength: 5 })),
    terminateAtMs: sometimes(4, fc.integer({ min: 1_000, max: 40 * MINUTE })),
    continueEvery: sometimes(3, fc.integer({ min: 1, max: 4 })),
    endless: fc.array(fc.tuple(fc.boolean(), endless), { minLength: 4, maxLength: 4 }),
  })
  .map(({ verbs, abort: stop, endless: jobs, ...rest }) => ({
    ...rest,
    scenario: rest.input.forceAfter === undefined ? rest.scenario : withEndless(rest.scenario, jobs),
    input: { ...rest.input, ...narrowed(rest.input, rest.scenario) },
    said: [...verbs, ...(stop === undefined ? [] : [stop]), ...closing].toSorted((a, b) => a.atMs - b.atMs),
  }));

/** Some of the fleet at work for ever. */
function withEndless(of: CaseScenario, jobs: readonly (readonly [boolean, object])[]): CaseScenario {
  const machines = of.apps[0]?.machines.map((one, n): Block => {
    const [isEndless = false, work = {}] = jobs[n] ?? [];
    return isEndless ? { ...one, state: 'started', job: work } : one;
  });
  return { ...of, apps: [{ name: APP, machines: machines ?? [] }] };
}

/** Names that the fleet has: an unknown one is refused, which a test of its own shows. */
function narrowed(input: CaseInput, { apps }: CaseScenario): Partial<CaseInput> {
  const machines = apps.flatMap((app) => app.machines);
  const narrow = (selector: CaseInput['only']): CaseInput['only'] => {
    const regions = selector?.regions?.filter((region) => machines.some((m) => m.region === region)) ?? [];
    const processGroups = selector?.processGroups?.filter((group) => machines.some((m) => m.group === group)) ?? [];
    if (regions.length > 0) return { regions };
    return processGroups.length > 0 ? { processGroups } : undefined;
  };
  return Object.fromEntries(
    (['only', 'except'] as const).flatMap((key) => (input[key] === undefined ? [] : [[key, narrow(input[key])]])),
  );
}
