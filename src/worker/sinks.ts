import { gitHub } from '../notify/github.js';
import type { Sink, SinkDeps } from '../notify/sink.js';
import { slackBot } from '../notify/slack-bot.js';
import { slackWebhook } from '../notify/slack-webhook.js';
import { webhook } from '../notify/webhook.js';
import { type ConfigFile, isHttp, type Secrets, type SinkEntry } from './config-file.js';

/** Makes a sink over a transport and a clock. */
export type MakeSink = (deps: SinkDeps) => Sink;

function makerOf(entry: SinkEntry, secrets: Secrets): MakeSink {
  switch (entry.kind) {
    case 'slack': {
      const bot = { token: secrets.get(entry.tokenFrom), channel: entry.channel, api: entry.api };
      return (deps) => slackBot(bot, deps);
    }
    case 'slack-webhook': {
      const url = secrets.get(entry.urlFrom);
      if (url !== '' && !isHttp(url)) secrets.problems.push(`${entry.urlFrom} must hold an http(s) address`);
      return (deps) => slackWebhook({ url }, deps);
    }
    case 'github': {
      const { api, repositories } = entry;
      const token = secrets.get(entry.tokenFrom);
      return (deps) => gitHub({ token, api, repositories }, deps);
    }
    case 'webhook': {
      const secret = secrets.get(entry.secretFrom);
      return (deps) => webhook({ url: entry.url, secret }, deps);
    }
  }
}

/** Who is told, by name. */
export const readSinks = ({ notify }: ConfigFile, secrets: Secrets): Readonly<Record<string, MakeSink>> =>
  Object.fromEntries(Object.entries(notify).map(([name, entry]) => [name, makerOf(entry, secrets)]));
