import { errorAnswer, type Answer } from './answers.js';
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
/** Not of the Machines API. */
const UNLIMITED: readonly string[] = ['graphql', 'web'];
const OTHERS: Limit = { perSecond: 1, burst: 3 };

/** The answer to a call that is over its limit, as the switches have it; undefined lets it pass. */
export function limitRate(world: World, op: string, identifier: string): Answer | undefined {
  const { rateLimits, rateLimitCountsWait } = world.scenario.switches;
  if (!rateLimits || UNLIMITED.includes(op) || (op === 'wait' && !rateLimitCountsWait)) return undefined;
  const { perSecond, burst } = op === 'get' ? GET : OTHERS;
  const key = `${op} ${identifier}`;
  const bucket = world.buckets.get(key) ?? { tokens: burst, filledAt: world.now };
  world.buckets.set(key, bucket);
  bucket.tokens = Math.min(burst, bucket.tokens + ((world.now - bucket.filledAt) / 1000) * perSecond);
  bucket.filledAt = world.now;
  if (bucket.tokens < 1) return overLimit(world, (1 - bucket.tokens) / perSecond);
  bucket.tokens -= 1;
  return undefined;
}

function overLimit(world: World, seconds: number): Answer {
  const { rateLimitBody, rateLimitRetryAfter } = world.scenario.switches;
  const text = 'rate limit exceeded';
  const headers = {
    ...(rateLimitRetryAfter && { 'retry-after': String(Math.ceil(seconds)) }),
    ...(rateLimitBody === 'text' && { 'content-type': 'text/plain; charset=utf-8' }),
  };
  return { ...(rateLimitBody === 'text' ? { status: 429, body: text } : errorAnswer(429, text)), headers };
}
