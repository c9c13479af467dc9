import type { Transport } from '../fly/transport.js';
import { type Answer, ANSWER_TIMEOUT_MS, MOST_ANSWER_BYTES, type Question } from './question.js';

/** An address that judges, by the worker's config. */
export interface HttpJudge {
  readonly url: string;
  /** The header's whole value. */
  readonly authorization?: string;
}

/** Of the 4xx these say that the question was wrong, or came at a bad time; all others are its verdict. */
const NO_VERDICT = [401, 403, 404, 408, 425, 429];

function verdictOf(status: number): Answer {
  if (status >= 200 && status < 300) return { verdict: 'PASS', says: `it answers ${status}` };
  if (status >= 400 && status < 500 && !NO_VERDICT.includes(status))
    return { verdict: 'FAIL', says: `it answers ${status}` };
  return { verdict: 'ERROR', says: `it answers ${status}, which is no verdict` };
}

/**
 * Asks an address: 2xx is PASS, 4xx FAIL. Redirects (which are not followed), 5xx, time-outs and the 4xx that are about
 * the question itself are ERROR: a broken judge is no evidence.
 */
export async function askHttp(
  { url, authorization }: HttpJudge,
  { app, regions, machines, image, rollout, step }: Question,
  transport: Transport,
): Promise<Answer> {
  try {
    const { status } = await transport({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: JSON.stringify({ app, regions, machines, image, rollout, step }),
      timeoutMs: ANSWER_TIMEOUT_MS,
      mostBytes: MOST_ANSWER_BYTES,
    });
    return verdictOf(status);
  } catch {
    return { verdict: 'ERROR', says: 'no whole answer came in time' };
  }
}
