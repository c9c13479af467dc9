import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Memory, Notice } from '../../src/domain/notices.js';
import { briefOf } from '../../src/domain/say-notice.js';
import { type HttpRequest, undiciTransport } from '../../src/fly/transport.js';
import { gitHub } from '../../src/notify/github.js';
import type { Sink, SinkError } from '../../src/notify/sink.js';
import { slackBot } from '../../src/notify/slack-bot.js';
import { slackWebhook } from '../../src/notify/slack-webhook.js';
import { signatureOf, webhook } from '../../src/notify/webhook.js';
import { openSinks, type SinkFault, type SinkServer } from '../../src/proof/sink-server.js';

/** Sinks over loopback: real requests, real answers, and answers that never come. */

const NOW = Date.UTC(2026, 0, 1);
const COMMIT = 'a'.repeat(40);

const notice = (more: Partial<Notice> = {}): Notice => ({
  number: 1,
  kind: 'started',
  at: new Date(NOW).toISOString(),
  app: 'shop',
  type: 'regionalCanary',
  rollout: '0123456789ab.first',
  target: 'registry.fly.io/shop:v2',
  phase: 'running',
  reason: 'updating',
  says: 'updating 1 machine',
  step: 'ams:batch-1',
  counts: {
    selected: 9,
    atTarget: 1,
    verified: 1,
    notRunYet: 0,
    failed: 0,
    foreign: 0,
    left: 8,
    inFlight: 1,
    resting: 0,
    working: 0,
    unreachable: 0,
  },
  canType: [],
  ...more,
});
const ASKED = notice({
  number: 2,
  kind: 'waiting',
  phase: 'waiting',
  says: 'waits for <you> & me',
  canType: ['temporal … --input \'{"at":"ams:approval"}\''],
});
const ENDED = notice({
  number: 3,
  kind: 'finished',
  phase: 'done',
  reason: 'completed',
  says: 'all 9 machines are at target',
});

let server: SinkServer;
beforeEach(async () => {
  server = await openSinks();
});
afterEach(() => server.close());

const deps = { transport: undiciTransport(), now: () => NOW };
const bot = () => slackBot({ token: 'xoxb-1', channel: 'C0123456', api: `${server.url}/slack` }, deps);
const github = () => gitHub({ token: 'ghp-1', api: `${server.url}/github`, repositories: { shop: 'acme/shop' } }, deps);
const incoming = () => slackWebhook({ url: `${server.url}/services/T1/B1/secret` }, deps);
const audit = () => webhook({ url: `${server.url}/audit`, secret: 's3cret' }, deps);

interface Telling {
  readonly memory?: Memory;
  readonly confirm?: () => Promise<void>;
}

const tell = (sink: Sink, one: Notice, { memory = {}, confirm = () => Promise.resolve() }: Telling = {}) =>
  sink.tell({ notice: briefOf(one), source: { commit: COMMIT, pullRequest: 42 }, memory, confirm, now: NOW });

/** Tells it again until it is told, as Temporal does. */
async function tellUntil(sink: Sink, one: Notice, memory: Memory = {}): Promise<Memory> {
  for (let tries = 0; tries < 5; tries += 1) {
    const told = await tell(sink, one, { memory }).catch(() => undefined);
    if (told !== undefined) return told;
  }
  throw new Error('never told');
}

/** Goes wrong for the first call of a path. */
function onceOn(path: string, fault: SinkFault): void {
  let isDone = false;
  server.fault((call) => {
    if (isDone || !call.path.endsWith(path) || call.method === 'GET') return undefined;
    isDone = true;
    return fault;
  });
}

describe('a Slack bot', () => {
  test('has one message a rollout, edited in place, with what is asked in its thread', async () => {
    const sink = bot();
    let memory = await tell(sink, notice());
    memory = await tell(sink, notice({ number: 2, kind: 'progress', step: 'ams:rest' }), { memory });
    memory = await tell(sink, { ...ASKED, number: 3 }, { memory });
    await tell(sink, { ...ENDED, number: 4 }, { memory });
    const [board, asked, ended, ...more] = server.messages;
    expect(more).toEqual([]);
    expect(board?.text).toContain('*regionalCanary of shop has ended: completed*');
    expect(asked).toMatchObject({ thread: board?.ts, broadcast: true });
    expect(asked?.text).toContain('waits for &lt;you&gt; &amp; me');
    expect(asked?.text).toContain('--input');
    expect(ended).toMatchObject({ thread: board?.ts });
  });

  test.each([
    ['an answer that is lost', { cut: true, after: true }],
    ['a 500 after it was posted', { status: 500, after: true }],
    ['a 503 before', { status: 503 }],
  ] satisfies [string, SinkFault][])('posts each message once, whatever happens: %s', async (_, fault) => {
    onceOn('chat.postMessage', fault);
    const memory = await tellUntil(bot(), notice());
    onceOn('chat.postMessage', fault);
    await tellUntil(bot(), ASKED, memory);
    expect(server.messages).toHaveLength(2);
  });

  test('that hangs is given up, and has each message once although it had taken it', async () => {
    const patience = { ...deps, transport: (call: HttpRequest) => deps.transport({ ...call, timeoutMs: 300 }) };
    const sink = slackBot({ token: 'xoxb-1', channel: 'C0123456', api: `${server.url}/slack` }, patience);
    onceOn('chat.postMessage', { hang: true, after: true });
    await expect(tell(sink, notice())).rejects.toThrow('Slack gives no whole answer in 10 s');
    const memory = await tellUntil(sink, notice());
    onceOn('chat.postMessage', { hang: true });
    await tellUntil(sink, ASKED, memory);
    expect(server.messages).toHaveLength(2);
  });

  test('finds its message again when it remembers nothing, and makes another when somebody has deleted it', async () => {
    const { ts = '' } = await tell(bot(), notice());
    expect(await tell(bot(), notice({ number: 2, kind: 'progress' }))).toEqual({ ts });
    server.deleteMessage(ts);
    const again = await tell(bot(), notice({ number: 3, kind: 'progress' }), { memory: { ts } });
    expect(again['ts']).not.toBe(ts);
  });

  test('posts and edits nothing where another attempt has taken over', async () => {
    const confirm = () => Promise.reject(new Error('not ours'));
    await expect(tell(bot(), notice(), { confirm })).rejects.toThrow('not ours');
    expect(server.messages).toEqual([]);
    const memory = await tell(bot(), ENDED);
    await expect(tell(bot(), ASKED, { memory, confirm })).rejects.toThrow('not ours');
    expect(server.messages[0]?.text).toContain('has ended');
  });

  test.each(['edit_window_closed', 'cant_update_message'])(
    'that may not edit its message (%s) posts another',
    async (error) => {
      const memory = await tell(bot(), notice());
      server.fault(({ path }) =>
        path.endsWith('chat.update') ? { status: 200, body: JSON.stringify({ ok: false, error }) } : undefined,
      );
      const { ts } = await tell(bot(), ENDED, { memory });
      expect(ts).not.toBe(memory['ts']);
      expect(server.messages.find((one) => one.ts === ts)?.text).toContain('has ended');
    },
  );

  test('obeys Retry-After, and names what Slack refuses in a word of its list only', async () => {
    server.fault(() => ({ status: 429, headers: { 'retry-after': '30' } }));
    const limited = (await tell(bot(), notice()).catch((error: unknown) => error)) as SinkError;
    expect(limited).toMatchObject({ message: 'Slack answers 429', retryAfterMs: 30_000 });
    server.fault(() => ({ status: 200, body: JSON.stringify({ ok: false, error: 'not_in_channel' }) }));
    await expect(tell(bot(), notice())).rejects.toThrow('Slack refuses it: not_in_channel');
    server.fault(() => ({ status: 200, body: JSON.stringify({ ok: false, error: 'SECRET value!' }) }));
    await expect(tell(bot(), notice())).rejects.toThrow('an error that is in no list');
  });
});

describe('an incoming webhook', () => {
  test('gets one message a state change, and no progress', async () => {
    const sink = incoming();
    expect(sink.takes(notice({ kind: 'progress' }))).toBe(false);
    await tell(sink, ASKED);
    const [call] = server.arrived;
    expect(call).toMatchObject({ method: 'POST', path: '/services/T1/B1/secret' });
    expect(call?.body['text']).toContain('*regionalCanary of shop waits for a person*');
  });

  test.each([
    [{ status: 404, body: 'no_service' }, 'Slack answers 404'],
    [{ status: 500, body: 'rollup_error' }, 'Slack answers 500'],
    [
      { status: 302, headers: { location: 'http://169.254.169.254/' } },
      'Slack answers with a redirect, which is not followed',
    ],
    [{ cut: true }, 'Slack gives no whole answer in 10 s'],
  ] satisfies [SinkFault, string][])(
    'that answers %j is told again, in words without the answer or the address',
    async (fault, says) => {
      server.fault(() => fault);
      await expect(tell(incoming(), ASKED)).rejects.toThrow(new RegExp(`^${says}$`));
    },
  );
});

describe('a webhook', () => {
  test('gets a signed body that nobody can exchange, under an id that tells repetitions apart', async () => {
    await tell(audit(), ASKED);
    await tell(audit(), ASKED);
    const [first, second] = server.arrived;
    const { 'x-layover-timestamp': time = '', 'x-layover-delivery': delivery = '' } = first?.headers ?? {};
    expect(delivery).toBe('0123456789ab.first/2');
    expect(second?.headers['x-layover-delivery']).toBe(delivery);
    expect(first?.headers['x-layover-signature']).toBe(signatureOf('s3cret', time, delivery, first?.text ?? ''));
    expect(first?.body).toMatchObject({ delivery, kind: 'waiting', app: 'shop', commit: COMMIT, pullRequest: 42 });
  });

  test('that redirects into a private network is not followed there', async () => {
    server.fault(() => ({ status: 307, headers: { location: `${server.url}/inside` } }));
    await expect(tell(audit(), ASKED)).rejects.toThrow('redirect, which is not followed');
    expect(server.arrived.map(({ path }) => path)).toEqual(['/audit']);
  });
});

describe('GitHub', () => {
  test('gets one deployment of the commit with a status a state change, and one comment, edited in place', async () => {
    let memory = await tell(github(), notice());
    memory = await tell(github(), ASKED, { memory });
    await tell(github(), ENDED, { memory });
    expect(server.deployments).toMatchObject([
      { sha: COMMIT, environment: 'shop', payload: { layover: '0123456789ab.first' } },
    ]);
    expect(server.deployments[0]?.statuses.map(({ state }) => state)).toEqual(['in_progress', 'pending', 'success']);
    expect(server.comments).toHaveLength(1);
    expect(server.comments[0]?.body).toContain('all 9 machines are at target');
  });

  test.each(['/deployments', '/statuses', '/comments'])(
    'makes each once, whatever answer of %s is lost',
    async (path) => {
      onceOn(path, { cut: true, after: true });
      await tellUntil(github(), notice());
      expect(server.deployments.map(({ statuses }) => statuses.length)).toEqual([1]);
      expect(server.comments).toHaveLength(1);
    },
  );

  test('waits as long as a limit on calls says, which comes as 403', async () => {
    const reset = String(NOW / 1_000 + 120);
    server.fault(() => ({ status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset } }));
    await expect(tell(github(), notice())).rejects.toMatchObject({
      message: 'GitHub answers 403',
      retryAfterMs: 120_000,
    });
  });

  test('a 403 that speaks of a rate limit is one, and asks for a minute where it names no time', async () => {
    const body = JSON.stringify({ message: 'You have exceeded a secondary rate limit.' });
    server.fault(() => ({ status: 403, body }));
    await expect(tell(github(), notice())).rejects.toMatchObject({ retryAfterMs: 60_000, isRefusal: false });
    server.fault(() => ({ status: 403, body: JSON.stringify({ message: 'Resource not accessible' }) }));
    await expect(tell(github(), notice())).rejects.toMatchObject({ isRefusal: true });
  });

  test('makes another comment where somebody deleted ours, and one that is refused keeps the other from nothing', async () => {
    const memory = await tell(github(), notice());
    server.fault(({ method }) => (method === 'PATCH' ? { status: 404 } : undefined));
    const next = await tell(github(), ENDED, { memory });
    expect(next['comment']).not.toBe(memory['comment']);
    expect(server.deployments[0]?.statuses.at(-1)?.state).toBe('success');
    server.fault(({ path }) => (path.includes('/deployments') ? { status: 403 } : undefined));
    await expect(tell(github(), { ...ASKED, number: 4 }, { memory: next })).rejects.toMatchObject({ isRefusal: true });
    expect(server.comments.some(({ body }) => body.includes('waits for a person'))).toBe(true);
  });

  test('takes no comment for its own that quotes it', async () => {
    const url = `${server.url}/github/repos/acme/shop/issues/42/comments`;
    const quote = `> <!-- layover 0123456789ab.first -->\n> has ended\n\nIs that so?`;
    const headers = { 'content-type': 'application/json' };
    await fetch(url, { method: 'POST', headers, body: JSON.stringify({ body: quote }) });
    await tell(github(), ENDED);
    expect(server.comments).toHaveLength(2);
    expect(server.comments[0]?.body).toBe(quote);
  });

  test('edits nothing where another attempt has taken over', async () => {
    const memory = await tell(github(), ENDED);
    const confirm = () => Promise.reject(new Error('not ours'));
    await expect(tell(github(), ASKED, { memory, confirm })).rejects.toThrow('not ours');
    expect(server.comments[0]?.body).toContain('has ended');
  });

  test.each([
    [{ 'retry-after': '1800' }, 1_800_000],
    [{ 'retry-after': '7200' }, 3_600_000],
    [{ 'retry-after': '0' }, 60_000],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW) }, 3_600_000],
    [{}, 60_000],
  ])('is left alone for as long as a limit says, within reason: %j', async (headers, retryAfterMs) => {
    server.fault(() => ({ status: 429, headers }));
    await expect(tell(github(), notice())).rejects.toMatchObject({ retryAfterMs, isRefusal: false });
  });

  test('is shown what people wrote as text: nobody is mentioned, and nothing becomes markup', async () => {
    await tell(github(), { ...ASKED, says: 'asked for by ann: @acme/team <b>see</b>\n# [x](http://evil.test)' });
    const shown = server.comments[0]?.body.split('\n')[3];
    expect(shown).toContain('asked for by ann: @\u200bacme/team');
    expect(shown).not.toMatch(/[<>[\]()]|@[a-z]|\s#/);
  });

  test('is told nothing of an app without a repository', () => {
    expect(github().takes(notice({ app: 'other' }))).toBe(false);
  });
});
