import { getExternalWorkflowHandle, startChild, workflowInfo } from '@temporalio/workflow';
import { type Notice, noticeOf, type Told } from '../src/domain/notices.js';
import type { Plan } from '../src/domain/plan.js';
import { statusNow } from './controls.js';
import { type notices, tellSignal } from './notices.js';
import type { Run } from './run.js';

/** Whom a rollout rings up when its state changes; it never waits for them. */
export interface Bell {
  /** What was told last. */
  told(): Told | undefined;
  /** Tells what is new, if anything is. */
  ring(): void;
  /** Resolves when all that was told is with who passes it on. */
  quiet(): Promise<void>;
}

/**
 * A child of its own, which outlives the rollout: a sink that is away for an hour delays nothing here. It is started
 * with the beginning in its hands: a rollout that is terminated before it could signal anything has written by then.
 */
async function open(id: string, plan: Plan, first: Notice | undefined): Promise<void> {
  const { sinks = [], source = {} } = plan;
  const { workflowId, firstExecutionRunId } = workflowInfo();
  await startChild<typeof notices>('notices', {
    workflowId: id,
    parentClosePolicy: 'ABANDON',
    staticSummary: `tells ${sinks.join(', ')} of ${workflowId}`.slice(0, 200),
    args: [{ v: 1, rollout: workflowId, firstRunId: firstExecutionRunId, sinks, source, ...(first && { first }) }],
  });
}

/** What its watchers do not know yet. */
function newsOf(run: Run, told: Told | undefined): ReturnType<typeof noticeOf> {
  const status = statusNow(run);
  return status.phase === 'planning' ? undefined : noticeOf(status, told, Date.now());
}

/**
 * @param before what an earlier run of this rollout told; left out in its first.
 */
export function createBell(run: Run, plan: Plan, before: Told | undefined): Bell {
  const { sinks = [], context } = plan;
  const { hash, start } = context.rollout;
  // A rollout that went back since has another hash, and whoever tells of it the first one.
  const id = `notices:${context.app}:${before?.rollout ?? `${hash}.${start}`}`;
  const isNew = sinks.length > 0 && before === undefined;
  const first = isNew ? newsOf(run, undefined) : undefined;
  let told = before ?? first?.told;
  let line: Promise<unknown> = isNew ? open(id, plan, first?.notice) : Promise.resolve();
  return {
    told: () => told,
    ring() {
      if (sinks.length === 0) return;
      const news = newsOf(run, told);
      if (news === undefined) return;
      told = news.told;
      // Who passes it on may have been terminated: then nobody is told, and the rollout goes on.
      line = line.then(() => getExternalWorkflowHandle(id).signal(tellSignal, news.notice)).catch(() => undefined);
    },
    quiet: async () => void (await line),
  };
}
