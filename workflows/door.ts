import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  ChildWorkflowFailure,
  type ChildWorkflowHandle,
  defineSignal,
  defineUpdate,
  getExternalWorkflowHandle,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  startChild,
  TerminatedFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { inputProblem, isRolloutId, rolloutId, statusCommand } from '../src/domain/names.js';
import { VERB_RULES, VERBS } from '../src/domain/verbs.js';
import { awaitRollout } from './options.js';
import { plan } from './plan.js';
import type { rollout } from './rollout.js';
import type { VerbCall } from './run.js';

type Room = ChildWorkflowHandle<typeof rollout>;

/** What was signalled before the room is open, and where to hand signals on to since. */
interface Desk {
  readonly pending: VerbCall[];
  room: Room | undefined;
}

/**
 * A door: what people start, under any workflow id. It opens the room `rollout:<app>` as its child, hands on the
 * signals it gets, and ends as the room ends. Terminating a door leaves the rollout running, cancelling it cancels
 * the rollout.
 * @param type what the operator typed. @param input as it came; the room's plan parses it.
 */
export async function door(type: string, input: unknown): Promise<unknown> {
  const problem = inputProblem(input);
  if (problem !== undefined) throw ApplicationFailure.nonRetryable(problem, 'RolloutRefused', { problems: [problem] });
  const { app, dryRun } = input as { app: string; dryRun?: unknown };
  const id = rolloutId(app);
  const desk: Desk = { pending: [], room: undefined };
  openDesk(desk, id);
  if (dryRun === true) return (await plan(type, input)).report;
  const { workflowId } = workflowInfo();
  if (workflowId !== id && isRolloutId(workflowId)) {
    const way = `a rollout of "${app}" may be started under any id but that of another app’s rollout, ${workflowId}`;
    throw ApplicationFailure.nonRetryable(way, 'RolloutRefused', { problems: [way] });
  }
  if (workflowId === id) {
    const enter = makeContinueAsNewFunc<typeof rollout>({ workflowType: 'rollout' });
    return enter({ v: 1, type, input, pending: desk.pending });
  }
  const room = await openRoom(app, type, input, desk);
  try {
    return await ended(room, id);
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

/** Signals are kept until there is a room and handed on then, in their order; updates are refused with the right id. */
function openDesk(desk: Desk, id: string): void {
  const handOn = async (call: VerbCall) => {
    if (desk.room === undefined) desk.pending.push(call);
    else await tell(desk.room, call);
  };
  setDefaultSignalHandler((verb, input) => handOn({ verb, input }));
  for (const verb of VERBS) {
    const description = `Handed on to ${id}. ${VERB_RULES[verb].describes}`;
    setHandler(defineSignal<[unknown?]>(verb), (input?: unknown) => handOn({ verb, input }), { description });
    const right = `this is only the door; type: temporal workflow update execute --workflow-id ${id} --name ${verb}`;
    const refuse = (_input?: unknown): never => {
      throw ApplicationFailure.nonRetryable(right, 'Refused');
    };
    setHandler(defineUpdate<never, [unknown?]>(verb), refuse, { description: right, validator: refuse });
  }
}

async function tell(room: Pick<Room, 'signal'>, { verb, input }: VerbCall): Promise<void> {
  const args: [unknown?] = input === undefined ? [] : [input];
  try {
    await room.signal(verb, ...args);
  } catch {
    // The room has closed meanwhile; its end says how.
  }
}

/** What the list of workflows shows; the server takes 200 characters at most. */
function summaryOf(type: string, app: string, input: unknown): string {
  const { image } = input as { image?: unknown };
  return `${type} of ${app}${typeof image === 'string' ? ` to ${image}` : ''}`.slice(0, 200);
}

/** Opens the room, if need be when the one there is has closed. */
async function openRoom(app: string, type: string, input: unknown, desk: Desk): Promise<Room> {
  const { ifRunning } = input as { ifRunning?: unknown };
  const id = rolloutId(app);
  for (let tries = 0; ; tries += 1) {
    const room = await tryToOpen(app, type, input, desk);
    if (room !== undefined) return room;
    if (ifRunning !== 'wait' && ifRunning !== 'replace') throw runsAlready(app, id);
    // Nobody is aborted, or waited for, by an input that would be refused afterwards.
    if (tries === 0) await plan(type, input);
    await makeWay(id, ifRunning);
  }
}

function runsAlready(app: string, id: string): Error {
  return ApplicationFailure.nonRetryable(
    `a rollout of "${app}" is running already, and this one changed nothing; look at it: ${statusCommand(id)} ("ifRunning": "wait" queues behind it, "replace" aborts it)`,
    'RolloutAlreadyRunning',
  );
}

async function makeWay(id: string, policy: 'wait' | 'replace'): Promise<void> {
  const since = new Date().toISOString();
  const what = policy === 'wait' ? 'Waits for' : 'Has aborted, and waits for,';
  setCurrentDetails(
    `${what} the rollout that runs under \`${id}\` (since ${since}); its own begins when that has ended.`,
  );
  if (policy === 'replace') {
    const { workflowId } = workflowInfo();
    await tell(getExternalWorkflowHandle(id), {
      verb: 'abort',
      input: { reason: `replaced by ${workflowId}`, spare: 'rollback' },
    });
  }
  await awaitRollout.executeWithOptions({ summary: `waits for ${id} to end` }, [{ workflowId: id }]);
}

/** Undefined when a rollout of the app is running. */
async function tryToOpen(app: string, type: string, input: unknown, desk: Desk): Promise<Room | undefined> {
  const id = rolloutId(app);
  const pending = [...desk.pending];
  try {
    const options = {
      workflowId: id,
      parentClosePolicy: 'ABANDON',
      staticSummary: summaryOf(type, app, input),
    } as const;
    const room = await startChild<typeof rollout>('rollout', {
      ...options,
      args: [{ v: 1, type, input, pending }],
    });
    desk.pending.splice(0, pending.length);
    showRoom(id);
    for (let call = desk.pending.shift(); call !== undefined; call = desk.pending.shift()) await tell(room, call);
    desk.room = room;
    return room;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return undefined;
    throw error;
  }
}

const showRoom = (id: string): void =>
  setCurrentDetails(`The rollout runs under \`${id}\`: look there.\n\n\`${statusCommand(id)}\``);

/** Ends the door as the room ended, with its message, type and report. */
async function ended(room: Room, id: string): Promise<unknown> {
  try {
    return await room.result();
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure) {
      throw ApplicationFailure.create({
        message: cause.message,
        ...(cause.type ? { type: cause.type } : {}),
        nonRetryable: true,
        details: cause.details ?? [],
      });
    }
    if (cause instanceof CancelledFailure) throw canceled(id);
    if (cause instanceof TerminatedFailure) {
      throw ApplicationFailure.nonRetryable(
        `the rollout ${id} was terminated; what it had done stays done: start the same input again to go on`,
        'RolloutTerminated',
      );
    }
    throw ApplicationFailure.nonRetryable(
      `the rollout ${id} ended without a report: ${cause?.message ?? error.message}`,
      'RolloutLost',
    );
  }
}

/** A door that was cancelled itself ends Canceled; one whose rollout was cancelled behind it can only fail. */
function canceled(id: string): Error {
  if (CancellationScope.current().consideredCancelled) return new CancelledFailure('canceled');
  return ApplicationFailure.nonRetryable(
    `the rollout ${id} was canceled; what it had done stays done: start the same input again to go on`,
    'RolloutCanceled',
  );
}
