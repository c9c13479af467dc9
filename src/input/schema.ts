import { z } from 'zod';
import { SCHEMAS } from './parse.js';
import type { InputType } from './types.js';

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
  restart:
    'Working machines start anew: "now", "secrets" (those that started before a secret was last set), or those that started before a time, like "2026-11-24T08:00:00Z". Idle ones get no write for it: they read new secrets at their next start.',
  minSecretsVersion: 'Fly is told to start machines with secrets of this version, or newer ones.',
  groups:
    'Process groups in their order, "approval" between two where a person is to say yes; what is not named is not touched. An object where a group needs numbers of its own: group, and any of maxUnavailable, healthy, bake, idleOnly, deadline, whole.',
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
  ramp: 'After each verified machine so many more may be away; "off": all that maxUnavailable lets.',
  onFailure: 'What happens when too many have failed, or a gate says FAIL: pause, or go back to what ran before.',
  maxMixed: `Two versions side by side for longer than this, and the rollout pauses, so that somebody decides; left out: never. ${DURATION}`,
  regions:
    'Region by region: a name, a list of regions that move together, or "*" (last) for all that are left. Left out: one by one, the smallest first.',
  batches:
    'Working machines of each entry of regions that are updated and judged first, one batch after another: counts, or shares of the entry. Then its rest.',
  bake: `How long health is watched after each entry (region or group), and after the last with the way back still open. ${DURATION}`,
  drain: `How long a working machine is out of the proxy’s routing before its update; left out: it is not taken out. ${DURATION}`,
  gates:
    'What has to be answered with PASS at the end of each bake: a query to Prometheus, an address of the worker’s config, a person’s "approval".',
  rollout: 'Which rollout is taken back: "latest", or as its report names it.',
  force: 'Take back working machines at once, also those that were updated while idle: their work is cut.',
  dryRun: 'Plan only, and write nothing.',
  ifRunning: 'While another rollout of the app runs: refuse, wait for its end, or replace it (abort it first).',
  source:
    'What the rollout is for, where GitHub is told of it: its commit gets a deployment, its pull request a comment.',
  'source.commit': 'The whole commit id.',
  'source.pullRequest': 'The number of the pull request.',
  maxFailed: 'Failures that are borne, of the machines verified or failed so far: a share like "10%", or a count.',
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
