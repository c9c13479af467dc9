import { MARK_KEY, markText } from '../src/domain/change.js';
import type { UpdateOutcome } from '../src/domain/state.js';
import { ulidTime } from '../src/domain/ulid.js';
import type { Machine, MachineEvent } from '../src/fly/wire.js';
import { metAtWork } from './met-at-work.js';
import type { Update } from './update-machine.js';

/** The birth event of a version and the time inside its id may differ by this much: earlier, and later. */
const EARLIER_MS = 1_000;
const LATER_MS = 10_000;

export type Trace =
  | { readonly kind: 'none' }
  | { readonly kind: 'written'; readonly version: string }
  /** Written, and Fly went back from it. */
  | Extract<UpdateOutcome, { kind: 'failed' }>;

/**
 * What an earlier attempt left behind: a version that carries our whole mark, or, where Fly keeps no version it went
 * back from, an update event younger than the version the machine runs. Either means written: never a second write.
 * @param base the version the machine had before the write that is in question.
 * All times are Fly's own, so the worker's clock does not matter.
 */
export async function findTrace({ app, id, deps, order }: Update, machine: Machine, base: string): Promise<Trace> {
  const mark = markText(order.context.rollout, order.n);
  const versions = await deps.fly.machineVersions(app, id);
  const own = versions.find((version) => version.user_config?.metadata?.[MARK_KEY] === mark);
  if (own !== undefined) return { kind: 'written', version: own.version };
  if (machine.config?.metadata?.[MARK_KEY] === mark) return { kind: 'written', version: machine.instance_id };
  if (machine.instance_id !== base) return { kind: 'none' };
  const again = bornAfter(base, machine.events ?? []);
  if (again === undefined) return { kind: 'none' };
  const says = `Fly went back to version ${base} after an update; the new one could not come up`;
  return { kind: 'failed', code: 'reverted', says, at: again, interrupted: metAtWork(machine.events ?? []) !== 'idle' };
}

/**
 * When a version was born after `base`, by the machine's events: base's own birth event is one of those since its id
 * was minted, so a second one, or one too late to be its own, is another version's.
 */
function bornAfter(base: string, events: readonly MachineEvent[]): number | undefined {
  const minted = ulidTime(base);
  const births = events
    .filter((event) => event.type === 'update' || event.type === 'launch')
    .filter((event) => event.timestamp >= minted - EARLIER_MS);
  const [newest] = births;
  if (newest === undefined) return undefined;
  return births.length > 1 || newest.timestamp > minted + LATER_MS ? newest.timestamp : undefined;
}
