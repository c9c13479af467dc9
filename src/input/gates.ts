import { z } from 'zod';
import { Duration } from './fields.js';
import type { Gate } from './types.js';

/** What a query may name, by what the judge puts there. */
export const PLACEHOLDERS = ['app', 'region', 'machines', 'window'] as const;

function queryProblem(query: string): string | undefined {
  const named = [...query.matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)].map(([, name]) => name ?? '');
  const unknown = named.find((name) => !PLACEHOLDERS.some((known) => known === name));
  return unknown === undefined
    ? undefined
    : `{{${unknown}}} is not known; a query may name ${PLACEHOLDERS.map((name) => `{{${name}}}`).join(', ')}`;
}

const Bound = z.number('must be a number, like 0.01').refine(Number.isFinite, 'must be a number, like 0.01');

const Query = z
  .string('must be text')
  .min(1, 'must not be empty')
  .max(4_000, 'must not be longer than 4000 letters')
  .superRefine((query, context) => {
    const message = queryProblem(query);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });

const Prometheus = z
  .strictObject(
    {
      query: Query,
      samples: Query.optional(),
      min: Bound.optional(),
      max: Bound.optional(),
      minSamples: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
    },
    'must be an object like {"query": "…{{region}}…", "max": 0.01}',
  )
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs "min" or "max": what a good answer is')
  .refine(({ samples, minSamples }) => minSamples === undefined || samples !== undefined, {
    path: ['minSamples'],
    message: 'needs "samples": a query that counts them, like sum(increase(requests_total[{{window}}]))',
  })
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, {
    path: ['min'],
    message: 'must not be above "max": no answer would ever be good',
  });

const HttpName = z.string('must be text').regex(/^[\w-]{1,40}$/, 'must be a name that the worker’s config has');
/** A person's yes, with how long it is waited for. */
export const Approval = z.strictObject({ within: Duration }, 'must be an object like {"within": "24h"}');

/** A question before a rollout goes on, as it is written. */
export const GateInput = z.union(
  [
    z.literal('approval'),
    z.strictObject({ approval: Approval }),
    z.strictObject({ http: HttpName }),
    z.strictObject({ prometheus: Prometheus }),
  ],
  'must be "approval", {"http": "<name>"}, or {"prometheus": {"query": "…", "max": 0.01}}',
);

type Written = z.output<typeof GateInput>;

/** A person has a day, unless the input says otherwise. */
const APPROVAL_MS = 86_400_000;

/** How long an approval is waited for. */
export const approvalMsOf = (written: 'approval' | { readonly approval: { readonly within: number } }): number =>
  written === 'approval' ? APPROVAL_MS : written.approval.within;

/** The gates that judge, each under its name, and how long a person's yes is waited for. */
export interface Gates {
  readonly gates: readonly Gate[];
  readonly approvalMs?: number;
}

function toGate(written: Written, number: number): Gate | undefined {
  if (written === 'approval' || 'approval' in written) return undefined;
  if ('http' in written) return { kind: 'http', name: `http:${written.http}` };
  const { query, min, max, samples, minSamples } = written.prometheus;
  return {
    kind: 'prometheus',
    name: `prometheus:${number}`,
    query,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(samples === undefined ? {} : { samples }),
    ...(minSamples === undefined ? {} : { minSamples }),
  };
}

/** What a list of gates asks for. */
export function readGates(written: readonly Written[]): Gates {
  const gates = written.flatMap((one, index) => toGate(one, index + 1) ?? []);
  const approval = written.find((one) => one === 'approval' || 'approval' in one);
  return approval === undefined ? { gates } : { gates, approvalMs: approvalMsOf(approval) };
}
