import {
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { enqueue, isAsking, type Memory, type Notice, REMINDERS_MS } from '../src/domain/notices.js';
import type { Source } from '../src/input/types.js';
import { awaitRollout, notify } from './options.js';

/** What a rollout signals to who tells of it. */
export const tellSignal = defineSignal<[Notice]>('tell');

/** One sink's notices that were not told yet, in their order, and what it remembers. */
interface Desk {
  readonly waiting: readonly Notice[];
  readonly memory: Memory;
}

export interface NoticesArg {
  readonly v: 1;
  /** The rollout's workflow id, and its first run: whichever comes after it is another one. */
  readonly rollout: string;
  readonly firstRunId: string;
  readonly sinks: readonly string[];
  readonly source: Source;
  /** Of the run before. */
  readonly desks?: Readonly<Record<string, Desk>>;
  readonly last?: Notice;
  readonly reminded?: number;
}

/** How often a rollout is looked at that may have been terminated: it says nothing then. */
const ALIVE_MS = 15_000;

/** Told when a rollout has closed without a word. */
const withoutAWord = (last: Notice): Notice => ({
  ...last,
  number: last.number + 1,
  kind: 'finished',
  at: new Date().toISOString(),
  phase: 'done',
  reason: 'terminated',
  says: 'the rollout was terminated; what it had done stays done: start the same input again to go on',
  canType: [],
});

/**
 * Tells the people who watch a rollout what becomes of it: each sink in its own order and time, so that one that is
 * away delays neither the rollout nor the others. It outlives the rollout until everybody has been told of its end.
 */
export async function notices(arg: NoticesArg): Promise<void> {
  const desks = new Map(arg.sinks.map((sink) => [sink, arg.desks?.[sink] ?? { waiting: [], memory: {} }] as const));
  let { last, reminded = 0 } = arg;
  let busy = 0;
  const isOver = () => last?.kind === 'finished';
  const isToldAll = () => [...desks.values()].every(({ waiting }) => waiting.length === 0);
  const isTired = () => workflowInfo().continueAsNewSuggested;

  const put = (notice: Notice) => {
    if (isOver() || (last !== undefined && notice.number <= last.number && notice.kind !== 'reminder')) return;
    if (notice.kind !== 'reminder') {
      last = notice;
      reminded = 0;
    }
    for (const [sink, desk] of desks) desks.set(sink, { ...desk, waiting: enqueue(desk.waiting, notice) });
  };
  setHandler(tellSignal, put, { description: 'A state change of the rollout, from the rollout itself.' });

  const tellOne = async (sink: string): Promise<void> => {
    const { waiting, memory } = desks.get(sink) ?? { waiting: [], memory: {} };
    const [notice] = waiting;
    if (notice === undefined) return;
    busy += 1;
    const told = await notify
      .executeWithOptions({ summary: `${sink}: ${notice.kind} #${notice.number}` }, [
        { sink, notice, source: arg.source, memory },
      ])
      .catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        return memory;
      });
    busy -= 1;
    const now = desks.get(sink)?.waiting ?? [];
    desks.set(sink, { waiting: now.filter((one) => one !== notice), memory: told });
  };

  const serve = async (sink: string): Promise<void> => {
    const isWaiting = () => (desks.get(sink)?.waiting.length ?? 0) > 0;
    for (;;) {
      await condition(() => isTired() || isWaiting() || isOver());
      if (isTired() || !isWaiting()) return;
      await tellOne(sink);
    }
  };

  const watch = async (): Promise<void> => {
    const order = { workflowId: arg.rollout, firstRunId: arg.firstRunId, againMs: ALIVE_MS };
    await awaitRollout.executeWithOptions({ summary: `whether ${arg.rollout} still runs` }, [order]);
    if (last !== undefined && !isOver()) put(withoutAWord(last));
  };

  const remind = async (): Promise<void> => {
    for (;;) {
      await condition(() => isTired() || isOver() || (last !== undefined && isAsking(last)));
      if (isTired() || isOver() || last === undefined) return;
      const asked = last;
      const wait = REMINDERS_MS[Math.min(reminded, REMINDERS_MS.length - 1)] ?? ALIVE_MS;
      const isAnswered = await condition(() => isTired() || last !== asked, wait);
      if (isAnswered) continue;
      reminded += 1;
      put({ ...asked, kind: 'reminder', at: new Date().toISOString() });
    }
  };

  setCurrentDetails(`Tells ${arg.sinks.join(', ')} what becomes of \`${arg.rollout}\`; ends when all know its end.`);
  void watch();
  await Promise.all([...arg.sinks.map(serve), remind()]);
  if (isOver() && isToldAll()) return;
  await condition(() => busy === 0);
  await continueAsNew<typeof notices>({
    ...arg,
    desks: Object.fromEntries(desks),
    ...(last === undefined ? {} : { last }),
    reminded,
  });
}
