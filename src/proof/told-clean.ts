import { noticeOf, type Told } from '../domain/notices.js';
import { briefOf } from '../domain/say-notice.js';
import { statusOf } from '../domain/status.js';
import { undiciTransport } from '../fly/transport.js';
import type { Notice } from '../domain/notices.js';
import { slackBot } from '../notify/slack-bot.js';
import { drive } from './drive.js';
import { type Figure, figure } from './judge.js';
import { openSinks } from './sink-server.js';
import { createWorld } from './world.js';

const APP = 'clean';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;

/** What is told of one clean canary over 100 machines in five regions. */
async function noticesOfCanary(): Promise<{ readonly notices: readonly Notice[]; readonly steps: number }> {
  const config = { checks: { up: { type: 'tcp', port: 8080, interval: '3s' } } };
  const regions = ['ams', 'dfw', 'fra', 'iad', 'ord'];
  const machines = regions.map((region) => ({
    count: 20,
    region,
    image: OLD,
    state: 'started',
    running: true,
    config,
  }));
  const world = createWorld({ seed: 2, images: { [OLD]: {}, [NEW]: {} }, apps: [{ name: APP, machines }] });
  const notices: Notice[] = [];
  let told: Told | undefined;
  const { end, state } = await drive(world, {
    type: 'regionalCanary',
    start: 'clean',
    input: { app: APP, image: NEW, bake: '5m' },
    watch: (loop, decision) => {
      const now = world.clock.now();
      const isEnd = decision.kind === 'finish';
      const ended = isEnd ? { ended: { outcome: decision.outcome, says: decision.says, at: now } } : {};
      const news = noticeOf(statusOf(loop.state(), { now, ...ended }), told, now);
      if (news === undefined) return;
      ({ told } = news);
      notices.push(news.notice);
    },
  });
  if (!('outcome' in end) || end.outcome !== 'completed') throw new Error('it was to complete');
  return { notices, steps: state.plan.steps.length };
}

/** How many messages a bot makes of it: its other calls look up and edit. */
export async function proveToldClean(): Promise<Figure> {
  const { notices, steps } = await noticesOfCanary();
  const sinks = await openSinks();
  try {
    const bot = { token: 'xoxb-proof', channel: 'C0123456', api: `${sinks.url}/slack` };
    const sink = slackBot(bot, { transport: undiciTransport(), now: () => Date.now() });
    const confirm = () => Promise.resolve();
    let memory = {};
    for (const notice of notices)
      memory = await sink.tell({ notice: briefOf(notice), source: {}, memory, confirm, now: Date.now() });
    const made = sinks.arrived.filter(({ path }) => path === '/slack/chat.postMessage').length;
    const most = steps + 3;
    return figure(
      `Slack calls that create a message, of 100 clean machines in ${steps} steps: ${made} (at most ${most}); too many`,
      made > most ? [`${made}`] : [],
      sinks.arrived.length,
      'calls to Slack',
    );
  } finally {
    sinks.close();
  }
}
