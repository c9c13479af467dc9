import { z } from 'zod';
import { Sweep } from './parse.js';

/** Rollout types that take an input. */
export const INPUT_TYPES = ['stoppedSweep'] as const;

export type InputType = (typeof INPUT_TYPES)[number];

export const isInputType = (type: string): type is InputType => INPUT_TYPES.some((known) => known === type);

const SCHEMAS = { stoppedSweep: Sweep } as const satisfies Record<InputType, z.ZodType>;

const DURATION = 'Written like "90s", "10m", "6h" or "1h30m".';

const SELECTOR: Readonly<Record<string, string>> = {
  regions: 'Fly regions; any of them.',
  processGroups: 'Process groups; any of them.',
  machines: 'Machine ids; any of them. One that does not exist is an error.',
  metadata: 'Metadata of the machine; every key must have its value.',
};

const selector = (path: string): (readonly [string, string])[] =>
  Object.entries(SELECTOR).map(([name, says]) => [`${path}.${name}`, says]);

/** What every option means, by its path: editors show it beside the option, and the reference is made of it. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  app: 'The Fly app. At most one rollout of an app runs at a time.',
  image:
    'The image by tag or digest; pinned to the tag’s digest once, when planned. For machines with containers an object: container name to image.',
  env: 'Variables to set, or to remove with null. Values are visible in the workflow’s history: no secrets.',
  only: 'Which machines: AND between its keys, OR inside a list. Left out: all.',
  except: 'Which machines are left out: any key that fits suffices.',
  ...Object.fromEntries([...selector('only'), ...selector('except')]),
  unmanaged: 'Machines made by the API, without fly_platform_version=v2: leave them, or include them.',
  suspended: 'Suspended machines: leave them while suspended, or update them, which loses their memory.',
  healthy: 'When a machine counts as healthy on the new version.',
  'healthy.for': `How long it must run, where it has no checks. ${DURATION}`,
  'healthy.within': `How long an update may take to settle, at most 1h. ${DURATION}`,
  deadline: `When the rollout ends, done or not; pauses stop its clock. At most 90 days. ${DURATION}`,
  forceAfter: `Working machines are stopped for their update so long after their last start; left out: never. ${DURATION}`,
  bootFirst: 'So many machines are started after their update, and judged, before all others. At most 100.',
  maxUnavailable:
    'How many of the machines meant to be up may be away at once, per region and process group: a share or a count.',
  ramp: 'After each machine that passed so many more may be away; "off": all that maxUnavailable lets.',
  dryRun: 'Plan only, and write nothing.',
  ifRunning: 'While another rollout of the app runs: refuse, wait for its end, or replace it (abort it first).',
  maxFailed: 'Failures that are borne, of the machines passed or failed so far: a share like "10%", or a count.',
  allowOtherRepository: 'Whether machines that run another repository may be updated too.',
};

/** zod has no word for what a function checks. The name's rule stands in src/domain/names. */
const BY_HAND: Readonly<Record<string, object>> = {
  app: { type: 'string', pattern: '^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$' },
};

type Node = Record<string, unknown>;

/** `['properties', 'only', 'properties', 'regions']` as `only.regions`; undefined for what is no option. */
function pathOf(path: readonly (string | number)[]): string | undefined {
  const isOption = path.length > 0 && path.every((part, index) => index % 2 === 1 || part === 'properties');
  return isOption && path.length % 2 === 0 ? path.filter((_, index) => index % 2 === 1).join('.') : undefined;
}

/**
 * The JSON Schema (2020-12) of what an operator writes for a type, from the parser's own schema, each option with its
 * description. The parser checks more: durations, names that exist, and that there is something to change.
 */
export function inputSchema(type: InputType): Node {
  const schema = z.toJSONSchema(SCHEMAS[type], {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema, path }) => {
      const option = pathOf(path);
      if (option === undefined) return;
      const description = DESCRIPTIONS[option];
      Object.assign(jsonSchema, BY_HAND[option], description === undefined ? {} : { description });
    },
  });
  return { ...schema, title: type, description: `Input of the workflow type ${type}.` };
}
