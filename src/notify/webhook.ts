import { createHmac } from 'node:crypto';
import { callSink } from './call.js';
import type { Sink, SinkDeps } from './sink.js';

export interface Webhook {
  readonly url: string;
  readonly secret: string;
}

/** What is signed: the time, the delivery and the body, so that none of them can be exchanged. */
export const signatureOf = (secret: string, time: string, delivery: string, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${time}.${delivery}.${body}`).digest('hex')}`;

/** Any address: one signed POST a state change, at least once; the delivery id tells a repetition apart. */
export const webhook = ({ url, secret }: Webhook, deps: SinkDeps): Sink => ({
  takes: ({ kind }) => kind !== 'progress',
  async tell({ notice, source, confirm, now }) {
    const { delivery } = notice;
    const body = JSON.stringify({ ...notice, ...source });
    const time = String(Math.floor(now / 1_000));
    await confirm();
    const headers = {
      'x-layover-delivery': delivery,
      'x-layover-timestamp': time,
      'x-layover-signature': signatureOf(secret, time, delivery, body),
    };
    await callSink('the webhook', { method: 'POST', url, headers, body }, deps);
    return {};
  },
});
