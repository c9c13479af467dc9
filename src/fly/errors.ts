/** What went wrong at Fly's door: a closed list; programs key on the code, never on a text. */
export type FlyErrorCode =
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'invalid'
  | 'lease_held'
  | 'lease_lost'
  | 'conflict'
  | 'precondition'
  | 'rate_limited'
  | 'capacity'
  | 'timeout'
  | 'unavailable'
  | 'connection'
  | 'malformed'
  | 'unexpected';

interface ErrorRow {
  readonly code: FlyErrorCode;
  readonly status: readonly number[] | 'any' | '5xx';
  readonly text?: RegExp;
  readonly says: string;
  /** Trying again can help; after this many ms unless Fly names a time. `undefined`: it cannot. */
  readonly retryAfterMs?: number;
  /** The call may have taken effect all the same. */
  readonly inDoubt?: true;
}

/**
 * The one error table, first match wins. Fly uses 409 for leases, for concurrent updates and (a staff post says) for
 * capacity, so those three are told apart by text; capacity texts come from flyctl @ad0172f
 * internal/command/deploy/machines_deploymachinesapp.go and are claimed for 409, 412, 422 and 503.
 */
const ERRORS: readonly ErrorRow[] = [
  {
    code: 'capacity',
    status: 'any',
    text: /insufficient_capacity|could not reserve resource|temporarily disabled|insufficient (memory|resources)|out of capacity/i,
    says: 'has no room for it just now',
    retryAfterMs: 60_000,
  },
  { code: 'unauthorized', status: [401], says: 'does not accept the token' },
  {
    code: 'forbidden',
    status: [403],
    says: 'says this app belongs to another organisation, or the token may not do this',
  },
  {
    code: 'lease_lost',
    status: [400, 404, 409],
    text: /lease (nonce is not valid|nonce is missing|not found)/i,
    says: 'says our lease has run out',
    retryAfterMs: 2_000,
  },
  { code: 'not_found', status: [404], says: 'does not know it' },
  { code: 'invalid', status: [400, 422], says: 'calls the request invalid' },
  { code: 'timeout', status: [408], says: 'ran out of time', retryAfterMs: 2_000, inDoubt: true },
  {
    code: 'lease_held',
    status: [409],
    text: /lease currently held/i,
    says: 'says another holds its lease',
    retryAfterMs: 15_000,
  },
  { code: 'conflict', status: [409], says: 'says it is being changed at this moment', retryAfterMs: 5_000 },
  { code: 'precondition', status: [412], says: 'says its state does not allow this now', retryAfterMs: 5_000 },
  { code: 'rate_limited', status: [429], says: 'limits the rate of calls', retryAfterMs: 2_000 },
  { code: 'unavailable', status: '5xx', says: 'is not available', retryAfterMs: 5_000, inDoubt: true },
  {
    code: 'unexpected',
    status: 'any',
    says: 'gave an answer that is in no table',
    retryAfterMs: 10_000,
    inDoubt: true,
  },
];

/** What the client knows when a call fails. */
export interface FlyFailure {
  readonly code: FlyErrorCode;
  readonly says: string;
  readonly op: string;
  /** The app, or app and machine. */
  readonly subject: string;
  readonly status?: number;
  readonly requestId?: string;
  readonly retryAfterMs?: number;
  readonly inDoubt: boolean;
}

/**
 * A failed call. The message is made of our own words, the operation, the subject, the status and Fly's request id:
 * never of a response body, which may repeat a config.
 */
export class FlyError extends Error {
  readonly failure: FlyFailure;

  constructor(failure: FlyFailure, cause?: unknown) {
    const status = failure.status === undefined ? '' : ` (HTTP ${failure.status})`;
    const id = failure.requestId === undefined ? '' : ` [fly-request-id ${failure.requestId}]`;
    super(`${failure.op} ${failure.subject}: Fly ${failure.says}${status}${id}`, { cause });
    this.name = 'FlyError';
    this.failure = failure;
  }

  get code(): FlyErrorCode {
    return this.failure.code;
  }
}

const fits = (row: ErrorRow, status: number, text: string): boolean => {
  const byStatus = row.status === 'any' || (row.status === '5xx' ? status >= 500 : row.status.includes(status));
  return byStatus && (row.text?.test(text) ?? true);
};

/** Retry-After as seconds or as an HTTP date; a malformed one is as good as none. */
export function parseRetryAfter(header: string | undefined, now: number, mostMs = 600_000): number | undefined {
  if (header === undefined) return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, mostMs) : undefined;
}

/** When a held lease runs out, from the text of the 409: `… expires at 2026-08-14T09:57:35Z`. */
function leaseExpiry(text: string, now: number): number | undefined {
  const found = /expires at ([0-9T:.Z+-]+)/.exec(text)?.[1];
  const at = found === undefined ? Number.NaN : Date.parse(found);
  return Number.isFinite(at) ? Math.min(Math.max(at - now, 1_000), 120_000) : undefined;
}

/** Classifies an answer that is no success. `text` is only looked at, never kept. */
export function classifyAnswer(answer: {
  op: string;
  subject: string;
  status: number;
  text: string;
  requestId: string | undefined;
  retryAfter: string | undefined;
  now: number;
}): FlyError {
  const row = ERRORS.find((candidate) => fits(candidate, answer.status, answer.text));
  const { code, says, retryAfterMs, inDoubt } = row ?? {
    code: 'unexpected' as const,
    says: 'gave no usable answer',
    retryAfterMs: 10_000,
    inDoubt: true,
  };
  const named =
    parseRetryAfter(answer.retryAfter, answer.now) ??
    (code === 'lease_held' ? leaseExpiry(answer.text, answer.now) : undefined);
  const after = named ?? retryAfterMs;
  return new FlyError({
    code,
    says,
    op: answer.op,
    subject: answer.subject,
    status: answer.status,
    ...(answer.requestId === undefined ? {} : { requestId: answer.requestId }),
    ...(after === undefined ? {} : { retryAfterMs: after }),
    inDoubt: inDoubt ?? false,
  });
}

/** No answer came, or one that cannot be read: whether the call took effect is unknown. */
export function lostAnswer(op: string, subject: string, code: 'connection' | 'malformed', cause?: unknown): FlyError {
  const says =
    code === 'connection' ? 'could not be reached, or the connection broke' : 'sent an answer that cannot be read';
  return new FlyError({ code, says, op, subject, retryAfterMs: 2_000, inDoubt: true }, cause);
}
