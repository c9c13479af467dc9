import { z } from 'zod';

/**
 * What a simulator is asked afterwards: its call log and how its machines really are. The shapes are written down
 * here anew and loosely, so that a mistake in the simulator's own types cannot hide one from the judge.
 */
const JournalEntry = z.looseObject({
  n: z.number(),
  t: z.number(),
  /** `call`, `control`, or the name of what happened. */
  kind: z.string(),
  op: z.string().optional(),
  app: z.string().optional(),
  machine: z.string().optional(),
  status: z.union([z.number(), z.literal('cut')]).optional(),
  /** What it would have been answered without the fault: it took effect all the same. */
  actual: z.number().optional(),
  /** When a call that took time came in; `t` is when it took effect or was answered. */
  began: z.number().optional(),
  fault: z.string().optional(),
  leaseDescription: z.string().optional(),
  marks: z.record(z.string(), z.string().nullable()).optional(),
  version: z.string().optional(),
  stateBefore: z.string().optional(),
  working: z.boolean().optional(),
  skipLaunch: z.boolean().optional(),
  state: z.string().optional(),
  why: z.string().optional(),
  /** The call that made it happen. */
  by: z.looseObject({ n: z.number(), op: z.string() }).optional(),
});
export type JournalEntry = z.infer<typeof JournalEntry>;

const MachineTruth = z.looseObject({
  app: z.string(),
  id: z.string(),
  state: z.string(),
  version: z.string(),
  digest: z.string(),
  metadata: z.record(z.string(), z.string()),
  cordoned: z.boolean(),
  host: z.string(),
  lease: z.looseObject({ description: z.string(), expiresAt: z.number() }).optional(),
  machine: z.looseObject({ config: z.looseObject({ env: z.record(z.string(), z.string()).optional() }).nullish() }),
});
export type MachineTruth = z.infer<typeof MachineTruth>;

async function ask(url: string): Promise<unknown> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}

/** The call log of a simulator in this process. */
export const asJournal = (entries: unknown): JournalEntry[] => z.array(JournalEntry).parse(entries);

/** The machines of a simulator in this process. */
export const asTruth = (machines: unknown): MachineTruth[] => z.array(MachineTruth).parse(machines);

/** The call log from entry number `since` on. */
export async function readJournal(simulatorUrl: string, since = 0): Promise<JournalEntry[]> {
  return asJournal(await ask(`${simulatorUrl}/_simulator/log?since=${since}`));
}

/** How the machines really are, those of one app or all. */
export async function readTruth(simulatorUrl: string, app?: string): Promise<MachineTruth[]> {
  const query = app === undefined ? '' : `?app=${encodeURIComponent(app)}`;
  return asTruth(await ask(`${simulatorUrl}/_simulator/machines${query}`));
}

const isSuccess = (status: number | 'cut' | undefined): boolean =>
  typeof status === 'number' && status >= 200 && status < 300;

/** Whether a call took effect, whatever its caller was told: a version it made is proof as well. */
export const tookEffect = (entry: JournalEntry): boolean =>
  entry.kind === 'call' &&
  (isSuccess(entry.status) || isSuccess(entry.actual) || (entry.op === 'update' && entry.version !== undefined));

/** Its caller was not told that it took effect. */
export const wasLost = (entry: JournalEntry): boolean => tookEffect(entry) && !isSuccess(entry.status);
