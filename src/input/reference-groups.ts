import type { InputType } from './types.js';

/** A part of the reference: options that answer one question. */
export interface Group {
  readonly title: string;
  /** What the options' own descriptions cannot say: how they go together. */
  readonly says: string;
  /** Top-level options; each stands in one group. */
  readonly options: readonly string[];
  readonly examples: readonly Example[];
  /** What is added to an input that would do without it, and refused. */
  readonly refused: readonly Written[];
}

type Written = Readonly<Record<string, unknown>>;

interface Example {
  readonly says: string;
  readonly input: Written;
}

const APP = { app: 'encoder' };

/** The shortest input there is. */
export const LEAST: Written = { ...APP, image: 'registry.fly.io/encoder:v42' };

const DIGEST = 'sha256:88b2034bffb11a0c57be5e0df2fd8ed89d8293c1dbc42b2132fe0c2e5fc94ba0';

/** Of every type that changes something. */
const WHAT: readonly Group[] = [
  {
    title: 'What is changed',
    says: 'Give `image`, `env`, `restart`, or some of them; together they are one write a machine. Nothing else of a machine\'s config changes. The tag is looked up once, when the rollout is planned; every write names the digest found then. A digest may also be that of an index. A restart is settled as a time when planned, which plan, status and report print: who has started since is left as it is, so the same `"secrets"` again writes nothing. Set secrets with `fly secrets set --stage`: without it Fly restarts every machine at once. Secret values never pass through Layover. A secret that was only removed leaves no time behind: write `"now"` then. A suspended machine goes on with the secrets it had; see `suspended`.',
    options: ['app', 'image', 'env', 'restart', 'minSecretsVersion'],
    examples: [
      { says: 'The least there is', input: LEAST },
      { says: 'By digest', input: { ...APP, image: `registry.fly.io/encoder@${DIGEST}` } },
      { says: 'Environment alone: one variable set, one removed', input: { ...APP, env: { LOG: 'debug', OLD: null } } },
      { says: 'New secrets: start anew who still runs with the old ones', input: { ...APP, restart: 'secrets', minSecretsVersion: 7 } },
      {
        says: 'Machines with containers: only machines that have every container named here are selected',
        input: { ...APP, image: { api: 'registry.fly.io/api:v7', log: 'registry.fly.io/log:v3' } },
      },
    ],
    refused: [
      { app: undefined },
      { app: 'En coder' },
      { image: undefined },
      { image: 'registry.fly.io/encoder' },
      { image: 'registry.fly.io/En coder:v42' },
      { image: ['registry.fly.io/encoder:v42'] },
      { image: {} },
      { image: { 'api!': 'registry.fly.io/api:v7' } },
      { image: { api: 'registry.fly.io/api:v7' }, env: { LOG: 'debug' } },
      { env: {} },
      { env: { LOG: 1 } },
      { env: { 'A=B': '1' } },
      { restart: 'today' },
      { restart: '2026-11-24 08:00' },
      { image: undefined, restart: 'now', onFailure: 'rollback' },
      { minSecretsVersion: 0 },
    ],
  },
  {
    title: 'Which machines',
    says: 'All machines of the app, unless these say otherwise. Left whatever is written: machines that Fly or flyctl made for a moment (release command, console, test, `auto_destroy`, canary, blue-green left-overs). A name that the app does not have is refused when the rollout is planned.',
    options: ['only', 'except', 'unmanaged', 'suspended', 'allowOtherRepository'],
    examples: [
      {
        says: 'The gold workers in two regions, but for one machine',
        input: {
          ...LEAST,
          only: { regions: ['iad', 'ord'], processGroups: ['worker'], metadata: { tier: 'gold' } },
          except: { machines: ['d8913e2b7c4d48'] },
        },
      },
      {
        says: 'Also suspended machines, those made by the API, and those that run another repository',
        input: { ...LEAST, suspended: 'update', unmanaged: 'include', allowOtherRepository: true },
      },
    ],
    refused: [
      { only: {} },
      { only: ['ord'] },
      { only: { regions: [] } },
      { only: { regions: 'ord' } },
      { only: { regions: [''] } },
      { only: { metadata: {} } },
      { only: { region: ['ord'] } },
      { except: { machines: [] } },
      { unmanaged: 'take' },
      { suspended: true },
      { allowOtherRepository: 'yes' },
    ],
  },
];

const START: Group = {
  title: 'The start itself',
  says: 'At most one rollout of an app runs. `wait` and `replace` plan first, so that an input which would be refused changes nothing; a rollout that waits plans again at its turn, and its deadline begins then.',
  options: ['dryRun', 'ifRunning'],
  examples: [
    { says: 'The plan only', input: { ...LEAST, dryRun: true } },
    { says: 'Instead of the rollout that runs', input: { ...LEAST, ifRunning: 'replace' } },
  ],
  refused: [{ dryRun: 'yes' }, { ifRunning: 'queue' }],
};

const SWEEP: readonly Group[] = [
  {
    title: 'How long, and what of machines that do not stop',
    says: 'Without `forceAfter` no machine is stopped: those still working at the deadline are named, and the rollout ends Partial. With it, [step by step](concepts.md#forceafter-step-by-step). Time spent paused is added to both.',
    options: ['deadline', 'forceAfter'],
    examples: [
      { says: 'Wait three days, stop nobody', input: { ...LEAST, deadline: '3d' } },
      { says: 'Stop who has worked for six hours', input: { ...LEAST, forceAfter: '6h', deadline: '12h' } },
    ],
    refused: [
      { deadline: 24 },
      { deadline: 'soon' },
      { deadline: '0s' },
      { deadline: '91d' },
      { forceAfter: '24h' },
      { forceAfter: '6 hours' },
    ],
  },
  {
    title: 'How many at once, and what is borne',
    says: 'Idle machines: at most half of those in a region and process group at once, and the first of a rollout alone. `maxUnavailable` and `ramp` are about machines that `forceAfter` stops. A share is rounded up for `maxUnavailable` and down for `maxFailed`, and is never less than one machine; a count is taken as written. While no machine is verified, the first failure pauses whatever `maxFailed` says.',
    options: ['bootFirst', 'maxUnavailable', 'ramp', 'healthy', 'maxFailed', 'onFailure'],
    examples: [
      {
        says: 'Try two idle machines first, and bear no failure',
        input: { ...LEAST, bootFirst: 2, healthy: { for: '30s', within: '10m' }, maxFailed: 0 },
      },
      {
        says: 'Stop one machine at a time in each place, as fast as they come',
        input: { ...LEAST, forceAfter: '6h', maxUnavailable: 1, ramp: 'off', maxFailed: '5%' },
      },
      { says: 'Go back by itself when too many fail', input: { ...LEAST, onFailure: 'rollback' } },
    ],
    refused: [
      { bootFirst: '1' },
      { bootFirst: -1 },
      { bootFirst: 101 },
      { maxUnavailable: 0 },
      { maxUnavailable: '0%' },
      { maxUnavailable: 'third' },
      { ramp: 0 },
      { ramp: 'fast' },
      { healthy: { within: '2h' } },
      { healthy: '10s' },
      { healthy: { after: '10s' } },
      { maxFailed: 1.5 },
      { maxFailed: '10 percent' },
      { onFailure: 'stop' },
    ],
  },
];

const CANARY: readonly Group[] = [
  {
    title: 'Region by region',
    says: 'Each entry of `regions` has its turn: its batches, one after another, then its rest (its idle machines last), then a bake while health is watched, then its gates, then a person. Nothing of the next entry is written before. `batches` count the working machines of the entry; a batch is over when all of it have passed. Regions that are not named are not touched, unless `"*"` stands for them. A last pass over all of it finds machines that were made meanwhile.',
    options: ['regions', 'batches', 'bake', 'drain'],
    examples: [
      {
        says: 'The quiet region first, two that move together, then all others; two machines, then three, then the rest',
        input: { ...LEAST, regions: ['ams', ['dfw', 'ord'], '*'], batches: [2, 3], bake: '30m' },
      },
      {
        says: 'A tenth of each region first; each machine is drained for 30 seconds',
        input: { ...LEAST, batches: ['10%'], drain: '30s' },
      },
    ],
    refused: [
      { regions: [] },
      { regions: ['ams', 'ams'] },
      { regions: ['*', 'ams'] },
      { regions: [['ams', '*']] },
      { batches: [0] },
      { batches: 2 },
      { bake: '0s' },
      { drain: '2h' },
    ],
  },
  {
    title: 'Gates',
    says: 'Asked throughout the bake, and PASS from all of them at its end lets the rollout on. FAIL halts it at once. NONE (nothing to judge by: no samples, not a number, an answer that leaves out a region it was asked about) makes the bake longer, up to three times its length, and then pauses. ERROR (the judge itself) is asked again for a minute, and then pauses: a broken judge is no evidence. A query may name `{{app}}`, `{{region}}` and `{{machines}}` (lists like `ams|dfw`, for `=~`) and `{{window}}` (the time since the bake began, less what Prometheus lags behind, five minutes at most); `samples` counts what the answer is made of. Addresses and tokens stand in [the worker’s config](operating.md#gates), never in an input. An approval is waited for a day, unless it says `within`; after the last entry nobody is asked, since nothing follows.',
    options: ['gates'],
    examples: [
      {
        says: 'Fewer than one error in a hundred requests, of 300 at least; an address that judges; a person',
        input: {
          ...LEAST,
          gates: [
            {
              prometheus: {
                query:
                  'sum by (region) (rate(errors_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}])) / sum by (region) (rate(requests_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}]))',
                max: 0.01,
                samples: 'sum(increase(requests_total{app="{{app}}",instance=~"{{machines}}"}[{{window}}]))',
                minSamples: 300,
              },
            },
            { http: 'checkout' },
            'approval',
          ],
        },
      },
      { says: 'A person, within four hours', input: { ...LEAST, gates: [{ approval: { within: '4h' } }] } },
    ],
    refused: [
      { gates: ['approve'] },
      { gates: [{ http: 'check out' }] },
      { gates: [{ prometheus: { query: 'up' } }] },
      { gates: [{ prometheus: { query: 'up{a="{{node}}"}', max: 1 } }] },
      { gates: [{ prometheus: { query: 'up', min: 2, max: 1 } }] },
      { gates: [{ prometheus: { query: 'up', max: 1, minSamples: 3 } }] },
    ],
  },
  {
    title: 'How many at once, and what is borne',
    says: 'Working machines are updated where they are, and end started. So many may be away per region and process group; machines that are no capacity as it is (a check does not pass, cordoned, held) count as away, and go first in the rest of an entry. The first machine goes alone; after each that has passed, `ramp` more may be in flight. In a batch, and in an entry where none has passed yet, the first failure halts, whatever `maxFailed` says. Passed means that all checks pass; a machine without checks has passed when it has run for `healthy.for`, or has exited with 0 by itself.',
    options: ['maxUnavailable', 'ramp', 'healthy', 'maxFailed', 'onFailure'],
    examples: [
      {
        says: 'One at a time in each place, no failure borne, and back by itself',
        input: { ...LEAST, maxUnavailable: 1, ramp: 'off', maxFailed: 0, onFailure: 'rollback' },
      },
      { says: 'Slow starters', input: { ...LEAST, healthy: { for: '1m', within: '15m' } } },
    ],
    refused: [
      { maxUnavailable: 0 },
      { ramp: 0 },
      { healthy: { for: '40m' } },
      { maxFailed: 1.5 },
      { onFailure: 'stop' },
    ],
  },
];

const GROUP: readonly Group[] = [
  {
    title: 'Group by group',
    says: 'Each entry of `groups` has its turn: all its selected machines in all regions, working ones where they are and idle ones last, until two looks in a row find nothing left to do; then a bake, the gates, and a person where one is asked. Nothing of the next group is written before. **Groups that are not named are not touched.** Machines without a group are group `app`, as Fly says. `only` and `except` narrow inside the groups. An object gives a group numbers of its own. `maxUnavailable` of a group counts over the whole group, all regions together, and a machine is away until it has been healthy for `healthy.for`; `whole` takes one machine at a time, and only while every other started machine of the group is healthy; `idleOnly` waits for working machines to stop, for `deadline` (a day if left out), and goes on without those that did not. A plan warns where a majority of a group of three or more may be away at once.',
    options: ['groups', 'bake', 'drain'],
    examples: [
      {
        says: 'Supervisors, a person, then conductors; everything else stays',
        input: { ...LEAST, groups: ['supervisor', 'approval', 'conductor'], bake: '5m' },
      },
      {
        says: 'A cluster one machine at a time, the next when all are healthy again for a minute',
        input: {
          ...LEAST,
          groups: [{ group: 'zk', maxUnavailable: 1, healthy: { for: '1m', within: '10m' }, bake: '5m', whole: true }],
        },
      },
      {
        says: 'New secrets for idle workers now, for working ones when they stop',
        input: { ...APP, restart: 'secrets', groups: [{ group: 'worker', idleOnly: true, deadline: '12h' }] },
      },
    ],
    refused: [
      { groups: undefined },
      { groups: [] },
      { groups: 'zk' },
      { groups: ['zk', 'zk'] },
      { groups: ['approval', 'zk'] },
      { groups: ['zk', 'approval', 'approval', 'web'] },
      { groups: ['zk', 'approval', 'web'], gates: ['approval'] },
      { groups: [{ group: 'zk', maxUnavailable: 0 }] },
      { groups: [{ group: 'zk', whole: false }] },
      { groups: [{ group: 'zk', deadline: '12h' }] },
      { groups: [{ group: 'zk', healthy: { for: '40m' } }] },
      { groups: [{ group: 'zk', ramp: 3 }] },
      { bake: '0s' },
      { drain: '2h' },
    ],
  },
  ...CANARY.slice(1),
];

const BACK: readonly Group[] = [
  {
    title: 'What is taken back',
    says: 'The machines that the rollout wrote to, and any earlier start of the same change, by the marks that they carry: no workflow of it need exist any more. Each returns to the config that it had before, out of the versions that Fly keeps, its image by the digest that ran; where Fly no longer keeps that version its image alone goes back, and is reported. Machines that were changed by hand since are left. What is stopped stays stopped, but for those that worked when they were updated and have crashed since: they are started again. Machines that worked when they were updated go back where they are, newest first, half of them at once. `"latest"` is the rollout that was started last; once taken back it is refused. Machines that were updated while they were stopped, and work now, go back when they stop, unless `force` says that their work may be cut.',
    options: ['app', 'rollout', 'force'],
    examples: [
      { says: 'The latest rollout', input: APP },
      {
        says: 'A rollout as its report names it, whatever works now',
        input: { ...APP, rollout: '0f1e2d3c4b5a.6978', force: true },
      },
    ],
    refused: [{ app: undefined }, { rollout: 'v41' }, { force: 'yes' }, { image: 'registry.fly.io/encoder:v41' }],
  },
];

/** The groups of each type's options, in the order in which people ask; each begins with the shortest input there is. */
export const GROUPS: Readonly<Record<InputType, { readonly least: Written; readonly groups: readonly Group[] }>> = {
  stoppedSweep: { least: LEAST, groups: [...WHAT, ...SWEEP, START] },
  regionalCanary: { least: LEAST, groups: [...WHAT, ...CANARY, START] },
  processGroup: { least: { ...LEAST, groups: ['worker'] }, groups: [...WHAT, ...GROUP, START] },
  rollback: { least: APP, groups: [...BACK, START] },
};
