import { ApplicationFailure } from '@temporalio/workflow';

const later = (type: string) => async (): Promise<never> => {
  throw ApplicationFailure.nonRetryable(
    `${type} comes with a later release; this one has stoppedSweep, regionalCanary and rollback. Nothing was changed.`,
    'RolloutRefused',
  );
};

/** A type of the design that this release refuses by name, so that nobody waits for what will not come. */
export const processGroup = later('processGroup');
