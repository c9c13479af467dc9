import { z } from 'zod';
import { isObject, shapeProblem } from '../domain/names.js';
import { Canary, readCanary } from './canary.js';
import { Group, readGroups } from './groups.js';
import { App, CHANGE, checkChange, Count, Duration, START } from './fields.js';
import { pollution, sayIssue } from './problems.js';
import type { ChangeInput, InputType, RolloutInput, Source } from './types.js';

/** What an operator writes for a `stoppedSweep`, before defaults. */
const Sweep = z
  .strictObject({
    ...CHANGE,
    deadline: Duration.prefault('24h'),
    forceAfter: Duration.optional(),
    bootFirst: Count.max(100, 'must be at most 100').default(0),
  })
  .superRefine(checkChange)
  .refine((input) => input.forceAfter === undefined || input.forceAfter < input.deadline, {
    path: ['forceAfter'],
    message: 'must be shorter than "deadline", or nobody would ever be stopped; raise "deadline" or lower it',
  });

/** `latest`, the hash of a change, or that of one start of it, as marks and reports name them. */
const ROLLOUT = /^(?:latest|[a-f0-9]{12}(?:\.[\w-]{1,40})?)$/;

/** What an operator writes for a `rollback`, before defaults. */
const Rollback = z.strictObject({
  app: App,
  rollout: z
    .string('must be text like "latest"')
    .regex(ROLLOUT, 'must be "latest", or a rollout as its report names it, like "0f1e2d3c4b5a.6978"')
    .default('latest'),
  force: z.boolean({ error: 'must be true or false' }).default(false),
  ...START,
});

/** What an operator writes, by the type that is started. */
export const SCHEMAS = {
  stoppedSweep: Sweep,
  regionalCanary: Canary,
  processGroup: Group,
  rollback: Rollback,
} as const satisfies Record<InputType, z.ZodType>;

/** Options of other types and of later releases: refused with a sentence, never ignored. */
export const ELSEWHERE: Readonly<Record<InputType, Readonly<Record<string, string>>>> = {
  stoppedSweep: {
    regions: 'to narrow a sweep to regions write "only": {"regions": […]}',
    batches: 'it belongs to regionalCanary',
    bake: 'it belongs to regionalCanary and processGroup',
    drain: 'it belongs to regionalCanary and processGroup',
    gates: 'it belongs to regionalCanary and processGroup',
    groups: 'to narrow a sweep to process groups write "only": {"processGroups": […]}',
  },
  regionalCanary: {
    deadline: 'a canary goes on from step to step, each with an end of its own',
    forceAfter: 'it belongs to stoppedSweep; a canary updates working machines where they are',
    bootFirst: 'it belongs to stoppedSweep',
    groups: 'to narrow a canary to process groups write "only": {"processGroups": […]}',
  },
  processGroup: {
    deadline:
      'a processGroup goes on from group to group; of a group with "idleOnly" write {"group": "…", "idleOnly": true, "deadline": "12h"}',
    forceAfter: 'it belongs to stoppedSweep; a processGroup updates working machines where they are',
    bootFirst: 'it belongs to stoppedSweep',
    regions: 'to narrow groups to regions write "only": {"regions": […]}',
    batches: 'it belongs to regionalCanary; of a group write {"group": "…", "maxUnavailable": 1}',
  },
  rollback: {
    image: 'a rollback goes back to what each machine ran before; to bring another image start a sweep or a canary',
    env: 'a rollback goes back to what each machine ran before',
    restart: 'a rollback goes back to what each machine ran before; to restart machines start a sweep or a canary',
    only: 'a rollback takes back all that a rollout wrote',
    except: 'a rollback takes back all that a rollout wrote',
  },
};

interface Optional {
  readonly source?: Source | undefined;
  readonly restart?: ChangeInput['restart'] | undefined;
  readonly minSecretsVersion?: number | undefined;
  readonly image?: ChangeInput['image'] | undefined;
  readonly env?: ChangeInput['env'] | undefined;
  readonly only?: ChangeInput['only'] | undefined;
  readonly except?: ChangeInput['except'] | undefined;
}

const OPTIONAL = [
  'image',
  'env',
  'restart',
  'minSecretsVersion',
  'only',
  'except',
  'source',
] as const satisfies (keyof Optional)[];

/** What was left out is not there, rather than undefined. */
function present<T extends Optional>({
  maxMixed,
  ...data
}: T & { readonly maxMixed?: number | undefined }): Omit<T, keyof Optional | 'maxMixed'> &
  Pick<ChangeInput, keyof Optional | 'maxMixedMs'> {
  const there = Object.entries(data).filter(
    ([key, value]) => value !== undefined || !OPTIONAL.some((name) => name === key),
  );
  return {
    ...Object.fromEntries(there),
    ...(maxMixed === undefined ? {} : { maxMixedMs: maxMixed }),
  } as ReturnType<typeof present<T>>;
}

/** Each type's input as it is known inside. */
const READ = {
  stoppedSweep(data: z.output<typeof Sweep>): RolloutInput {
    const { deadline: deadlineMs, forceAfter, ...rest } = data;
    const force = forceAfter === undefined ? {} : { forceAfterMs: forceAfter };
    return { type: 'stoppedSweep', ...present(rest), deadlineMs, ...force };
  },
  regionalCanary(data: z.output<typeof Canary>): RolloutInput {
    const { regions, batches, bake, drain, gates, ...rest } = data;
    return { type: 'regionalCanary', ...present(rest), ...readCanary({ regions, batches, bake, drain, gates }) };
  },
  processGroup(data: z.output<typeof Group>): RolloutInput {
    const { groups, bake, drain, gates, ...rest } = data;
    return { type: 'processGroup', ...present(rest), ...readGroups({ groups, bake, drain, gates }) };
  },
  rollback: ({ source, ...data }: z.output<typeof Rollback>): RolloutInput => ({
    type: 'rollback',
    ...data,
    ...(source === undefined ? {} : { source }),
  }),
} as const;

export type ParsedInput =
  { readonly ok: true; readonly input: RolloutInput } | { readonly ok: false; readonly problems: readonly string[] };

function parseAs(type: InputType, input: object): ParsedInput {
  const schema: z.ZodType = SCHEMAS[type];
  const parsed = schema.safeParse(input);
  if (!parsed.success) {
    return { ok: false, problems: parsed.error.issues.flatMap((issue) => sayIssue(issue, input, ELSEWHERE[type])) };
  }
  const read = READ[type] as (data: unknown) => RolloutInput;
  return { ok: true, input: read(parsed.data) };
}

/**
 * Reads what an operator wrote for a type.
 * @param input the JSON value as it came; @returns the input with its defaults, or every problem with its path.
 */
export function parseInput(type: InputType, input: unknown): ParsedInput {
  const problem = shapeProblem(input);
  if (problem !== undefined || !isObject(input))
    return { ok: false, problems: [problem ?? 'the input must be one JSON object'] };
  const polluted = pollution(input, '');
  return polluted.length > 0 ? { ok: false, problems: polluted } : parseAs(type, input);
}
