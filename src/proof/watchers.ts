import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../simulator/random.js';
import { type JournalEntry, readJournal, tookEffect } from './evidence.js';
import type { Figure } from './judge.js';
import { openSinks, type SinkServer } from './sink-server.js';
import { judgeTold, type Made, type ToldCase, type ToldOf } from './told-judge.js';

/** Those who watch a proof's rollouts, over loopback; some of their answers are lost after they took effect. */
export interface Watchers {
  /** The part of the worker's config file. */
  readonly notify: object;
  readonly env: Readonly<Record<string, string>>;
  /** What they have been told so far. */
  evidence(journal: readonly JournalEntry[], approved: readonly string[]): ToldCase;
  close(): void;
}

/** Of their answers so many go wrong. */
const FAULTY = 0.05;

interface Payload {
  readonly event_payload?: { readonly delivery?: string };
}

/** `<hash>.<start>/<number>`, and a plain rollout for the message that it begins with. */
function deliveriesAt({ messages }: SinkServer): string[] {
  return messages.map(({ metadata }) => (metadata as Payload | undefined)?.event_payload?.delivery ?? 'none');
}

function madeAt(sinks: SinkServer): Made[] {
  const slack = deliveriesAt(sinks).map((delivery): Made => ({ where: 'Slack', delivery }));
  const deployments = sinks.deployments.flatMap(({ payload, statuses }) => {
    const name = JSON.stringify(payload);
    return [name, ...statuses.map(({ description }) => `${name} ${description}`)];
  });
  return [...slack, ...deployments.map((delivery): Made => ({ where: 'GitHub', delivery }))];
}

function slackOf(sinks: SinkServer): Map<string, Set<number>> {
  const byRollout = new Map<string, Set<number>>();
  for (const delivery of deliveriesAt(sinks)) {
    const [rollout = '', number = ''] = delivery.split('/');
    const numbers = byRollout.get(rollout) ?? new Set();
    byRollout.set(rollout, numbers.add(Number(number)));
  }
  return byRollout;
}

const webhookOf = ({ arrived }: SinkServer): ToldOf[] =>
  arrived
    .filter(({ path }) => path === '/audit')
    .map(({ body }) => ({
      rollout: String(body['rollout']),
      number: Number(body['number']),
      kind: String(body['kind']),
    }));

/** The marks on machines, without their retries. */
function markedIn(journal: readonly JournalEntry[]): string[] {
  const marks = journal.flatMap((entry) =>
    entry.op === 'update' && tookEffect(entry) ? (entry.marks?.['layover_rollout']?.split('#')[0] ?? []) : [],
  );
  return [...new Set(marks)];
}

/** Opens them. @param apps each with a repository of its own. */
export async function openWatchers(apps: readonly string[], seed: number): Promise<Watchers> {
  const sinks = await openSinks();
  const random = createRandom(seed);
  sinks.fault(() => {
    const drawn = random.next();
    if (drawn > FAULTY) return undefined;
    return drawn < FAULTY / 2 ? { cut: true, after: true } : { status: 503 };
  });
  const repositories = Object.fromEntries(apps.map((app) => [app, `acme/${app}`]));
  return {
    notify: {
      team: { kind: 'slack', tokenFrom: 'SLACK_TOKEN', channel: 'C0123456', api: `${sinks.url}/slack` },
      github: { kind: 'github', tokenFrom: 'GITHUB_TOKEN', api: `${sinks.url}/github`, repositories },
      audit: { kind: 'webhook', url: `${sinks.url}/audit`, secretFrom: 'AUDIT_SECRET' },
    },
    env: { SLACK_TOKEN: 'xoxb-proof', GITHUB_TOKEN: 'ghp-proof', AUDIT_SECRET: 'proof' },
    evidence: (journal, approved) => ({
      made: madeAt(sinks),
      webhook: webhookOf(sinks),
      slack: slackOf(sinks),
      approved,
      written: markedIn(journal),
    }),
    close: () => sinks.close(),
  };
}

/** Notices travel behind the rollouts, and whoever was away is told later. */
const TOLD_WITHIN_MS = 90_000;

/** Judges as soon as nothing is lost, and after a while whatever is. */
export async function judgeWatchers(
  watchers: Watchers,
  simulatorUrl: string,
  approved: readonly string[],
  signal: AbortSignal,
): Promise<Figure[]> {
  const deadline = Date.now() + TOLD_WITHIN_MS;
  for (;;) {
    const figures = judgeTold(watchers.evidence(await readJournal(simulatorUrl), approved));
    if (figures.every(({ wrong }) => wrong === 0) || Date.now() > deadline) return figures;
    await delay(1_000, undefined, { signal });
  }
}
