import type { Memory } from '../src/domain/notices.js';
import { briefOf } from '../src/domain/say-notice.js';
import { type Sink, SinkError } from '../src/notify/sink.js';
import type { NotifyOrder } from './contract.js';

export interface NotifyDeps {
  /** Who is told, by the names that the worker's config gives them. */
  readonly sinks: Readonly<Record<string, Sink>>;
}

/** What an attempt has besides its order. */
export interface Telling {
  readonly isOurs: () => Promise<boolean>;
  /** The server's time, ms. */
  readonly now: number;
}

/** A worker without the sink in its config leaves it to others, as one that is not restarted yet. */
export async function notify(
  { sink, notice, source, memory }: NotifyOrder,
  { sinks }: NotifyDeps,
  { isOurs, now }: Telling,
): Promise<Memory> {
  const found = Object.hasOwn(sinks, sink) ? sinks[sink] : undefined;
  if (found === undefined) throw new SinkError("it is not in this worker's config", { isRefusal: true });
  if (!found.takes(notice)) return memory;
  const confirm = async () => {
    if (!(await isOurs())) throw new SinkError('another attempt tells it');
  };
  return found.tell({ notice: briefOf(notice), source, memory, confirm, now });
}
