import { ActivityFailure, ApplicationFailure, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { PlanResult } from '../activities/contract.js';
import { planRollout } from './options.js';

/**
 * Plans. A refusal, and a Fly that stayed away, end the workflow with their own words: the CLI shows only a failure's
 * message, and that of a failed activity is "Activity task failed".
 */
export async function plan(type: string, input: unknown): Promise<PlanResult> {
  // By its time first: the newest start of an app is the last in order, and a rollback takes back the latest.
  const start = `${Date.now().toString(36)}${workflowInfo().firstExecutionRunId.slice(-4)}`;
  try {
    return await planRollout.executeWithOptions({ summary: 'reads and checks, writes nothing' }, [
      { type, input, start },
    ]);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.type === 'RolloutRefused') {
      throw ApplicationFailure.nonRetryable(cause.message, 'RolloutRefused', ...(cause.details ?? []));
    }
    throw ApplicationFailure.nonRetryable(
      `the plan could not be made, and nothing was changed: ${cause?.message ?? error.message}`,
      'RolloutRefused',
    );
  }
}
