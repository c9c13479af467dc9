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

/** When a limit on calls is over: a time that is named, or GitHub's reset in epoch seconds (docs, rate limits). */
function limitEnds({ headers }: HttpAnswer, now: number): number | undefined {
  const named = parseRetryAfter(headers['retry-after'], now);
  if (named !== undefined) return named;
  const reset = Number(headers['x-ratelimit-reset'] ?? Number.NaN) * SECOND_MS;
  return headers['x-ratelimit-remaining'] === '0' && Number.isFinite(reset)
    ? Math.max(SECOND_MS, reset - now)
    : undefined;
}

/** What an answer that is none says of itself, without a word of its body. */
function refusal(name: string, answer: HttpAnswer, now: number): SinkError {
  const { status } = answer;
  const says = status >= 300 && status < 400 ? 'answers with a redirect, which is not followed' : `answers ${status}`;
  return new SinkError(`${name} ${says}`, limitEnds(answer, now));
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
