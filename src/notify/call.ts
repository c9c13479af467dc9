import { parseRetryAfter } from '../fly/errors.js';
import type { HttpAnswer } from '../fly/transport.js';
import { ANSWER_TIMEOUT_MS, MOST_ANSWER_BYTES, type SinkDeps, SinkError } from './sink.js';

export interface SinkCall {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const SECOND_MS = 1_000;

/** Nobody is believed who wants to be left alone for longer. */
const LONGEST_MS = 3_600_000;

/** A limit that names no time: GitHub asks for a minute at least (docs, rate limits). */
const LIMIT_MS = 60_000;

/** `Retry-After`, in seconds or as a date, or GitHub's reset in epoch seconds; ms from now. */
function namedEnd({ headers }: HttpAnswer, now: number): number | undefined {
  const after = headers['retry-after'];
  if (after !== undefined) return parseRetryAfter(after, now, LONGEST_MS) ?? 0;
  const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN) * SECOND_MS;
  return headers['x-ratelimit-remaining'] === '0' ? reset - now : undefined;
}

/** When a limit on calls is over; undefined where nothing is said of one. */
function limitEnds(answer: HttpAnswer, now: number): number | undefined {
  const named = namedEnd(answer, now);
  if (named !== undefined && named >= SECOND_MS) return Math.min(named, LONGEST_MS);
  return answer.status === 429 || named !== undefined || isUnnamedLimit(answer) ? LIMIT_MS : undefined;
}

/** GitHub's secondary limits may come as a 403 that names no time (docs, rate limits for the REST API). */
const isUnnamedLimit = ({ status, body }: HttpAnswer): boolean => status === 403 && /\brate limit\b/i.test(body);

/** Of these more may come of trying again. */
const PASSING = [408, 425, 429];

const isRefused = (status: number): boolean => status >= 400 && status < 500 && !PASSING.includes(status);

/** What an answer that is none says of itself, without a word of its body. */
function refusal(name: string, answer: HttpAnswer, now: number): SinkError {
  const { status } = answer;
  const says = status >= 300 && status < 400 ? 'answers with a redirect, which is not followed' : `answers ${status}`;
  const ends = limitEnds(answer, now);
  const isLimit = ends !== undefined;
  return new SinkError(`${name} ${says}`, {
    ...(isLimit ? { retryAfterMs: ends } : { isRefusal: isRefused(status) }),
    isGone: [404, 410].includes(status),
  });
}

/**
 * One call of a sink, JSON both ways. Redirects are not followed: a message must not travel to another host, least of
 * all into a private network.
 * @param name for errors. @returns the body of a 2xx as text. @throws SinkError for everything else.
 */
export async function callSink(
  name: string,
  { body, ...call }: SinkCall,
  { transport, now }: SinkDeps,
): Promise<string> {
  const written = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  const type = written === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' };
  const request = {
    ...call,
    headers: { 'user-agent': 'layover', ...type, ...call.headers },
    ...(written === undefined ? {} : { body: written }),
    timeoutMs: ANSWER_TIMEOUT_MS,
    mostBytes: MOST_ANSWER_BYTES,
  };
  const answer = await transport(request).catch(() => {
    throw new SinkError(`${name} gives no whole answer in ${ANSWER_TIMEOUT_MS / SECOND_MS} s`);
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw refusal(name, answer, now());
}
