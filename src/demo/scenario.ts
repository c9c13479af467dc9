import type { ScenarioInput } from '../simulator/scenario.js';

export const DEMO_APP = 'encoder';
export const DEMO_OLD = `registry.fly.io/${DEMO_APP}:v41`;
export const DEMO_IMAGE = `registry.fly.io/${DEMO_APP}:v42`;

const S = 1_000;
type Block = Partial<NonNullable<NonNullable<ScenarioInput['apps']>[number]['machines']>[number]>;

/**
 * Sixty machines in four regions. Most encode: they run a job, exit, and are started again when the next job comes.
 * Some are idle, some suspended (they are left: an update would lose their memory), and one region has a host that is
 * lost and comes back. An operator's day in two minutes.
 */
export function demoScenario(): ScenarioInput {
  const base = { image: DEMO_OLD, group: 'worker', env: { LOG: 'info' } };
  const busy = {
    ...base,
    state: 'started',
    job: { lengthMs: [12 * S, 50 * S], idleMs: [15 * S, 40 * S] },
  } satisfies Block;
  const idle = { ...base, state: 'stopped' } satisfies Block;
  const long = { ...base, state: 'started', job: { lengthMs: [55 * S, 75 * S] } } satisfies Block;
  const suspended = { ...base, state: 'suspended' } satisfies Block;
  return {
    seed: 42,
    timing: { replaceMs: [600, 1_600], bootMs: [800, 1_500], pullMs: [200, 600] },
    images: { [DEMO_OLD]: {}, [DEMO_IMAGE]: {} },
    apps: [
      {
        name: DEMO_APP,
        machines: [
          { count: 10, region: 'ams', ...busy },
          { count: 6, region: 'ams', ...idle },
          { count: 8, region: 'iad', ...busy },
          { count: 6, region: 'iad', ...idle },
          { count: 2, region: 'iad', ...suspended },
          { count: 8, region: 'ord', ...busy },
          { count: 3, region: 'ord', ...idle },
          { count: 2, region: 'ord', ...idle, host: { lostAtMs: 1_000, backAtMs: 45 * S } },
          { count: 2, region: 'ord', ...suspended },
          { count: 6, region: 'syd', ...busy },
          { count: 4, region: 'syd', ...idle },
          { count: 3, region: 'syd', ...long },
        ],
      },
    ],
  };
}
