import type { Transport } from '../fly/transport.js';

/** What is told: our own words and numbers. */
export interface Brief {
  /** Its name: the same however often it is told. */
  readonly delivery: string;
  readonly number: number;
  readonly kind: string;
  /** Somebody has to do something. */
  readonly asks: boolean;
  readonly app: string;
  /** `<hash of the change>.<start>`. */
  readonly rollout: string;
  readonly target: string;
  readonly phase: string;
  readonly reason: string;
  readonly headline: string;
  readonly says: string;
  readonly progress: string;
  /** The lines to type, where somebody is asked. */
  readonly canType: readonly string[];
}

/** Where a sink's messages of a rollout are: ids, never a secret. */
export type Memory = Readonly<Record<string, string>>;

/** What a rollout is for. */
export interface Source {
  readonly commit?: string;
  readonly pullRequest?: number;
}

export interface Delivery {
  readonly notice: Brief;
  readonly source: Source;
  readonly memory: Memory;
  /**
   * Asks whether this attempt is still the one that delivers; to be called right before whatever writes something.
   * @throws where it is not.
   */
  readonly confirm: () => Promise<void>;
  /** The server's time, ms: a worker's own clock may be off. */
  readonly now: number;
}

/** Somebody who is told. */
export interface Sink {
  /** Whether a notice of this kind is for it. */
  readonly takes: (notice: Pick<Brief, 'kind' | 'app'>) => boolean;
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
  /** It was understood and refused: trying again helps only if somebody changes a setting. */
  readonly isRefusal: boolean;
  /** What it is about was not found, or is there no more. */
  readonly isGone: boolean;

  constructor(
    says: string,
    { retryAfterMs, isRefusal = false, isGone = false }: Partial<Omit<SinkError, keyof Error>> = {},
  ) {
    super(says);
    this.name = 'SinkError';
    this.retryAfterMs = retryAfterMs;
    this.isRefusal = isRefusal;
    this.isGone = isGone;
  }
}

/** A text that is not longer than `most` characters. */
export const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

/** Past this nobody answers any more. */
export const ANSWER_TIMEOUT_MS = 10_000;

/** More than a page of any answer that is read. */
export const MOST_ANSWER_BYTES = 5_000_000;
