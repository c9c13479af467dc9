import { z } from 'zod';
import { appNameProblem } from '../domain/names.js';
import { parseAmount } from './amount.js';
import { parseDuration } from './duration.js';
import type { NonEmpty, Restart } from './types.js';

/** Of what a parser gives back, text is the sentence that says what is wrong. */
const orSaid =
  <W, T extends number | object>(parse: (written: W) => T | string) =>
  (written: W, context: z.RefinementCtx): T => {
    const parsed = parse(written);
    if (typeof parsed !== 'string') return parsed;
    context.addIssue({ code: 'custom', message: parsed });
    return z.NEVER;
  };

/** Text like "10m", as milliseconds. */
export const Duration = z.string({ error: 'must be text like "90s", "10m" or "6h"' }).transform(orSaid(parseDuration));

/** A count, or text like "33%", as a share. */
export const Amount = z
  .union([z.string(), z.number()], { error: 'must be a share like "10%", or a count as a number' })
  .transform(orSaid(parseAmount));

export const Count = z.int('must be a whole number, like 1').min(0, 'must not be below 0');

/** A list that is never empty. */
export const names = (what: string) =>
  z
    .array(z.string('must be text').min(1, 'must not be empty'), `must be a list, even of one ${what}, like ["…"]`)
    .transform((list, context): NonEmpty<string> => {
      const [first, ...rest] = list;
      if (first !== undefined) return [first, ...rest];
      context.addIssue({ code: 'custom', message: `must name at least one ${what}; leave the key out to mean "any"` });
      return z.NEVER;
    });

/** One try of an update may wait this long for a machine to settle; the activity's timeout is above it. */
const LONGEST_WITHIN_MS = 3_600_000;

const Selector = z
  .strictObject(
    {
      regions: names('region').optional(),
      processGroups: names('process group').optional(),
      machines: names('machine id').optional(),
      metadata: z
        .record(
          z.string().min(1, 'a metadata key must not be empty'),
          z.string('must be text'),
          'must be an object like {"tier": "gold"}',
        )
        .refine((map) => Object.keys(map).length > 0, 'must name at least one key')
        .optional(),
    },
    'must be an object like {"regions": ["ord"]}',
  )
  .refine(
    (selector) => Object.keys(selector).length > 0,
    'must name at least one of regions, processGroups, machines, metadata',
  );

const EnvName = z.string().regex(/^[^=\0]+$/, 'an environment name must not be empty or hold "=" or NUL');

const Reference = z
  .string('must be text like "registry.fly.io/encoder:v42"')
  .regex(
    /^[a-z0-9][\w.-]*(?::\d+(?=\/))?(?:\/[a-z0-9][\w.-]*)*(?::\w[\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/,
    'must be an image reference like "registry.fly.io/encoder:v42"',
  )
  .refine(
    (image) => image.includes('@') || /:[^/]+$/.test(image),
    'must name a tag or a digest; "latest" is written out too',
  );

const ContainerName = z
  .string()
  .regex(/^[\w.-]{1,63}$/, 'is no container name (letters, digits, dot, dash, underscore)');

const Containers = z
  .record(ContainerName, Reference)
  .refine((images) => Object.keys(images).length > 0, 'must name at least one container');

const Image = z.union(
  [Reference, Containers],
  'must be text like "registry.fly.io/encoder:v42", or for machines with containers {"<container>": "<image>"}',
);

/** With its zone: a time without one would be the worker's. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

const Restart = z
  .string('must be text: "now", "secrets", or a time like "2026-11-24T08:00:00Z"')
  .transform((text, context): Restart => {
    if (text === 'now' || text === 'secrets') return text;
    const atMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(atMs)) return { atMs };
    const message = 'must be "now", "secrets", or a time with its zone, like "2026-11-24T08:00:00Z"';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const Flag = z.boolean({ error: 'must be true or false' });

/** A Fly app by name. */
export const App = z.custom<string>((app) => appNameProblem(app) === undefined);

/** What every type takes that starts something. */
export const START = {
  dryRun: Flag.default(false),
  ifRunning: z.enum(['refuse', 'wait', 'replace']).default('refuse'),
  source: z
    .strictObject(
      {
        commit: z
          .string('must be text')
          .regex(/^[a-f0-9]{40}$/, 'must be a whole commit id, forty hex digits, like the ${{ github.sha }} of Actions')
          .optional(),
        pullRequest: Count.min(1, 'must be the number of a pull request').optional(),
      },
      'must be an object like {"commit": "<40 hex digits>"}',
    )
    .refine((source) => Object.keys(source).length > 0, 'must name a commit, a pullRequest, or both')
    .transform(({ commit, pullRequest }) => ({
      ...(commit === undefined ? {} : { commit }),
      ...(pullRequest === undefined ? {} : { pullRequest }),
    }))
    .optional(),
} as const;

/** When a started machine counts as healthy. */
export const Healthy = z
  .strictObject(
    {
      for: Duration.prefault('10s'),
      within: Duration.prefault('5m').refine((ms) => ms <= LONGEST_WITHIN_MS, 'must not be longer than 1h'),
    },
    'must be an object like {"for": "10s", "within": "5m"}',
  )
  .transform(({ for: forMs, within: withinMs }) => ({ forMs, withinMs }));

/** How many may be away at once. */
export const MaxUnavailable = Amount.refine(
  (amount) => !('count' in amount) || amount.count > 0,
  'must be at least 1: nothing could ever be updated otherwise',
);

/** No process can be given a NUL in its environment. */
const EnvValue = z.string().regex(/^[^\0]*$/, 'must not hold NUL');

/** What every type takes that changes something. */
export const CHANGE = {
  app: App,
  image: Image.optional(),
  env: z
    .record(
      EnvName,
      z.union([EnvValue, z.null()], { error: 'must be text, or null to remove it' }),
      'must be an object like {"LOG": "debug"}',
    )
    .refine((env) => Object.keys(env).length > 0, 'must name at least one variable')
    .optional(),
  restart: Restart.optional(),
  minSecretsVersion: Count.min(1, 'must be at least 1').optional(),
  only: Selector.optional(),
  except: Selector.optional(),
  unmanaged: z.enum(['leave', 'include']).default('leave'),
  suspended: z.enum(['leave', 'update']).default('leave'),
  healthy: Healthy.prefault({}),
  maxUnavailable: MaxUnavailable.prefault('33%'),
  ramp: z
    .union(
      [Count.min(1, 'must be at least 1, or "off"'), z.literal('off')],
      'must be a whole number of at least 1, or "off"',
    )
    .default(3),
  maxFailed: Amount.prefault('10%'),
  onFailure: z.enum(['pause', 'rollback']).default('pause'),
  maxMixed: Duration.optional(),
  allowOtherRepository: Flag.default(false),
  ...START,
} as const;

interface Changing {
  readonly restart?: Restart | undefined;
  readonly onFailure: 'pause' | 'rollback';
  readonly image?: string | Readonly<Record<string, string>> | undefined;
  readonly env?: Readonly<Record<string, string | null>> | undefined;
}

/** Said of an input that changes nothing, that has nothing to go back to, or that asks for an env that containers do not have. */
export function checkChange({ image, env, restart, onFailure }: Changing, context: z.RefinementCtx): void {
  const isSame = image === undefined && env === undefined;
  if (isSame && restart === undefined)
    context.addIssue({ code: 'custom', message: 'nothing to change: give "image", "env", "restart", or some of them' });
  if (isSame && restart !== undefined && onFailure === 'rollback') {
    const message = 'must be "pause": a restart alone changes nothing that could be taken back';
    context.addIssue({ code: 'custom', path: ['onFailure'], message });
  }
  if (typeof image === 'object' && env !== undefined) {
    const message =
      'cannot be changed for machines with containers, each of which has its own; put it into their images';
    context.addIssue({ code: 'custom', path: ['env'], message });
  }
}
