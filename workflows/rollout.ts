import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  workflowInfo,
} from '@temporalio/workflow';
import type { Decision } from '../src/domain/decide.js';
import type { Outcome } from '../src/domain/endings.js';
import { inputProblem, rolloutId } from '../src/domain/names.js';
import { iso } from '../src/domain/iso.js';
import { createLoop, type Loop } from '../src/domain/loop.js';
import { lookOrder } from '../src/domain/look.js';
import { begin, carry, type RolloutState, stopWith } from '../src/domain/state.js';
import { type Status, statusOf } from '../src/domain/status.js';
import type { Told } from '../src/domain/notices.js';
import { type Bell, createBell } from './bell.js';
import { registerControls, takeVerb } from './controls.js';
import { createShow } from './details.js';
import { createHands, lookNow } from './hands.js';
import { plan } from './plan.js';
import { createRun, type Run, type VerbCall } from './run.js';

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
  readonly told?: Told;
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
  if (workflowInfo().workflowId !== id) {
    throw refused(`a rollout of "${app}" runs under the id ${id} only; start --type ${arg.type} under any id instead`);
  }
  const run = createRun(app, arg.type, 'pending' in arg ? arg.pending : []);
  registerControls(run);
  watchCancel(run);
  const show = createShow(run);
  show();
  const first = 'state' in arg ? arg.state : begin((await plan(arg.type, arg.input)).plan, Date.now());
  return CancellationScope.nonCancellable(async () => {
    const loop = open(run, first);
    const bell = createBell(run, first.plan, 'state' in arg ? arg.told : undefined);
    const tell = () => {
      show();
      bell.ring();
    };
    const end = await drive(run, loop, { tell, bell });
    return conclude(run, loop, end, { tell, bell });
  });
}

/** Cancelling means abort; the updates in flight end as they do for a pause. */
function watchCancel(run: Run): void {
  CancellationScope.current().cancelRequested.catch(() => {
    run.cancelRequested = true;
    run.loop?.put(withCancel(run.loop.state()));
  });
}

function withCancel(state: RolloutState): RolloutState {
  return stopWith(state, { kind: 'cancel', says: 'the workflow was canceled', since: Date.now() });
}

/** Puts the first state in place, and applies what was said before there was one. */
function open(run: Run, state: RolloutState): Loop {
  const loop = createLoop(createHands(), run.cancelRequested ? withCancel(state) : state);
  run.loop = loop;
  for (const { verb, input } of run.pending.splice(0)) takeVerb(run, verb, input);
  return loop;
}

/** Shows the state to who looks, and tells it to who is told. */
interface Telling {
  readonly tell: () => void;
  readonly bell: Bell;
}

type End = Extract<Decision, { kind: 'finish' }>;

/** Look, decide, act; ends with the decision to finish. */
async function drive(run: Run, loop: Loop, { tell, bell }: Telling): Promise<End> {
  const bornAt = Date.now();
  for (;;) {
    const draining = workflowInfo().continueAsNewSuggested || Date.now() - bornAt >= DAY_MS;
    const seen = loop.changes();
    const decision = loop.step(draining);
    if (decision.kind === 'finish') return decision;
    tell();
    if (draining && loop.isQuiet()) return continueRun(run, loop, bell);
    await condition(() => loop.changes() !== seen);
  }
}

/** Nothing is in flight, no handler is open: the next run gets one small object and looks afresh. */
async function continueRun(run: Run, loop: Loop, bell: Bell): Promise<never> {
  await condition(allHandlersFinished);
  await bell.quiet();
  const told = bell.told();
  const next = { v: 1, type: run.type, state: carry(loop.state()) } as const;
  return continueAsNew<typeof rollout>(told === undefined ? next : { ...next, told });
}

const FAILURE_TYPES = {
  partial: 'RolloutPartial',
  aborted: 'RolloutAborted',
  rolledBack: 'RolloutRolledBack',
} as const;

/**
 * A last look for the report where the closing pass was none, and the end as Temporal and its CLI are to see it. What
 * is said from here on comes too late, and is told so.
 */
async function conclude(run: Run, loop: Loop, end: End, { tell, bell }: Telling): Promise<Status> {
  const ended = { outcome: end.outcome, says: end.says, at: Date.now() };
  run.ended = ended;
  const now = lookOrder(loop.state(), { pace: 'busy', errors: 'retried', since: 0, after: 0, stale: 0, until: 0 });
  const looked = end.outcome === 'completed' ? undefined : await lookNow(now);
  if (looked?.kind === 'seen') loop.put({ ...loop.state(), seen: looked.observation });
  tell();
  await bell.quiet();
  await condition(allHandlersFinished);
  const { change, forSecrets } = loop.state().plan.context;
  const since = forSecrets === true ? undefined : change.startedSince;
  return endAs(statusOf(loop.state(), { now: Date.now(), ended }), end.outcome, since);
}

function endAs(report: Status, outcome: Outcome, startedSince: number | undefined): Status {
  if (outcome === 'completed') return report;
  const message = sayEnd(report, outcome, startedSince);
  if (outcome === 'canceled') throw new CancelledFailure(message, [report]);
  throw ApplicationFailure.nonRetryable(message, FAILURE_TYPES[outcome], report);
}

/** The first line says all: the CLI shows only the message. */
function sayEnd(report: Status, outcome: Outcome, startedSince: number | undefined): string {
  const { counts } = report;
  // "now" would be another time by then.
  const again = startedSince === undefined ? '' : `, with "restart": "${iso(startedSince)}",`;
  const left = report.machines.filter((machine) => machine.state !== 'in flight').slice(0, 20);
  return [
    `${outcome}: ${counts.atTarget} of ${counts.selected} machines of "${report.app}" are at target; ${report.message}`,
    ...left.map((machine) => `${machine.id} ${machine.region} ${machine.group}: ${machine.state}: ${machine.says}`),
    `Start the same input again${again} to go on: what is done is not done again.`,
  ].join('\n');
}
