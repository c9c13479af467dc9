import type { WaitOrder } from './contract.js';

export interface WaitDeps {
  /** Whether the workflow with this id runs; one that does not exist does not. */
  readonly isRunning: (workflowId: string) => Promise<boolean>;
}

/** Between two looks at a rollout that another one waits for. */
const AGAIN_MS = 5_000;

/** How long to wait before the next look; undefined when the rollout has ended. The caller's retries are the poll. */
export async function awaitRollout({ workflowId }: WaitOrder, deps: WaitDeps): Promise<number | undefined> {
  return (await deps.isRunning(workflowId)) ? AGAIN_MS : undefined;
}
