import type { Sink, SinkDeps } from './sink.js';
import { callSink } from './call.js';
import { messageOf } from './slack-text.js';

/** An incoming webhook: one message a state change, which can neither be edited nor looked up again. */
export const slackWebhook = ({ url }: { readonly url: string }, deps: SinkDeps): Sink => ({
  takes: ({ kind }) => kind !== 'progress',
  async tell({ notice, confirm }) {
    await confirm();
    await callSink(
      'Slack',
      { method: 'POST', url, headers: {}, body: { text: messageOf(notice), unfurl_links: false } },
      deps,
    );
    return {};
  },
});
