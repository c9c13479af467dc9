import { Agent, request } from 'undici';

export interface HttpRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  /** A longer answer is none; left out, any length will do. */
  readonly mostBytes?: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** One HTTP exchange; rejects when no whole answer came. It retries nothing. */
export type Transport = (request: HttpRequest) => Promise<HttpAnswer>;

const oneValue = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value;

async function readUpTo(body: AsyncIterable<Uint8Array>, mostBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Runs with a signal that aborts after so many ms, or with the given one. A timer of our own: nothing holds an
 * `AbortSignal.timeout` inside `AbortSignal.any` (Node 20.20), so that it is collected and never fires.
 */
async function within<T>(ms: number, outer: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new DOMException(`no answer in ${ms} ms`, 'TimeoutError')), ms);
  try {
    return await run(outer === undefined ? late.signal : AbortSignal.any([late.signal, outer]));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The real transport. Redirects are not followed: a token must not travel to another host. Connections have no bound
 * of their own (the worker's activities are bounded): a write must never queue behind the long polls of others.
 */
export function undiciTransport(): Transport {
  const dispatcher = new Agent({ keepAliveTimeout: 20_000 });
  const exchange = async (asked: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    const { method, url, headers, body, mostBytes } = asked;
    const answer = await request(url, {
      method: method as 'GET',
      headers: { ...headers },
      body: body ?? null,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
      dispatcher,
    });
    const text = mostBytes === undefined ? await answer.body.text() : await readUpTo(answer.body, mostBytes);
    const flat: Record<string, string | undefined> = {};
    for (const [key, value] of Object.entries(answer.headers)) flat[key] = oneValue(value);
    return { status: answer.statusCode, headers: flat, body: text };
  };
  return (asked) => within(asked.timeoutMs, asked.signal, (signal) => exchange(asked, signal));
}
