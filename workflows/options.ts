import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.js';

/**
 * Every timeout and retry policy, with its reason. All activities beat every two seconds. The heartbeat timeout is
 * well above the worker's sticky queue timeout (2 s), so that a pause given while no worker runs is seen before a dead
 * worker's update is tried again. Cancelling waits until the activity has ended, since the rollout must know how each
 * machine ended before it may say "paused".
 */
const common: ActivityOptions = { cancellationType: 'WAIT_CANCELLATION_COMPLETED', heartbeatTimeout: '15s' };

/** Fly may be away for a while when a rollout is started; after ten minutes the start fails and says so. */
export const { planRollout } = proxyActivities<Pick<Activities, 'planRollout'>>({
  ...common,
  startToCloseTimeout: '5m',
  scheduleToCloseTimeout: '10m',
  retry: { initialInterval: '2s', maximumInterval: '30s', nonRetryableErrorTypes: ['RolloutRefused'] },
});

/**
 * A look is one or two list calls; its retries are the poll (they write no events), at the pace its own failure
 * names. The caller sets schedule-to-close a little past the look's own end, for a Fly that is away at that time.
 * The interval does not grow: every poll counts as an attempt, and a look whose worker died after some polls would
 * be blind for the longest interval on top of its heartbeat timeout (seen in the kill proof: machines that idle for
 * less than a minute were missed again and again).
 */
export const { observeFleet } = proxyActivities<Pick<Activities, 'observeFleet'>>({
  ...common,
  startToCloseTimeout: '5m',
  retry: { initialInterval: '2s', backoffCoefficient: 1 },
});

/** A rollout that waits for another: as long as that one takes, which has a deadline of its own. */
export const { awaitRollout } = proxyActivities<Pick<Activities, 'awaitRollout'>>({
  ...common,
  startToCloseTimeout: '1m',
  retry: { initialInterval: '2s', backoffCoefficient: 1 },
});

/** A sink that is away for long delays nothing but its own notices; after a week it is told nothing more. */
export const { notify } = proxyActivities<Pick<Activities, 'notify'>>({
  ...common,
  startToCloseTimeout: '2m',
  scheduleToCloseTimeout: '7d',
  retry: { initialInterval: '2s', maximumInterval: '10m' },
});

/** A sink that was given up once is waited for no other week. */
export const IMPATIENT = { scheduleToCloseTimeout: '1h' } as const;

/** A gate is asked as long as its bake goes on; a pause, or an end of the bake, drops it. */
export const { judgeGate } = proxyActivities<Pick<Activities, 'judgeGate'>>({
  ...common,
  startToCloseTimeout: '2m',
  retry: { initialInterval: '2s', backoffCoefficient: 1 },
});

/** One try settles for at most `healthy.within` (an hour at most); the tries end when the machine had better rest. */
export const { updateMachine } = proxyActivities<Pick<Activities, 'updateMachine'>>({
  ...common,
  startToCloseTimeout: '2h',
  scheduleToCloseTimeout: '6h',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});
