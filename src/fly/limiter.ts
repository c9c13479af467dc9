import type { Clock } from '../clock.js';

/**
 * Fly's documented limits (docs machines/api/working-with-machines-api): one request a second per action and machine
 * with a burst of three; reading one machine five a second with a burst of ten.
 */
const RATES = { read: { perSecond: 5, burst: 10 }, other: { perSecond: 1, burst: 3 } } as const;

/** Buckets kept before the full ones are forgotten. */
const MOST_BUCKETS = 10_000;

export interface Limiter {
  /** Resolves when the call may be made; rejects when `signal` is aborted first. */
  take(action: string, subject: string, signal?: AbortSignal): Promise<void>;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each action and subject (machine, or app for calls on the whole app). */
export function createLimiter(clock: Clock): Limiter {
  const buckets = new Map<string, Bucket>();

  const refill = (bucket: Bucket, rate: { perSecond: number; burst: number }) => {
    const now = clock.now();
    bucket.tokens = Math.min(rate.burst, bucket.tokens + ((now - bucket.at) / 1_000) * rate.perSecond);
    bucket.at = now;
  };
  const forget = () => {
    for (const [key, bucket] of buckets) if (clock.now() - bucket.at > 10_000) buckets.delete(key);
  };

  return {
    async take(action, subject, signal) {
      const rate = action === 'get' ? RATES.read : RATES.other;
      const key = `${action} ${subject}`;
      if (buckets.size > MOST_BUCKETS) forget();
      const bucket = buckets.get(key) ?? { tokens: rate.burst, at: clock.now() };
      buckets.set(key, bucket);
      refill(bucket, rate);
      bucket.tokens -= 1;
      if (bucket.tokens < 0) await clock.sleep((-bucket.tokens / rate.perSecond) * 1_000, signal);
    },
  };
}
