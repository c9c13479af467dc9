import type { Clock } from '../../src/clock.js';
import type { Change } from '../../src/domain/change.js';
import type { MachineFacts } from '../../src/domain/machine.js';
import type { FlyClient } from '../../src/fly/client.js';
import { FlyError } from '../../src/fly/errors.js';
import type { Machine } from '../../src/fly/wire.js';
import { factsOf } from '../facts.js';
import { listFleet } from '../list-fleet.js';
import { Refused } from './refused.js';

/** The app's machines as Fly lists them, and as the table sees them, in the same order. */
export interface Fleet {
  readonly machines: readonly Machine[];
  /** How many more the app counts. */
  readonly unlisted: number;
  readonly facts: readonly MachineFacts[];
  /** When each secret of the app was last set, Fly's ms, by its name; nothing where the token may not read that. */
  readonly secrets: ReadonlyMap<string, number>;
  /** What the facts were read for. */
  readonly change: Change;
}

/** Fly's answers about the app itself, as an operator must read them. */
function refuseApp(app: string, error: unknown): never {
  if (!(error instanceof FlyError)) throw error;
  const says: Partial<Record<typeof error.code, string>> = {
    not_found: `app: Fly knows no app "${app}"; look it up with fly apps list`,
    forbidden: `app: "${app}" belongs to another organisation, or the worker's token may not read it; give the worker a token of that organisation`,
    unauthorized: `app: Fly does not accept the worker's token; set FLY_API_TOKEN of the worker to a valid one (fly tokens create deploy -a ${app})`,
  };
  const refusal = says[error.code];
  if (refusal === undefined) throw error;
  throw new Refused([`${refusal} (${error.message})`]);
}

/** Names and times; a plan does without them rather than fail. */
async function readSecrets(app: string, fly: FlyClient): Promise<ReadonlyMap<string, number>> {
  try {
    const { secrets } = await fly.listSecrets(app);
    const times = (secrets ?? []).map((one) => [one.name, Date.parse(one.updated_at ?? '')] as const);
    return new Map(times.filter(([, at]) => !Number.isNaN(at)));
  } catch (error) {
    if (error instanceof FlyError) return new Map();
    throw error;
  }
}

/**
 * The app's machines.
 * @param settleChange asked when Fly has answered for the first time. @throws Refused where Fly does not know the app, does not let us read it, or lists far fewer machines than it counts;
 *   FlyError when Fly does not answer.
 */
export async function readFleet(
  app: string,
  settleChange: () => Promise<Change>,
  deps: { fly: FlyClient; clock: Clock },
): Promise<Fleet> {
  try {
    await deps.fly.getApp(app);
    const change = await settleChange();
    const list = await listFleet(app, { listed: 0, unlisted: 0, trustedAt: 0 }, deps);
    if (list.kind === 'suspect') {
      throw new Refused([
        `app: Fly lists ${list.machines.length} machines of "${app}" where it counts ${list.expected}, three times in a row; start again when the list is whole`,
      ]);
    }
    const { machines, unlisted } = list;
    const secrets = await readSecrets(app, deps.fly);
    return { machines, unlisted, change, secrets, facts: machines.map((machine) => factsOf(machine, change)) };
  } catch (error) {
    return refuseApp(app, error);
  }
}
