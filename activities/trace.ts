import { MARK_KEY, markText } from '../src/domain/change.js';
import { ulidTime } from '../src/domain/ulid.js';
import type { Machine } from '../src/fly/wire.js';
import type { Update } from './update-machine.js';

/** An update's own event and the time inside its version id may differ by this much. */
const SAME_UPDATE_MS = 10_000;

export type Trace =
  | { readonly kind: 'none' }
  | { readonly kind: 'written'; readonly version: string }
  | { readonly kind: 'reverted'; readonly says: string; readonly at: number };

/**
 * What an earlier attempt left behind: a version that carries our whole mark, or, where Fly keeps no version it went
 * back from, an update event younger than the version the machine runs. Either means written: never a second write.
 * All times are Fly's own, so the worker's clock does not matter.
 */
export async function findTrace({ app, id, deps, order }: Update, machine: Machine): Promise<Trace> {
  const mark = markText(order.context.rollout, order.n);
  const versions = await deps.fly.machineVersions(app, id);
  const own = versions.find((version) => version.user_config?.metadata?.[MARK_KEY] === mark);
  if (own !== undefined) return { kind: 'written', version: own.version };
  if (machine.config?.metadata?.[MARK_KEY] === mark) return { kind: 'written', version: machine.instance_id };
  const base = order.inDoubtSince ?? order.machine.version;
  if (machine.instance_id !== base) return { kind: 'none' };
  const since = ulidTime(base) + SAME_UPDATE_MS;
  const update = (machine.events ?? []).find((event) => event.type === 'update' && event.timestamp > since);
  if (update === undefined) return { kind: 'none' };
  return {
    kind: 'reverted',
    says: `Fly went back to version ${base} after an update; the new one could not come up`,
    at: update.timestamp,
  };
}
