import { MARK_KEY, markText } from '../src/domain/change.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { ulidTime } from '../src/domain/ulid.js';
import type { Machine, MachineEvent } from '../src/fly/wire.js';
import { isBirth } from './facts.js';
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
 * @param since Fly's time of the machine's newest birth before the write that is in question: what Fly went back
 * from before that was not ours. All times are Fly's own, so the worker's clock does not matter.
 */
export async function findTrace({ app, id, deps, order }: Update, machine: Machine, since: number): Promise<Trace> {
  const mark = markText(order.context.rollout, order.n);
  const versions = await deps.fly.machineVersions(app, id);
  const own = versions.find((version) => version.user_config?.metadata?.[MARK_KEY] === mark);
  if (own !== undefined) return { kind: 'written', version: own.version };
  if (machine.config?.metadata?.[MARK_KEY] === mark) return { kind: 'written', version: machine.instance_id };
  const events = machine.events ?? [];
  const at = lostBirth(machine.instance_id, events, since);
  if (at === undefined) return { kind: 'none' };
  const says = `Fly went back to version ${machine.instance_id} after an update; the new one could not come up`;
  return { kind: 'failed', code: 'reverted', says, at, interrupted: metAtWork(events) !== 'idle' };
}

/**
 * When a version was born that Fly went back from: after the newest birth that was known before (`since`), and it is
 * not the birth of the version that runs, the oldest since that one's id was minted unless it is too late for that.
 */
function lostBirth(version: string, events: readonly MachineEvent[], since: number): number | undefined {
  const minted = ulidTime(version);
  const births = events.filter((event) => isBirth(event) && event.timestamp >= minted - EARLIER_MS);
  const oldest = births.at(-1);
  const own = oldest !== undefined && oldest.timestamp <= minted + LATER_MS ? oldest : undefined;
  const known = births.findLast((event) => event.timestamp === since);
  return births.find((event) => event !== own && event !== known && event.timestamp >= since)?.timestamp;
}
