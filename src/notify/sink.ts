import type { Memory, Notice } from '../domain/notices.js';
import type { Source } from '../input/types.js';
import type { Transport } from '../fly/transport.js';

export interface Delivery {
  readonly notice: Notice;
  readonly source: Source;
  readonly memory: Memory;
  /**
   * Asks whether this attempt is still the one that delivers; to be called right before whatever creates something.
   * @throws where it is not.
   */
  readonly confirm: () => Promise<void>;
}

/** Somebody who is told. */
export interface Sink {
  /** Whether a notice of this kind is for it. */
  readonly takes: (notice: Notice) => boolean;
  /** @returns what it is to remember. @throws SinkError where it has to be told again. */
  readonly tell: (delivery: Delivery) => Promise<Memory>;
}

export interface SinkDeps {
  readonly transport: Transport;
  /** ms. */
  readonly now: () => number;
}

/** Told in vain; in our own words, since answers may hold anything. */
export class SinkError extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(says: string, retryAfterMs?: number) {
    super(says);
    this.name = 'SinkError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** Past this nobody answers any more. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** More than a page of any answer that is read. */
export const MOST_ANSWER_BYTES = 5_000_000;
