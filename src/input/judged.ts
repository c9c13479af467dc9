import { z } from 'zod';
import { Duration } from './fields.js';
import { GateInput, type Gates, readGates } from './gates.js';

/** What the types take that update working machines where they are, and judge them before they go on. */
export const JUDGED = {
  bake: Duration.prefault('10m'),
  drain: Duration.refine((ms) => ms <= 3_600_000, 'must not be longer than 1h').optional(),
  gates: z
    .array(GateInput, 'must be a list, like ["approval"]')
    .max(20, 'must not have more than 20 entries')
    .default([]),
} as const;

interface Written {
  readonly bake: number;
  readonly drain?: number | undefined;
  readonly gates: readonly z.output<typeof GateInput>[];
}

/** What was written of them, as it is known inside. */
export const readJudged = ({
  bake,
  drain,
  gates,
}: Written): Gates & { readonly bakeMs: number; readonly drainMs?: number } => ({
  bakeMs: bake,
  ...(drain === undefined ? {} : { drainMs: drain }),
  ...readGates(gates),
});

/** Well under the patience of a step (domain/progress.ts). */
const LONGEST_FOR_MS = 20 * 60_000;

/** What is wrong with a `healthy.for`; undefined where nothing is. */
export const patienceProblem = (forMs: number): string | undefined =>
  forMs <= LONGEST_FOR_MS
    ? undefined
    : 'must not be longer than 20m here: a step that moves nothing for half an hour pauses; "bake" watches for longer';

/** Said of a `healthy.for` that no step waits for. */
export function checkPatience({ healthy }: { readonly healthy: { readonly forMs: number } }, context: z.RefinementCtx) {
  const message = patienceProblem(healthy.forMs);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['healthy', 'for'], message });
}
