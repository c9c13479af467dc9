import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';

export { notices } from './notices.js';
export { processGroup } from './process-group.js';
export { regionalCanary } from './regional-canary.js';
export { rollback } from './rollback.js';
export { rollout } from './rollout.js';
export { stoppedSweep } from './stopped-sweep.js';

/** Catches every unknown type: without it a mistyped `--type` would hang for ever. */
export default async function unknownType(): Promise<never> {
  throw ApplicationFailure.nonRetryable(
    `there is no workflow type "${workflowInfo().workflowType}"; types: stoppedSweep, regionalCanary, processGroup, rollback`,
    'UnknownWorkflowType',
  );
}
