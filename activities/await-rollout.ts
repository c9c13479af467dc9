import type { WaitOrder } from './contract.js';

export interface WaitDeps {
  /** Whether the workflow with this id runs (and, where it is named, is this one); one that does not exist does not. */
  readonly isRunning: (workflowId: string, firstRunId?: string) => Promise<boolean>;
}

/** Between two looks at a rollout that another one waits for. */
const AGAIN_MS = 5_000;

/** How long to wait before the next look; undefined when the rollout has ended. The caller's retries are the poll. */
export async function awaitRollout(
  { workflowId, firstRunId, againMs = AGAIN_MS }: WaitOrder,
  deps: WaitDeps,
): Promise<number | undefined> {
  return (await deps.isRunning(workflowId, firstRunId)) ? againMs : undefined;
}
