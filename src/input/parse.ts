import { z } from 'zod';
import { appNameProblem, isObject, shapeProblem } from '../domain/names.js';
import { parseAmount } from './amount.js';
import { parseDuration } from './duration.js';
import type { NonEmpty, RolloutInput } from './types.js';

/** Of what a parser gives back, text is the sentence that says what is wrong. */
const orSaid =
  <W, T extends number | object>(parse: (written: W) => T | string) =>
  (written: W, context: z.RefinementCtx): T => {
    const parsed = parse(written);
    if (typeof parsed !== 'string') return parsed;
    context.addIssue({ code: 'custom', message: parsed });
    return z.NEVER;
  };

const Duration = z.string({ error: 'must be text like "90s", "10m" or "6h"' }).transform(orSaid(parseDuration));

const Amount = z
  .union([z.string(), z.number()], { error: 'must be a share like "10%", or a count as a number' })
  .transform(orSaid(parseAmount));

const Count = z.int('must be a whole number, like 1').min(0, 'must not be below 0');

const names = (what: string) =>
  z.array(z.string().min(1, 'must not be empty')).transform((list, context): NonEmpty<string> => {
    const [first, ...rest] = list;
    if (first !== undefined) return [first, ...rest];
    context.addIssue({ code: 'custom', message: `must name at least one ${what}; leave the key out to mean "any"` });
    return z.NEVER;
  });

/** One try of an update may wait this long for a machine to settle; the activity's timeout is above it. */
const LONGEST_WITHIN_MS = 3_600_000;

const Selector = z
  .strictObject({
    regions: names('region').optional(),
    processGroups: names('process group').optional(),
    machines: names('machine id').optional(),
    metadata: z
      .record(z.string().min(1), z.string())
      .refine((map) => Object.keys(map).length > 0, 'must name at least one key')
      .optional(),
  })
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

/** What an operator writes for a `stoppedSweep`, before defaults. */
export const Sweep = z
  .strictObject({
    app: z.custom<string>((app) => appNameProblem(app) === undefined),
    image: Image.optional(),
    env: z
      .record(EnvName, z.union([z.string(), z.null()], { error: 'must be text, or null to remove it' }))
      .refine((env) => Object.keys(env).length > 0, 'must name at least one variable')
      .optional(),
    only: Selector.optional(),
    except: Selector.optional(),
    unmanaged: z.enum(['leave', 'include']).default('leave'),
    suspended: z.enum(['leave', 'update']).default('leave'),
    healthy: z
      .strictObject({
        for: Duration.prefault('10s'),
        within: Duration.prefault('5m').refine((ms) => ms <= LONGEST_WITHIN_MS, 'must not be longer than 1h'),
      })
      .prefault({})
      .transform(({ for: forMs, within: withinMs }) => ({ forMs, withinMs })),
    deadline: Duration.prefault('24h'),
    forceAfter: Duration.optional(),
    bootFirst: Count.max(100, 'must be at most 100').default(0),
    maxUnavailable: Amount.prefault('33%').refine(
      (amount) => !('count' in amount) || amount.count > 0,
      'must be at least 1: nothing could ever be updated otherwise',
    ),
    ramp: z
      .union(
        [Count.min(1, 'must be at least 1, or "off"'), z.literal('off')],
        'must be a whole number of at least 1, or "off"',
      )
      .default(3),
    dryRun: z.boolean({ error: 'must be true or false' }).default(false),
    ifRunning: z.enum(['refuse', 'wait', 'replace']).default('refuse'),
    maxFailed: Amount.prefault('10%'),
    allowOtherRepository: z.boolean({ error: 'must be true or false' }).default(false),
  })
  .refine((input) => input.image !== undefined || input.env !== undefined, {
    message: 'nothing to change: give "image", "env", or both',
  })
  .refine((input) => typeof input.image !== 'object' || input.env === undefined, {
    path: ['env'],
    message: 'cannot be changed for machines with containers, each of which has its own; put it into their images',
  })
  .refine((input) => input.forceAfter === undefined || input.forceAfter < input.deadline, {
    path: ['forceAfter'],
    message: 'must be shorter than "deadline", or nobody would ever be stopped; raise "deadline" or lower it',
  });

/** Options of the design that this release does not have: refused with a sentence, never ignored. */
const LATER: Readonly<Record<string, string>> = {
  restart: 'this release changes image and env only',
  minSecretsVersion: 'this release changes image and env only',
  onFailure: 'this release pauses on failure',
  regions: 'to narrow a sweep to regions write "only": {"regions": […]}',
  batches: 'it belongs to regionalCanary',
  bake: 'it belongs to regionalCanary',
  drain: 'it belongs to regionalCanary',
  gates: 'it belongs to regionalCanary',
  groups: 'to narrow a sweep to process groups write "only": {"processGroups": […]}',
};

const POLLUTING = ['__proto__', 'prototype', 'constructor'];

function pollution(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`;
    return POLLUTING.includes(key)
      ? [`${here}: this name is refused; it could change how programs read the input`]
      : pollution(inner, here);
  });
}

/** Of the forms that a value may have, what is wrong by the one that it was meant to have; none where it has no form. */
function variantOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] {
  const isWrongForm = ({ code, path }: z.core.$ZodIssue) =>
    path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
  return errors.find((issues) => !issues.some(isWrongForm)) ?? [];
}

/** What an issue is made of, and is told by. */
function innerOf(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] {
  if (issue.code === 'invalid_key') return issue.issues.slice(0, 1);
  return issue.code === 'invalid_union' ? variantOf(issue) : [];
}

function sayUnknown(keys: readonly string[], path: string): string[] {
  return keys.map((key) => {
    const later = path === '' && Object.hasOwn(LATER, key) ? LATER[key] : undefined;
    const whole = path === '' ? key : `${path}.${key}`;
    return later === undefined
      ? `${whole}: is not an option here; a typing error?`
      : `${whole}: comes with a later release; ${later}`;
  });
}

function sayIssue(issue: z.core.$ZodIssue, input: object, above: readonly PropertyKey[] = []): string[] {
  const whole = [...above, ...issue.path];
  const path = whole.map(String).join('.');
  if (issue.code === 'unrecognized_keys') return sayUnknown(issue.keys, path);
  if (path === 'app') return [appNameProblem('app' in input ? input.app : undefined) ?? 'app: is no app name'];
  if (issue.code === 'invalid_value')
    return [`${path}: must be one of ${issue.values.map((v) => JSON.stringify(v)).join(', ')}`];
  const inner = innerOf(issue);
  if (inner.length > 0) return inner.flatMap((one) => sayIssue(one, input, whole));
  return [path === '' ? issue.message : `${path}: ${issue.message}`];
}

export type ParsedInput =
  { readonly ok: true; readonly input: RolloutInput } | { readonly ok: false; readonly problems: readonly string[] };

/**
 * Reads what an operator wrote for a `stoppedSweep`.
 * @param input the JSON value as it came; @returns the input with its defaults, or every problem with its path.
 */
export function parseInput(input: unknown): ParsedInput {
  const problem = shapeProblem(input);
  if (problem !== undefined || !isObject(input))
    return { ok: false, problems: [problem ?? 'the input must be one JSON object'] };
  const polluted = pollution(input, '');
  if (polluted.length > 0) return { ok: false, problems: polluted };
  const parsed = Sweep.safeParse(input);
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.flatMap((issue) => sayIssue(issue, input)) };
  }
  const { deadline, forceAfter, only, except, image, env, ...rest } = parsed.data;
  return {
    ok: true,
    input: {
      type: 'stoppedSweep',
      ...rest,
      deadlineMs: deadline,
      ...(forceAfter === undefined ? {} : { forceAfterMs: forceAfter }),
      ...(image === undefined ? {} : { image }),
      ...(env === undefined ? {} : { env }),
      ...(only === undefined ? {} : { only }),
      ...(except === undefined ? {} : { except }),
    },
  };
}
