import { getExternalWorkflowHandle, startChild, workflowInfo } from '@temporalio/workflow';
import { noticeOf, type Told } from '../src/domain/notices.js';
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

/** A child of its own, which outlives the rollout: a sink that is away for an hour delays nothing here. */
async function open(id: string, plan: Plan, sinks: readonly string[]): Promise<void> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  await startChild<typeof notices>('notices', {
    workflowId: id,
    parentClosePolicy: 'ABANDON',
    staticSummary: `tells ${sinks.join(', ')} of ${workflowId}`.slice(0, 200),
    args: [{ v: 1, rollout: workflowId, firstRunId: firstExecutionRunId, sinks, source: plan.source ?? {} }],
  });
}

/**
 * @param before what an earlier run of this rollout told; left out in its first.
 */
export function createBell(run: Run, plan: Plan, before: Told | undefined): Bell {
  const { sinks = [], context } = plan;
  const { hash, start } = context.rollout;
  // A rollout that went back since has another hash, and whoever tells of it the first one.
  const id = `notices:${context.app}:${before?.rollout ?? `${hash}.${start}`}`;
  let told = before;
  let line: Promise<unknown> = sinks.length > 0 && before === undefined ? open(id, plan, sinks) : Promise.resolve();
  return {
    told: () => told,
    ring() {
      if (sinks.length === 0) return;
      const status = statusNow(run);
      if (status.phase === 'planning') return;
      const news = noticeOf(status, told, Date.now());
      if (news === undefined) return;
      told = news.told;
      // Who passes it on may have been terminated: then nobody is told, and the rollout goes on.
      line = line.then(() => getExternalWorkflowHandle(id).signal(tellSignal, news.notice)).catch(() => undefined);
    },
    quiet: async () => void (await line),
  };
}
