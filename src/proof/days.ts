import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/index.js';
import { TASK_QUEUE } from '../domain/names.js';
import { DAYS_APP, DAYS_DIGEST, daysInput, daysScenario, type DaysShape, forceAfterHours } from './days-fleet.js';
import { judgeDays } from './days-judge.js';
import { drive } from './drive.js';
import { asJournal, asTruth } from './evidence.js';
import type { Figure } from './judge.js';
import { sayFigure } from './report.js';
import { followServer, withSkipping } from './skipping.js';
import { createWorld, START_MS, type World } from './world.js';

export interface DaysReport {
  readonly figures: readonly Figure[];
  /** `completed`, or how else it ended. */
  readonly outcome: string;
  readonly sweptHours: number;
  readonly made: number;
  /** Machines that were stopped, and how many of the fleet never stop by themselves. */
  readonly stopped: number;
  readonly calls: number;
  /** Runs that the test server let stand still before this one. */
  readonly stalls: number;
  readonly realMs: number;
  /** Of this process: what it would take on a machine of its own. */
  readonly cpuMs: number;
}

const HOUR = 3_600_000;

/** When a proof began: by the wall, and in processor time. */
interface Since {
  readonly at: number;
  readonly cpuMs: number;
}

const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1_000;
const now = (): Since => ({ at: performance.now(), cpuMs: cpuMs() });

interface Swept {
  readonly shape: DaysShape;
  readonly world: World;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly outcome: string;
  readonly since: Since;
}

function report({ shape, world, beganAt, endedAt, outcome, since }: Swept): DaysReport {
  const journal = asJournal(world.simulator.journal.entries());
  const figures = judgeDays({
    journal,
    truth: asTruth(world.simulator.machines(DAYS_APP)),
    digest: DAYS_DIGEST,
    beganAt,
    endedAt,
    deadlineAt: beganAt + shape.hours * HOUR,
    forceAfterMs: forceAfterHours(shape) * HOUR,
  });
  return {
    figures,
    outcome,
    sweptHours: (endedAt - beganAt) / HOUR,
    made: journal.filter(({ kind, t }) => kind === 'created' && t > beganAt).length,
    stopped: new Set(journal.filter(({ op }) => op === 'stop').map(({ machine }) => machine)).size,
    calls: journal.filter(({ kind }) => kind === 'call').length,
    stalls: 0,
    realMs: performance.now() - since.at,
    cpuMs: cpuMs() - since.cpuMs,
  };
}

/**
 * A sweep of days over a fleet that starts and stops at random, under Temporal's time-skipping server: the workflows
 * and activities of a worker, and the simulator, in this process.
 */
export async function proveDays(shape: DaysShape, signal: AbortSignal): Promise<DaysReport> {
  for (let stalls = 0; ; stalls += 1) {
    try {
      return { ...(await sweepDays(shape, signal)), stalls };
    } catch (error) {
      if (!(error instanceof Stuck) || stalls === MOST_STALLS) throw error;
    }
  }
}

async function sweepDays(shape: DaysShape, signal: AbortSignal): Promise<DaysReport> {
  const since = now();
  let world = createWorld({});
  const activitiesAt = (serverNow: number) => {
    world = createWorld(daysScenario(shape), 0, serverNow);
    // That server has no search attributes of ours.
    const deps = { ...world.deps, attributes: () => Promise.resolve([]) };
    return followServer(createActivities(deps), world.clock);
  };
  return withSkipping(activitiesAt, async (env) => {
    const beganAt = world.clock.now();
    const order = { taskQueue: TASK_QUEUE, workflowId: `${DAYS_APP}-door`, args: [daysInput(shape)] };
    const door = await env.client.workflow.start('stoppedSweep', order);
    const outcome = await endOf(env, door, { hours: shape.hours, signal });
    const endedAt = world.clock.now();
    return report({ shape, world, beganAt, endedAt, outcome, since });
  });
}

/**
 * Time is let go on by little and little: while a client waits for a result the server skips as far as it can, and on
 * a busy machine was seen to skip all the way to the workflow's timeout in ten years before a worker took its next task.
 */
const STEP_MS = 300_000;

/** Steps past the deadline after which a sweep that still runs is stuck. */
const GRACE_STEPS = 24;

/** A step takes a tenth of a second; a server whose time stands still for so long has lost a task. */
const STANDS_STILL_MS = 20_000;

/** So often the proof is begun anew. */
const MOST_STALLS = 3;

/**
 * The test server has handed a task to a poll that was ending: nobody has it, and time does not go on to the timeout
 * that would give it to another, since it stands still while a task is out. No fault of the sweep, which a real server
 * would have gone on with.
 */
class Stuck extends Error {}

/** A call that is given up is called off: left alone it would be tried again on a connection that is closed by then. */
async function step(env: TestWorkflowEnvironment): Promise<void> {
  const off = new AbortController();
  const timer = setTimeout(() => off.abort(), STANDS_STILL_MS);
  try {
    await env.connection.withAbortSignal(off.signal, () => env.sleep(STEP_MS));
  } catch (error) {
    throw off.signal.aborted ? new Stuck('time stands still', { cause: error }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** @throws Error when the sweep still runs two hours past its deadline, or when it is called off. */
async function endOf(
  env: TestWorkflowEnvironment,
  door: WorkflowHandle,
  { hours, signal }: { hours: number; signal: AbortSignal },
): Promise<string> {
  let left = (hours * HOUR) / STEP_MS + GRACE_STEPS;
  while ((await door.describe()).status.name === 'RUNNING') {
    signal.throwIfAborted();
    if (left <= 0) throw new Stuck('time went on past the deadline, and nothing ran any more (docs/proof.md)');
    left -= 1;
    await step(env);
  }
  return door.result().then(() => 'completed', sayEnd);
}

const sayEnd = (error: unknown): string => {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
};

/** The same fleet and the same sweep without Temporal: the loop, the decisions and the activities of a worker. */
export async function driveDays(shape: DaysShape): Promise<DaysReport> {
  const since = now();
  const world = createWorld(daysScenario(shape));
  const { end } = await drive(world, { input: daysInput(shape), start: 'days' });
  const outcome = end.kind === 'finish' ? (end.outcome === 'completed' ? end.outcome : end.says) : end.kind;
  const endedAt = world.clock.now();
  return report({ shape, world, beganAt: START_MS, endedAt, outcome, since });
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);

/** One line a figure. */
export const sayDays = ({
  figures,
  outcome,
  sweptHours,
  made,
  stopped,
  calls,
  stalls,
  realMs,
  cpuMs,
}: DaysReport): string[] => [
  ...figures.flatMap(sayFigure),
  `machines made meanwhile: ${made}; machines that never stopped by themselves, stopped: ${stopped}`,
  `the sweep: ${outcome}, after ${sweptHours.toFixed(1)} hours and ${calls} API calls, in ${seconds(realMs)} s of real time, ${seconds(cpuMs)} s of it at work`,
  ...(stalls > 0 ? [`begun anew because the test server stood still: ${stalls} times`] : []),
];

/** Whether all went as promised; a sweep without machines made meanwhile and stopped shows nothing. */
export const isSwept = ({ figures, outcome, made, stopped }: DaysReport): boolean =>
  outcome === 'completed' && made > 0 && stopped > 0 && figures.every(({ wrong }) => wrong === 0);
