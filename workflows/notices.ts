import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { deliveryOf, enqueue, isAsking, type Memory, type Notice, REMINDERS_MS } from '../src/domain/notices.js';
import type { Source } from '../src/input/types.js';
import { awaitRollout, IMPATIENT, notify } from './options.js';

/** What a rollout signals to who tells of it. */
export const tellSignal = defineSignal<[Notice]>('tell');

/** One sink's notices that were not told yet, in their order, and what it remembers. */
interface Desk {
  readonly waiting: readonly Notice[];
  readonly memory: Memory;
  /** It has refused for so long that nothing is waited for any more. */
  readonly refuses?: true;
}

const NOTHING: Desk = { waiting: [], memory: {} };

export interface NoticesArg {
  readonly v: 1;
  /** The rollout's workflow id, and its first run: whichever comes after it is another one. */
  readonly rollout: string;
  readonly firstRunId: string;
  readonly sinks: readonly string[];
  readonly source: Source;
  /** Its beginning, as far as it had begun when this was started. */
  readonly first?: Notice;
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

/** What one run holds. */
interface Office {
  readonly arg: NoticesArg;
  readonly desks: Map<string, Desk>;
  last: Notice | undefined;
  /** How often who is asked was reminded. */
  reminded: number;
  /** Deliveries under way, by sink. */
  readonly busy: Map<string, CancellationScope>;
  /** The rollout closed before it had said anything. */
  closed: boolean;
}

const isOver = ({ last, closed }: Office): boolean => closed || last?.kind === 'finished';
const isTired = (): boolean => workflowInfo().continueAsNewSuggested;
const waitingAt = ({ desks }: Office, sink: string): readonly Notice[] => desks.get(sink)?.waiting ?? [];

/** What comes a second time, or after the end, is known already. */
function put(office: Office, notice: Notice): void {
  const { desks, last } = office;
  const isReminder = notice.kind === 'reminder';
  if (isOver(office) || (!isReminder && last !== undefined && notice.number <= last.number)) return;
  if (!isReminder) {
    office.last = notice;
    office.reminded = 0;
  }
  for (const [sink, desk] of desks) {
    const waiting = enqueue(desk.waiting, notice);
    desks.set(sink, { ...desk, waiting });
    // A question that has its answer is not told as one, however often it has been tried.
    if (desk.waiting.length > 0 && waiting[0] !== desk.waiting[0]) office.busy.get(sink)?.cancel();
  }
}

/** It is told, or given up. */
function settle({ desks }: Office, sink: string, notice: Notice, told: Partial<Desk>): void {
  const { refuses: _refuses, ...desk } = desks.get(sink) ?? NOTHING;
  const waiting = desk.waiting.filter((one) => deliveryOf(one) !== deliveryOf(notice));
  desks.set(sink, { ...desk, ...told, waiting });
}

async function tellOne(office: Office, sink: string, notice: Notice): Promise<void> {
  const { memory, refuses } = office.desks.get(sink) ?? NOTHING;
  const order = { sink, notice, source: office.arg.source, memory, ...(refuses === undefined ? {} : { refuses }) };
  const summary = `${sink}: ${notice.kind} #${notice.number}`;
  const patience = refuses === undefined ? {} : IMPATIENT;
  const scope = new CancellationScope();
  office.busy.set(sink, scope);
  try {
    const told = await scope.run(() => notify.executeWithOptions({ summary, ...patience }, [order]));
    settle(office, sink, notice, { memory: told });
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    // Called back, however its last attempt ended, it stays where it is, and is looked up before it is told again.
    if (scope.consideredCancelled) return;
    settle(office, sink, notice, { refuses: true });
  } finally {
    office.busy.delete(sink);
  }
}

/** One sink's notices, one after another. */
async function serve(office: Office, sink: string): Promise<void> {
  for (;;) {
    await condition(() => isTired() || isOver(office) || waitingAt(office, sink).length > 0);
    const [notice] = waitingAt(office, sink);
    if (isTired() || notice === undefined) return;
    await tellOne(office, sink, notice);
  }
}

/** A rollout that was terminated says nothing. */
async function watch(office: Office): Promise<void> {
  const { rollout, firstRunId } = office.arg;
  const order = { workflowId: rollout, firstRunId, againMs: ALIVE_MS };
  await awaitRollout.executeWithOptions({ summary: `whether ${rollout} still runs` }, [order]);
  if (office.last === undefined) office.closed = true;
  else if (!isOver(office)) put(office, withoutAWord(office.last));
}

/** Who is asked is reminded, ever more rarely. */
async function remind(office: Office): Promise<void> {
  for (;;) {
    await condition(() => isTired() || isOver(office) || (office.last !== undefined && isAsking(office.last)));
    const asked = office.last;
    if (isTired() || isOver(office) || asked === undefined) return;
    const wait = REMINDERS_MS[Math.min(office.reminded, REMINDERS_MS.length - 1)] ?? ALIVE_MS;
    if (await condition(() => isTired() || office.last !== asked, wait)) continue;
    office.reminded += 1;
    put(office, { ...asked, kind: 'reminder', at: new Date().toISOString() });
  }
}

/**
 * Tells the people who watch a rollout what becomes of it: each sink in its own order and time, so that one that is
 * away delays neither the rollout nor the others. It outlives the rollout until everybody has been told of its end.
 */
export async function notices(arg: NoticesArg): Promise<void> {
  const desks = new Map(arg.sinks.map((sink) => [sink, arg.desks?.[sink] ?? NOTHING]));
  const office: Office = { arg, desks, last: arg.last, reminded: arg.reminded ?? 0, busy: new Map(), closed: false };
  if (arg.first !== undefined) put(office, arg.first);
  const description = 'A state change of the rollout, from the rollout itself.';
  setHandler(tellSignal, (notice) => put(office, notice), { description });
  setCurrentDetails(`Tells ${arg.sinks.join(', ')} what becomes of \`${arg.rollout}\`; ends when all know its end.`);
  watch(office).catch(() => undefined);
  // A sink that is away must not keep the others from the next run.
  condition(isTired).then(
    () => office.busy.forEach((scope) => scope.cancel()),
    () => undefined,
  );
  await Promise.all([...arg.sinks.map((sink) => serve(office, sink)), remind(office)]);
  if (isOver(office) && arg.sinks.every((sink) => waitingAt(office, sink).length === 0)) return;
  const { last, reminded } = office;
  const next = { ...arg, desks: Object.fromEntries(desks), reminded };
  await continueAsNew<typeof notices>(last === undefined ? next : { ...next, last });
}
