import type { ScenarioInput } from '../simulator/scenario.js';
import type { JournalEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import { countDemo, isGood, sayDemo } from './report.js';
import { DEMO_APP, DEMO_IMAGE, demoScenario } from './scenario.js';

/** What is counted at the end, and whether it is what the play promises. */
export interface Counted {
  readonly lines: readonly string[];
  readonly isGood: boolean;
}

/** One thing that the demo shows. */
export interface Play {
  readonly type: 'stoppedSweep' | 'regionalCanary' | 'processGroup';
  readonly app: string;
  /** What it brings; machines on it are drawn as new. */
  readonly image: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly scenario: () => ScenarioInput;
  /** The wait that a person ends, where there is one. */
  readonly approval?: string;
  /** How the door ends. */
  readonly ends: 'Completed' | 'RolloutRolledBack';
  readonly count: (machines: readonly MachineTruth[], journal: readonly JournalEntry[]) => Counted;
}

const SHOP = 'shop';
const SHOP_OLD = `registry.fly.io/${SHOP}:v1`;
const SHOP_NEW = `registry.fly.io/${SHOP}:v2`;

/** Machines that serve in three regions, with a check each; two idle ones. */
function shopScenario(image: object): ScenarioInput {
  const serving = {
    image: SHOP_OLD,
    group: 'app',
    state: 'started',
    running: true,
    config: { checks: { alive: { type: 'http', port: 8080, path: '/health', interval: '2s' } } },
  } as const;
  return {
    seed: 8,
    timing: { replaceMs: [600, 1_200], bootMs: [800, 1_500], pullMs: [200, 600], checksPassMs: [1_000, 2_000] },
    images: { [SHOP_OLD]: {}, [SHOP_NEW]: image },
    apps: [
      {
        name: SHOP,
        machines: [
          { count: 4, region: 'ams', ...serving },
          { count: 8, region: 'iad', ...serving },
          { count: 2, region: 'iad', ...serving, state: 'stopped', running: false },
          { count: 8, region: 'ord', ...serving },
        ],
      },
    ],
  };
}

const SHOP_INPUT = { app: SHOP, image: SHOP_NEW, regions: ['ams', ['iad', 'ord']], batches: [2], bake: '10s' };

const updatesIn = (journal: readonly JournalEntry[]) =>
  journal.flatMap((entry) => (entry.kind === 'call' && entry.op === 'update' && entry.status === 200 ? [entry] : []));

function countGood(machines: readonly MachineTruth[], journal: readonly JournalEntry[]): Counted {
  const onNew = machines.filter(({ image }) => image.startsWith(SHOP_NEW)).length;
  const stopped = machines.filter(({ state }) => state === 'stopped').length;
  const written = updatesIn(journal).length;
  return {
    lines: [
      `  machines on the new image: ${onNew} of ${machines.length}, each written once: ${written} updates`,
      `  idle machines left stopped: ${stopped} of 2`,
    ],
    isGood: onNew === machines.length && written === machines.length && stopped === 2,
  };
}

function countBack(machines: readonly MachineTruth[], journal: readonly JournalEntry[]): Counted {
  const touched = new Set(updatesIn(journal).map(({ machine }) => machine));
  const regions = new Set(machines.filter(({ id }) => touched.has(id)).map(({ region }) => region));
  const onOld = machines.filter(({ image }) => image.startsWith(SHOP_OLD)).length;
  return {
    lines: [
      `  machines that the bad image reached: ${touched.size} of ${machines.length}, in ${[...regions].join(', ')}`,
      `  machines on the old image again, or still: ${onOld} of ${machines.length}`,
    ],
    isGood: touched.size <= 2 && regions.size === 1 && onOld === machines.length,
  };
}

const CLUSTER = 'storm';
const CLUSTER_OLD = `registry.fly.io/${CLUSTER}:v1`;
const CLUSTER_NEW = `registry.fly.io/${CLUSTER}:v2`;

/** A cluster over three regions: who keeps its state is one machine a region. */
function clusterScenario(): ScenarioInput {
  const { apps: _apps, ...world } = shopScenario({});
  const serving = {
    image: CLUSTER_OLD,
    state: 'started',
    running: true,
    config: { checks: { alive: { type: 'tcp', port: 9000, interval: '2s' } } },
  } as const;
  const regions = ['ams', 'iad', 'ord'];
  const machines = [
    ...regions.map((region) => ({ count: 1, region, group: 'zk', ...serving })),
    { count: 4, region: 'iad', group: 'supervisor', ...serving },
    ...regions.map((region) => ({ count: 2, region, group: 'conductor', ...serving })),
  ];
  return { ...world, images: { [CLUSTER_OLD]: {}, [CLUSTER_NEW]: {} }, apps: [{ name: CLUSTER, machines }] };
}

function countGroups(machines: readonly MachineTruth[], journal: readonly JournalEntry[]): Counted {
  const groupOf = new Map(machines.map(({ id, group }) => [id, group]));
  const written = updatesIn(journal).map(({ machine }) => groupOf.get(machine ?? '') ?? '?');
  const turns = written.filter((group, index) => group !== written[index - 1]);
  return {
    lines: [
      `  groups that were written to, in their order: ${turns.join(', then ')}; ${written.length} updates`,
      `  writes to zk, which nobody named: ${written.filter((group) => group === 'zk').length}`,
    ],
    isGood: turns.join() === 'supervisor,conductor' && written.length === 10,
  };
}

function countSweep(machines: readonly MachineTruth[], journal: readonly JournalEntry[]): Counted {
  const figures = countDemo(machines, journal);
  return { lines: sayDemo(figures), isGood: isGood(figures) };
}

/** By the name that follows `npm run demo --`. */
export const PLAYS = {
  sweep: {
    type: 'stoppedSweep',
    app: DEMO_APP,
    image: DEMO_IMAGE,
    input: { app: DEMO_APP, image: DEMO_IMAGE },
    scenario: demoScenario,
    ends: 'Completed',
    count: countSweep,
  },
  canary: {
    type: 'regionalCanary',
    app: SHOP,
    image: SHOP_NEW,
    input: { ...SHOP_INPUT, gates: ['approval'] },
    scenario: () => shopScenario({}),
    approval: 'ams:approval',
    ends: 'Completed',
    count: countGood,
  },
  'bad-image': {
    type: 'regionalCanary',
    app: SHOP,
    image: SHOP_NEW,
    input: { ...SHOP_INPUT, healthy: { within: '20s' }, onFailure: 'rollback' },
    scenario: () => shopScenario({ failsChecks: true }),
    ends: 'RolloutRolledBack',
    count: countBack,
  },
  groups: {
    type: 'processGroup',
    app: CLUSTER,
    image: CLUSTER_NEW,
    input: {
      app: CLUSTER,
      image: CLUSTER_NEW,
      groups: [{ group: 'supervisor', maxUnavailable: 1 }, 'approval', 'conductor'],
      bake: '10s',
    },
    scenario: clusterScenario,
    approval: 'supervisor:approval',
    ends: 'Completed',
    count: countGroups,
  },
} as const satisfies Readonly<Record<string, Play>>;

export type PlayName = keyof typeof PLAYS;

export const isPlayName = (name: string): name is PlayName => Object.hasOwn(PLAYS, name);
