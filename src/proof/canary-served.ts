import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { type Bench, openBench } from './bench.js';
import { drive, type DriveOptions } from './drive.js';
import { readJournal, tookEffect } from './evidence.js';
import { roomOf } from './sweep.js';
import { createWorld } from './world.js';

/** The same canaries through Temporal and in process: do they end the same? */

type Kind = 'never works' | 'hits a fifth' | 'good';
const KINDS: readonly Kind[] = ['never works', 'hits a fifth', 'good'];

interface Case {
  readonly app: string;
  readonly kind: Kind;
}

/** How a canary ended that is aborted at its first halt. */
interface End {
  readonly outcome: string;
  readonly halted: boolean;
  readonly reached: number;
}

export interface ServedFigures {
  readonly cases: number;
  readonly halted: number;
  readonly completed: number;
  /** The most machines that an image reached which never works. */
  readonly mostReached: number;
  /** Cases that did not end through Temporal as they did in process. */
  readonly different: readonly string[];
}

const MACHINES = 20;
const REGIONS = ['ams', 'ord'];
const CHECKED = { checks: { up: { type: 'tcp', port: 8080, interval: '1s' } } };
const IMAGES: Readonly<Record<Kind, object>> = {
  'never works': { failsChecks: true },
  'hits a fifth': { failsChecks: true, hits: { share: 0.2 } },
  good: {},
};

const hex = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length);
const imageOf = (app: string, tag: string): string => `registry.fly.io/${app}:${tag}`;

/** The same ids and digests in both worlds, so that an image hits the same machines. */
function scenarioOf(cases: readonly Case[]): object {
  const images = cases.flatMap(({ app, kind }) => [
    [imageOf(app, 'v1'), {}],
    [imageOf(app, 'v2'), { digest: `sha256:${hex(app, 64)}`, ...IMAGES[kind] }],
  ]);
  const apps = cases.map(({ app }) => ({
    name: app,
    machines: Array.from({ length: MACHINES }, (_, at) => ({
      ids: [hex(`${app} ${at}`, 14)],
      region: REGIONS[at % 2],
      image: imageOf(app, 'v1'),
      state: 'started',
      running: true,
      config: CHECKED,
    })),
  }));
  const timing = { replaceMs: 200, pullMs: 100, bootMs: 300, checksFirstMs: 100, checksPassMs: 300 };
  return { timing, images: Object.fromEntries(images) as object, apps };
}

const inputOf = ({ app }: Case): object => ({
  app,
  image: imageOf(app, 'v2'),
  batches: [2],
  bake: '3s',
  healthy: { within: '10s' },
});

async function inProcess(one: Case): Promise<End> {
  const world = createWorld(scenarioOf([one]));
  let halted = false;
  const watch: DriveOptions['watch'] = (loop) => {
    const { pause, stop } = loop.state();
    if (pause?.code !== 'failures' || stop !== undefined) return;
    halted = true;
    loop.put({ ...loop.state(), stop: { kind: 'abort', says: 'halted', since: world.clock.now() } });
  };
  const { end } = await drive(world, { type: 'regionalCanary', input: inputOf(one), start: 'served', watch });
  const written = world.simulator.journal
    .entries()
    .flatMap((entry) =>
      entry.kind === 'call' && entry.op === 'update' && entry.status === 200 ? [entry.machine] : [],
    );
  return { outcome: end.kind === 'finish' ? end.outcome : end.kind, halted, reached: new Set(written).size };
}

const OUTCOMES: Readonly<Record<string, string>> = { RolloutAborted: 'aborted', RolloutPartial: 'partial' };

async function served({ client, simulator }: Bench, one: Case, signal: AbortSignal): Promise<End> {
  const { app } = one;
  const door = await client.workflow.start('regionalCanary', {
    taskQueue: 'layover',
    workflowId: `served-${app}`,
    args: [inputOf(one)],
  });
  let halted = false;
  const end: { outcome?: string } = {};
  const result = door.result().then(
    () => void (end.outcome = 'completed'),
    (error: unknown) => {
      const cause = error instanceof WorkflowFailedError ? error.cause : error;
      const type = cause instanceof ApplicationFailure ? (cause.type ?? '') : String(cause);
      end.outcome = OUTCOMES[type] ?? type;
    },
  );
  const room = client.workflow.getHandle(roomOf(app));
  while (end.outcome === undefined) {
    await delay(500, undefined, { signal });
    const status = await room.query<{ phase?: string; reason?: string }>('status').catch(() => undefined);
    if (status?.phase !== 'paused' || status.reason !== 'failures' || halted) continue;
    halted = true;
    await room.signal('abort', { reason: 'halted' });
  }
  await result;
  const journal = await readJournal(simulator.url);
  const written = journal.filter((entry) => entry.app === app && entry.op === 'update' && tookEffect(entry));
  return { outcome: end.outcome, halted, reached: new Set(written.map(({ machine }) => machine)).size };
}

const say = ({ outcome, halted }: End): string => `${outcome}${halted ? ' after a halt' : ''}`;

/** So many canaries through Temporal, all at once under one worker, and each of them in process too. */
export async function proveServed(count: number, given: AbortSignal): Promise<ServedFigures> {
  const cases = Array.from({ length: count }, (_, at): Case => ({
    app: `served-${at}`,
    kind: KINDS[at % 3] ?? 'good',
  }));
  const off = new AbortController();
  const signal = AbortSignal.any([given, off.signal]);
  setMaxListeners(0, signal);
  const bench = await openBench(scenarioOf(cases), signal);
  try {
    await bench.crew.keep(1);
    const through = await Promise.all(cases.map((one) => served(bench, one, signal)));
    const beside: End[] = [];
    for (const one of cases) beside.push(await inProcess(one));
    const different = cases.flatMap(({ app, kind }, at) => {
      const [a, b] = [through[at], beside[at]];
      if (a === undefined || b === undefined || say(a) === say(b)) return [];
      return [`${app} (${kind}): through Temporal ${say(a)}, in process ${say(b)}`];
    });
    const never = through.filter((_, at) => cases[at]?.kind === 'never works');
    return {
      cases: count,
      halted: through.filter(({ halted }) => halted).length,
      completed: through.filter(({ outcome }) => outcome === 'completed').length,
      mostReached: Math.max(...never.map(({ reached }) => reached)),
      different,
    };
  } finally {
    off.abort();
    await bench.close();
  }
}
