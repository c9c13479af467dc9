import { describe, expect, test } from 'vitest';
import { classifyAnswer, type FlyErrorCode, lostAnswer, parseRetryAfter } from '../../src/fly/errors.js';

const NOW = Date.UTC(2026, 7, 14, 9, 57, 0);

const classify = (status: number, text: string, more: { retryAfter?: string; requestId?: string } = {}) =>
  classifyAnswer({
    op: 'update',
    subject: 'encoder/3d8d413b29d089',
    status,
    text,
    requestId: more.requestId,
    retryAfter: more.retryAfter,
    now: NOW,
  });

interface Row {
  readonly status: number;
  readonly text: string;
  readonly code: FlyErrorCode;
  readonly after: number | undefined;
  readonly inDoubt: boolean;
}

const ROWS: readonly Row[] = [
  {
    status: 401,
    text: '{"error":"Authenticate: token validation error"}',
    code: 'unauthorized',
    after: undefined,
    inDoubt: false,
  },
  {
    status: 403,
    text: '{"error":"Not authorized to access this app"}',
    code: 'forbidden',
    after: undefined,
    inDoubt: false,
  },
  { status: 404, text: '{"error":"machine not found"}', code: 'not_found', after: undefined, inDoubt: false },
  { status: 400, text: '{"error":"invalid_argument: bad"}', code: 'invalid', after: undefined, inDoubt: false },
  { status: 422, text: '{"error":"invalid config"}', code: 'invalid', after: undefined, inDoubt: false },
  { status: 408, text: '{"error":"deadline_exceeded: …"}', code: 'timeout', after: 2_000, inDoubt: true },
  {
    status: 409,
    text: '{"error":"aborted: machine is replacing: concurrent update in progress"}',
    code: 'conflict',
    after: 5_000,
    inDoubt: false,
  },
  { status: 409, text: '{"error":"insufficient_capacity"}', code: 'capacity', after: 60_000, inDoubt: false },
  { status: 412, text: '{"error":"failed_precondition: …"}', code: 'precondition', after: 5_000, inDoubt: false },
  {
    status: 412,
    text: '{"error":"could not reserve resource for your machine"}',
    code: 'capacity',
    after: 60_000,
    inDoubt: false,
  },
  { status: 429, text: '{"error":"rate limit exceeded"}', code: 'rate_limited', after: 2_000, inDoubt: false },
  { status: 500, text: 'oops', code: 'unavailable', after: 5_000, inDoubt: true },
  { status: 503, text: '{"error":"unavailable"}', code: 'unavailable', after: 5_000, inDoubt: true },
  { status: 503, text: '{"error":"insufficient memory available"}', code: 'capacity', after: 60_000, inDoubt: false },
  { status: 302, text: '', code: 'unexpected', after: 10_000, inDoubt: true },
  { status: 418, text: 'teapot', code: 'unexpected', after: 10_000, inDoubt: true },
];

describe('the error table', () => {
  test.each(ROWS)('$status $text is $code', ({ status, text, code, after, inDoubt }) => {
    const { failure } = classify(status, text);
    expect(failure).toMatchObject({ code, inDoubt, status });
    expect(failure.retryAfterMs).toBe(after);
  });

  test('a held lease names when it runs out, within bounds', () => {
    const held = (at: string) =>
      classify(409, `{"error":"failed to acquire lease: lease currently held by a@b, expires at ${at}"}`).failure;
    expect(held('2026-08-14T09:57:35Z')).toMatchObject({ code: 'lease_held', retryAfterMs: 35_000 });
    expect(held('2026-08-14T09:50:00Z').retryAfterMs).toBe(1_000);
    expect(held('2026-08-14T11:00:00Z').retryAfterMs).toBe(120_000);
    expect(held('soon').retryAfterMs).toBe(15_000);
  });

  test('Retry-After goes before the table, as seconds or as a date; a malformed one is as good as none', () => {
    expect(classify(429, '', { retryAfter: '7' }).failure.retryAfterMs).toBe(7_000);
    expect(classify(503, '', { retryAfter: 'Fri, 14 Aug 2026 09:57:30 GMT' }).failure.retryAfterMs).toBe(30_000);
    expect(classify(429, '', { retryAfter: 'later' }).failure.retryAfterMs).toBe(2_000);
    expect(classify(429, '', { retryAfter: '-5' }).failure.retryAfterMs).toBe(2_000);
    expect(parseRetryAfter('99999', NOW)).toBe(600_000);
    expect(parseRetryAfter(undefined, NOW)).toBeUndefined();
  });

  test('no body reaches an error: neither its message nor anything in it', () => {
    const secret = 'DATABASE_URL=postgres://u:p@h';
    for (const { status } of ROWS) {
      const error = classify(status, `{"error":"invalid config: ${secret}"}`, { requestId: '01ABC-ord' });
      expect(JSON.stringify([error, error.message, error.stack, error.failure])).not.toContain('postgres');
      expect(error.message).toContain('[fly-request-id 01ABC-ord]');
      expect(error.message).toContain('update encoder/3d8d413b29d089');
    }
  });

  test('without an answer nobody knows whether the call took effect', () => {
    for (const code of ['connection', 'malformed'] as const) {
      expect(lostAnswer('update', 'encoder', code).failure).toMatchObject({ code, inDoubt: true, retryAfterMs: 2_000 });
    }
  });
});
