import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import { type Decision, decide, type Outcome } from '../src/domain/decide.js';
import { inputProblem, rolloutId } from '../src/domain/names.js';
import { begin, carry, onLooked, type RolloutState } from '../src/domain/state.js';
import { type Status, statusOf } from '../src/domain/status.js';
import { registerControls, takeVerb } from './controls.js';
import { createShow } from './details.js';
import { launch, lookNow, startLook } from './launch.js';
import { planRollout } from './options.js';
import { callBack, createRun, dropWaits, freshScopes, put, type Run, type VerbCall } from './run.js';

/** How a door starts a rollout: the input as it came, and what was signalled to the door before. */
export interface RolloutStart {
  readonly v: 1;
  readonly type: string;
  readonly input: unknown;
  readonly pending: readonly VerbCall[];
}

/** How a rollout goes on in its next run. */
export interface RolloutNext {
  readonly v: 1;
  readonly type: string;
  readonly state: RolloutState;
}

/** A run this old continues as new when nothing is in flight. */
const DAY_MS = 86_400_000;

const refused = (message: string): ApplicationFailure => ApplicationFailure.nonRetryable(message, 'RolloutRefused');

function appOf(arg: RolloutStart | RolloutNext): string {
  const isOurs = typeof arg === 'object' && arg !== null && arg.v === 1 && ('input' in arg || 'state' in arg);
  if (!isOurs) throw refused('"rollout" is started by the doors: use --type stoppedSweep, under any workflow id');
  if ('state' in arg) return arg.state.plan.context.app;
  const problem = inputProblem(arg.input);
  if (problem !== undefined) throw refused(problem);
  return (arg.input as { app: string }).app;
}

/**
 * The rollout: one durable run for one app, under the fixed id `rollout:<app>`. Plan, then look, decide and act until
 * the decision is to finish. Returns the report, or fails with the outcome's type and the report as details.
 */
export async function rollout(arg: RolloutStart | RolloutNext): Promise<Status> {
  const app = appOf(arg);
  const id = rolloutId(app);
  if (workflowInfo().workflowId !== id)
    throw refused(`a rollout of "${app}" runs under the id ${id} only; start --type ${arg.type} under any id instead`);
  const run = createRun(app, arg.type);
  registerControls(run);
  if ('pending' in arg) run.pending.push(...arg.pending);
  watchCancel(run);
  const show = createShow(run);
  show();
  const first = 'state' in arg ? arg.state : begin((await plan(arg)).plan, Date.now());
  return CancellationScope.nonCancellable(async () => {
    open(run, first);
    const end = await drive(run, show);
    return conclude(run, end, show);
  });
}

async function plan(arg: RolloutStart) {
  const start = workflowInfo().firstExecutionRunId.replaceAll('-', '').slice(-8);
  return planRollout.executeWithOptions({ summary: 'reads and checks, writes nothing' }, [
    { type: arg.type, input: arg.input, start },
  ]);
}

/** Cancelling means abort; the updates in flight end as they do for a pause. */
function watchCancel(run: Run): void {
  CancellationScope.current().cancelRequested.catch(() => {
    run.cancelRequested = true;
    if (run.state !== undefined) put(run, withCancel(run.state));
  });
}

function withCancel(state: RolloutState): RolloutState {
  return { ...state, stop: { kind: 'cancel', says: 'the workflow was canceled', since: Date.now() } };
}

/** Puts the first state in place, and what was said before there was one. */
function open(run: Run, state: RolloutState): void {
  freshScopes(run);
  put(run, run.cancelRequested ? withCancel(state) : state);
  for (const { verb, input } of run.pending.splice(0)) takeVerb(run, verb, input);
}

type End = Extract<Decision, { kind: 'finish' }>;

/** Look, decide, act; ends with the decision to finish. */
async function drive(run: Run, show: () => void): Promise<End> {
  const bornAt = Date.now();
  for (;;) {
    const { state } = run;
    if (state === undefined) throw ApplicationFailure.nonRetryable('a rollout was driven before its plan', 'Bug');
    const seen = run.changes;
    const draining = workflowInfo().continueAsNewSuggested || Date.now() - bornAt >= DAY_MS;
    const decision = decide(state, Date.now(), draining);
    if (decision.kind === 'finish') return decision;
    act(run, decision);
    show();
    if (draining && isQuiet(run)) return continueRun(run);
    if (run.changes === seen) await condition(() => run.changes !== seen);
  }
}

function act(run: Run, decision: Exclude<Decision, End>): void {
  switch (decision.kind) {
    case 'callBack':
      return callBack(run);
    case 'hold':
      return dropWaits(run);
    case 'act':
      if (run.flights.consideredCancelled || run.waits.consideredCancelled) freshScopes(run);
      for (const machine of decision.start) launch(run, machine);
      if (decision.look !== undefined && run.look === undefined) startLook(run, decision.look);
  }
}

const isQuiet = (run: Run): boolean => {
  const { state } = run;
  return (
    run.look === undefined &&
    Object.keys(state?.inFlight ?? {}).length === 0 &&
    Object.keys(state?.resting ?? {}).length === 0
  );
};

/** Nothing is in flight, no handler is open: the next run gets one small object and looks afresh. */
async function continueRun(run: Run): Promise<never> {
  await condition(allHandlersFinished);
  if (run.state === undefined) throw ApplicationFailure.nonRetryable('a rollout continued before its plan', 'Bug');
  return continueAsNew<typeof rollout>({ v: 1, type: run.type, state: carry(run.state) });
}

const FAILURE_TYPES = { partial: 'RolloutPartial', aborted: 'RolloutAborted' } as const;

/** A last look for the report where the closing pass was none, and the end as Temporal and its CLI are to see it. */
async function conclude(run: Run, end: End, show: () => void): Promise<Status> {
  callBack(run);
  const looked = end.outcome === 'completed' || run.state === undefined ? undefined : await lookNow(run.state);
  if (looked !== undefined && run.state !== undefined) run.state = onLooked(run.state, looked, Date.now());
  run.ended = { outcome: end.outcome, says: end.says, at: Date.now() };
  show();
  await condition(allHandlersFinished);
  if (run.state === undefined) throw ApplicationFailure.nonRetryable('a rollout ended before its plan', 'Bug');
  const report = statusOf(run.state, { now: Date.now(), ended: run.ended });
  return endAs(report, end.outcome);
}

function endAs(report: Status, outcome: Outcome): Status {
  if (outcome === 'completed') return report;
  const message = sayEnd(report, outcome);
  if (outcome === 'canceled') throw new CancelledFailure(message, [report]);
  throw ApplicationFailure.nonRetryable(message, FAILURE_TYPES[outcome], report);
}

/** The first line says all: the CLI shows only the message. */
function sayEnd(report: Status, outcome: Outcome): string {
  const { counts } = report;
  const left = report.machines.filter((machine) => machine.state !== 'in flight').slice(0, 20);
  return [
    `${outcome}: ${counts.atTarget} of ${counts.selected} machines of "${report.app}" are at target; ${report.message}`,
    ...left.map((machine) => `${machine.id} ${machine.region} ${machine.group}: ${machine.state}: ${machine.says}`),
    'Start the same input again to go on: what is done is not done again.',
  ].join('\n');
}
