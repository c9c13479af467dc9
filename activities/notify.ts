import type { Memory } from '../src/domain/notices.js';
import { briefOf } from '../src/domain/say-notice.js';
import { type Sink, SinkError } from '../src/notify/sink.js';
import type { NotifyOrder } from './contract.js';

export interface NotifyDeps {
  /** Who is told, by the names that the worker's config gives them. */
  readonly sinks: Readonly<Record<string, Sink>>;
}

/** One that the config no longer has is told nothing more. */
export async function notify(
  { sink, notice, source, memory }: NotifyOrder,
  { sinks }: NotifyDeps,
  isOurs: () => Promise<boolean>,
): Promise<Memory> {
  const found = Object.hasOwn(sinks, sink) ? sinks[sink] : undefined;
  if (found?.takes(notice) !== true) return memory;
  const confirm = async () => {
    if (!(await isOurs())) throw new SinkError('another attempt tells it');
  };
  return found.tell({ notice: briefOf(notice), source, memory, confirm });
}
