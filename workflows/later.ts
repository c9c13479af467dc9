import { ApplicationFailure } from '@temporalio/workflow';

const later = (type: string) => async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable(
    `${type} comes with a later release; this one has stoppedSweep. Nothing was changed.`,
    'RolloutRefused',
  );
};

/** Types of the design that this release refuses by name, so that nobody waits for what will not come. */
export const regionalCanary = later('regionalCanary');
export const processGroup = later('processGroup');
export const rollback = later('rollback');
