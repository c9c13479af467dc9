import { z } from 'zod';
import { deliveryOf, isAsking, type Memory, type Notice } from '../domain/notices.js';
import { callSink } from './call.js';
import { type Delivery, type Sink, type SinkDeps, SinkError } from './sink.js';
import { boardOf, replyOf } from './slack-text.js';

export interface SlackBot {
  readonly token: string;
  /** The channel's id, `C…`: an edit takes no name. */
  readonly channel: string;
  /** The Web API, without a slash at its end. */
  readonly api: string;
}

const Message = z.looseObject({
  ts: z.string(),
  metadata: z.looseObject({ event_payload: z.looseObject({ delivery: z.string().nullish() }).nullish() }).nullish(),
});

/** Errors come with 200 and `ok: false` (docs, Web API). */
const Answer = z.looseObject({
  ok: z.boolean(),
  error: z.string().nullish(),
  ts: z.string().nullish(),
  messages: z.array(Message).nullish(),
  response_metadata: z.looseObject({ next_cursor: z.string().nullish() }).nullish(),
});
type Answer = z.infer<typeof Answer>;

/** A page of Slack's history, and how many are looked through for a message of ours. */
const PAGE = 200;
const MOST_PAGES = 20;

/** What Slack says of an error is a word of a closed list (docs, each method). */
const ERROR_WORD = /^[a-z_]{1,60}$/;

function createApi({ token, api }: SlackBot, deps: SinkDeps) {
  const headers = { authorization: `Bearer ${token}` };
  const read = (body: string): Answer => {
    try {
      return Answer.parse(JSON.parse(body));
    } catch {
      throw new SinkError('Slack gives an answer that cannot be read');
    }
  };
  return {
    async post(method: string, body: object): Promise<Answer> {
      return read(await callSink('Slack', { method: 'POST', url: `${api}/${method}`, headers, body }, deps));
    },
    async get(method: string, query: Readonly<Record<string, string>>): Promise<Answer> {
      const url = `${api}/${method}?${new URLSearchParams(query).toString()}`;
      return read(await callSink('Slack', { method: 'GET', url, headers }, deps));
    },
  };
}

function orThrow(answer: Answer): Answer {
  if (answer.ok) return answer;
  const word = answer.error ?? '';
  throw new SinkError(`Slack refuses it: ${ERROR_WORD.test(word) ? word : 'an error that is in no list'}`);
}

const metadataOf = (delivery: string) => ({ event_type: 'layover_rollout', event_payload: { delivery } });

/**
 * A bot: one message a rollout, edited in place, and state changes in its thread. Slack has no key that makes a post
 * happen once: each carries our delivery id in its metadata, and is looked up before it is made.
 */
export function slackBot(bot: SlackBot, deps: SinkDeps): Sink {
  const api = createApi(bot, deps);
  const { channel } = bot;

  /** @param thread the message whose thread is looked through; left out: the channel. */
  async function find(delivery: string, thread?: string): Promise<string | undefined> {
    const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
    const where = {
      channel,
      limit: String(PAGE),
      include_all_metadata: 'true',
      ...(thread === undefined ? {} : { ts: thread }),
    };
    let cursor = '';
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = orThrow(await api.get(method, cursor === '' ? where : { ...where, cursor }));
      const found = answer.messages?.find(({ metadata }) => metadata?.event_payload?.delivery === delivery);
      if (found !== undefined) return found.ts;
      cursor = answer.response_metadata?.next_cursor ?? '';
      if (cursor === '') return undefined;
    }
    return undefined;
  }

  async function post(
    text: string,
    delivery: string,
    confirm: Delivery['confirm'],
    more: object = {},
  ): Promise<string> {
    await confirm();
    const body = { channel, text, unfurl_links: false, metadata: metadataOf(delivery), ...more };
    const { ts } = orThrow(await api.post('chat.postMessage', body));
    if (!ts) throw new SinkError('Slack does not say which message it has posted');
    return ts;
  }

  async function board({ notice, memory, confirm }: Delivery): Promise<{ ts: string; isNew: boolean }> {
    const known = memory['ts'] ?? (await find(notice.rollout));
    if (known !== undefined) {
      const edited = await api.post('chat.update', { channel, ts: known, text: boardOf(notice) });
      // Somebody has deleted it.
      if (edited.ok || edited.error !== 'message_not_found') {
        orThrow(edited);
        return { ts: known, isNew: false };
      }
    }
    return { ts: await post(boardOf(notice), notice.rollout, confirm), isNew: true };
  }

  return {
    takes: () => true,
    async tell(delivery): Promise<Memory> {
      const { notice, confirm } = delivery;
      const { ts } = await board(delivery);
      if (hasReply(notice)) {
        const id = deliveryOf(notice);
        const more = {
          thread_ts: ts,
          ...(isAsking(notice) || notice.kind === 'finished' ? { reply_broadcast: true } : {}),
        };
        if ((await find(id, ts)) === undefined) await post(replyOf(notice), id, confirm, more);
      }
      return { ts };
    },
  };
}

/** The start is the message itself. */
const hasReply = ({ kind }: Notice): boolean => kind !== 'progress' && kind !== 'started';
