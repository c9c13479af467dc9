import { type Change, parseImage } from '../../src/domain/change.js';
import type { FlyClient } from '../../src/fly/client.js';
import type { ChangeInput } from '../../src/input/types.js';
import { Refused } from './refused.js';

/** Fly writes whole seconds, or more of them: a machine that booted in the same one may have read the old value. */
const SECOND_MS = 1_000;

function imagesOf({ image }: ChangeInput): Change {
  if (image === undefined) return {};
  if (typeof image === 'string') return { image: parseImage(image) };
  const containers = Object.entries(image).map(([name, reference]) => [name, parseImage(reference)] as const);
  return { containers: Object.fromEntries(containers) };
}

async function secretsSetAt(app: string, fly: FlyClient): Promise<number> {
  const { secrets } = await fly.listSecrets(app);
  const times = (secrets ?? []).map((one) => Date.parse(one.updated_at ?? one.created_at ?? ''));
  const known = times.filter((at) => !Number.isNaN(at));
  if (known.length > 0) return Math.ceil((Math.max(...known) + 1) / SECOND_MS) * SECOND_MS;
  throw new Refused([
    `restart: "${app}" has no secrets that a machine could have missed; set them with fly secrets set --stage, or write "restart": "now"`,
  ]);
}

/** Since when machines must have started, Fly's ms. */
async function startedSince({ app, restart }: ChangeInput, fly: FlyClient): Promise<number | undefined> {
  if (restart === undefined) return undefined;
  if (restart === 'secrets') return secretsSetAt(app, fly);
  const now = fly.now();
  if (restart === 'now') return now;
  if (restart.atMs <= now) return restart.atMs;
  throw new Refused([
    'restart: the time is still to come, and no machine can have started since; write "now", and start at that time by a Schedule',
  ]);
}

/**
 * What is to be different, once: from here on a restart is a time, whatever was written.
 * @throws Refused where its time is still to come, or the app has no secrets; FlyError.
 */
export async function settleChange(input: ChangeInput, fly: FlyClient): Promise<Change> {
  const since = await startedSince(input, fly);
  return {
    ...imagesOf(input),
    ...(input.env === undefined ? {} : { env: input.env }),
    ...(since === undefined ? {} : { startedSince: since }),
  };
}
