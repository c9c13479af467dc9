import { type Change, parseImage } from '../../src/domain/change.js';
import type { FlyClient } from '../../src/fly/client.js';
import type { ChangeInput } from '../../src/input/types.js';
import { secretsSetAt } from '../secrets-set.js';
import { Refused } from './refused.js';

function imagesOf({ image }: ChangeInput): Change {
  if (image === undefined) return {};
  if (typeof image === 'string') return { image: parseImage(image) };
  const containers = Object.entries(image).map(([name, reference]) => [name, parseImage(reference)] as const);
  return { containers: Object.fromEntries(containers) };
}

async function newestSecret(app: string, fly: FlyClient): Promise<number> {
  const at = await secretsSetAt(app, fly);
  if (at !== undefined) return at;
  throw new Refused([
    `restart: "${app}" has no secrets that a machine could have missed; set them with fly secrets set --stage, or write "restart": "now"`,
  ]);
}

/** Since when machines must have started, Fly's ms. */
async function startedSince({ app, restart }: ChangeInput, fly: FlyClient): Promise<number | undefined> {
  if (restart === undefined) return undefined;
  if (restart === 'secrets') return newestSecret(app, fly);
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
