import type { FlyClient } from '../src/fly/client.js';

/** Fly writes whole seconds, or more of them: a machine that booted in the same one may have read the old value. */
const SECOND_MS = 1_000;

/**
 * From when on, Fly's ms, a boot has read all that the app's secrets are set to by now; of a secret that was only
 * removed nothing tells. Undefined where none tells its time. @throws FlyError.
 */
export async function secretsSetAt(app: string, fly: FlyClient): Promise<number | undefined> {
  const { secrets } = await fly.listSecrets(app);
  const times = (secrets ?? []).map((one) => Date.parse(one.updated_at ?? one.created_at ?? ''));
  const known = times.filter((at) => !Number.isNaN(at));
  return known.length === 0 ? undefined : Math.ceil((Math.max(...known) + 1) / SECOND_MS) * SECOND_MS;
}
