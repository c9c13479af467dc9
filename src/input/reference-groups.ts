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

/** The groups of a `stoppedSweep`'s options, in the order in which people ask. */
export const GROUPS: readonly Group[] = [
  {
    title: 'What is changed',
    says: "Give `image`, `env` or both. Nothing else of a machine's config changes. The tag is looked up once, when the rollout is planned; every write names the digest found then. A digest may also be that of an index.",
    options: ['app', 'image', 'env'],
    examples: [
      { says: 'The least there is', input: LEAST },
      { says: 'By digest', input: { ...APP, image: `registry.fly.io/encoder@${DIGEST}` } },
      { says: 'Environment alone: one variable set, one removed', input: { ...APP, env: { LOG: 'debug', OLD: null } } },
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
    options: ['bootFirst', 'maxUnavailable', 'ramp', 'healthy', 'maxFailed'],
    examples: [
      {
        says: 'Try two idle machines first, and bear no failure',
        input: { ...LEAST, bootFirst: 2, healthy: { for: '30s', within: '10m' }, maxFailed: 0 },
      },
      {
        says: 'Stop one machine at a time in each place, as fast as they come',
        input: { ...LEAST, forceAfter: '6h', maxUnavailable: 1, ramp: 'off', maxFailed: '5%' },
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
    ],
  },
  {
    title: 'The start itself',
    says: 'At most one rollout of an app runs. `wait` and `replace` plan first, so that an input which would be refused changes nothing; a rollout that waits plans again at its turn, and its deadline begins then.',
    options: ['dryRun', 'ifRunning'],
    examples: [
      { says: 'The plan only', input: { ...LEAST, dryRun: true } },
      { says: 'Instead of the rollout that runs', input: { ...LEAST, ifRunning: 'replace' } },
    ],
    refused: [{ dryRun: 'yes' }, { ifRunning: 'queue' }],
  },
];
