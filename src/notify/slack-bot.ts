import { z } from 'zod';
import { callSink } from './call.js';
import { type Brief, type Delivery, type Memory, type Sink, type SinkDeps, SinkError } from './sink.js';
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

/** Errors of Slack's own (docs, each method): more may come of trying again. */
const PASSING = [
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'ratelimited',
  'rate_limited',
];

/** It cannot be edited any more: somebody deleted it, it is too old, or another bot posted it. */
const NOT_OURS = ['message_not_found', 'edit_window_closed', 'cant_update_message'];

function orThrow(answer: Answer): Answer {
  if (answer.ok) return answer;
  const word = answer.error ?? '';
  const says = `Slack refuses it: ${ERROR_WORD.test(word) ? word : 'an error that is in no list'}`;
  throw new SinkError(says, { isRefusal: !PASSING.includes(word) });
}

const metadataOf = (delivery: string) => ({ event_type: 'layover_rollout', event_payload: { delivery } });

interface Channel {
  /** Looks for what a delivery has made. @param thread whose messages are looked through; left out: the channel's. */
  find(delivery: string, thread?: string): Promise<string | undefined>;
  post(text: string, delivery: string, confirm: Delivery['confirm'], more?: object): Promise<string>;
  /** False where the message cannot be edited any more. */
  edit(ts: string, text: string, confirm: Delivery['confirm']): Promise<boolean>;
}

/** Slack has no key that makes a post happen once: each carries our delivery id in its metadata, to be looked up. */
function createChannel(bot: SlackBot, deps: SinkDeps): Channel {
  const api = createApi(bot, deps);
  const { channel } = bot;
  return {
    async find(delivery, thread) {
      const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
      const inThread = thread === undefined ? {} : { ts: thread };
      const where = { channel, limit: String(PAGE), include_all_metadata: 'true', ...inThread };
      let cursor = '';
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const answer = orThrow(await api.get(method, cursor === '' ? where : { ...where, cursor }));
        const found = answer.messages?.find(({ metadata }) => metadata?.event_payload?.delivery === delivery);
        if (found !== undefined) return found.ts;
        cursor = answer.response_metadata?.next_cursor ?? '';
        if (cursor === '') return undefined;
      }
      return undefined;
    },

    async post(text, delivery, confirm, more = {}) {
      await confirm();
      const body = { channel, text, unfurl_links: false, metadata: metadataOf(delivery), ...more };
      const { ts } = orThrow(await api.post('chat.postMessage', body));
      if (!ts) throw new SinkError('Slack does not say which message it has posted');
      return ts;
    },

    async edit(ts, text, confirm) {
      await confirm();
      const edited = await api.post('chat.update', { channel, ts, text });
      if (!edited.ok && NOT_OURS.includes(edited.error ?? '')) return false;
      orThrow(edited);
      return true;
    },
  };
}

/** A bot: one message a rollout, edited in place, and state changes in its thread; each is looked up before it is made. */
export function slackBot(bot: SlackBot, deps: SinkDeps): Sink {
  const channel = createChannel(bot, deps);

  async function board({ notice, memory, confirm }: Delivery): Promise<string> {
    const isEdited = (ts: string) => channel.edit(ts, boardOf(notice), confirm);
    const known = memory['ts'];
    if (known !== undefined && (await isEdited(known))) return known;
    // Nothing is remembered, or somebody has deleted it: another attempt may have posted one.
    const found = await channel.find(notice.rollout);
    if (found !== undefined && found !== known && (await isEdited(found))) return found;
    return channel.post(boardOf(notice), notice.rollout, confirm);
  }

  return {
    takes: () => true,
    async tell(delivery): Promise<Memory> {
      const { notice, confirm } = delivery;
      const ts = await board(delivery);
      if (hasReply(notice) && (await channel.find(notice.delivery, ts)) === undefined) {
        const isLoud = notice.asks || notice.kind === 'finished';
        const more = { thread_ts: ts, ...(isLoud ? { reply_broadcast: true } : {}) };
        await channel.post(replyOf(notice), notice.delivery, confirm, more);
      }
      return { ts };
    },
  };
}

/** The start is the message itself. */
const hasReply = ({ kind }: Brief): boolean => kind !== 'progress' && kind !== 'started';
