import { APP, LEAST } from './reference-least.js';
import { CANARY, GROUP } from './reference-serving.js';
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
      {
        says: 'New secrets: start anew who still runs with the old ones',
        input: { ...APP, restart: 'secrets', minSecretsVersion: 7 },
      },
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
  options: ['dryRun', 'ifRunning', 'source'],
  examples: [
    { says: 'The plan only', input: { ...LEAST, dryRun: true } },
    { says: 'Instead of the rollout that runs', input: { ...LEAST, ifRunning: 'replace' } },
    {
      says: 'From CI, for a commit and its pull request',
      input: { ...LEAST, source: { commit: '9fceb02d0ae598e95dc970b74767f19372d61af8', pullRequest: 42 } },
    },
  ],
  refused: [
    { dryRun: 'yes' },
    { ifRunning: 'queue' },
    { source: {} },
    { source: { commit: '9fceb02' } },
    { source: { pullRequest: 0 } },
  ],
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
    options: ['bootFirst', 'maxUnavailable', 'ramp', 'healthy', 'maxFailed', 'onFailure', 'maxMixed'],
    examples: [
      {
        says: 'Try two idle machines first, and bear no failure',
        input: { ...LEAST, bootFirst: 2, healthy: { for: '30s', within: '10m' }, maxFailed: 0 },
      },
      {
        says: 'Stop one machine at a time in each place, as fast as they come',
        input: { ...LEAST, forceAfter: '6h', maxUnavailable: 1, ramp: 'off', maxFailed: '5%' },
      },
      {
        says: 'Go back by itself when too many fail; ask somebody when two versions run side by side for two days',
        input: { ...LEAST, onFailure: 'rollback', maxMixed: '48h' },
      },
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

const BACK: readonly Group[] = [
  {
    title: 'What is taken back',
    says: 'The machines that the rollout wrote to, and any earlier start of the same change, by the marks that they carry: no workflow of it need exist any more. Each returns to the config that it had before, out of the versions that Fly keeps, its image by the digest that ran; where Fly no longer keeps that version its image alone goes back, and is reported. Machines that were changed by hand since are left. What is stopped stays stopped, but for those that worked when they were updated and have crashed since: they are started again. Machines that worked when they were updated go back where they are, newest first, up to half of a region and group at once, and of a whole group never so many that no majority stays. `"latest"` is the rollout that was started last; once taken back it is refused. Machines that were updated while they were stopped, and work now, go back when they stop, unless `force` says that their work may be cut.',
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
