import { refuse } from './answers.js';
import type { World } from './world.js';

/** A bucket of calls of one action on one machine or app. */
export interface Bucket {
  tokens: number;
  filledAt: number;
}

interface Limit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Per action and identifier: 1/s with bursts of 3; get machine 5/s with bursts of 10 (machines docs, rate limits). */
const GET: Limit = { perSecond: 5, burst: 10 };
const OTHERS: Limit = { perSecond: 1, burst: 3 };

/** Refuses a call that is over its limit (switch `rateLimits`; Fly documents no `Retry-After`). */
export function limitRate(world: World, op: string, identifier: string): void {
  if (!world.scenario.switches.rateLimits) return;
  const { perSecond, burst } = op === 'get' ? GET : OTHERS;
  const key = `${op} ${identifier}`;
  const bucket = world.buckets.get(key) ?? { tokens: burst, filledAt: world.now };
  world.buckets.set(key, bucket);
  bucket.tokens = Math.min(burst, bucket.tokens + ((world.now - bucket.filledAt) / 1000) * perSecond);
  bucket.filledAt = world.now;
  if (bucket.tokens < 1) throw refuse(429, 'rate limit exceeded');
  bucket.tokens -= 1;
}
