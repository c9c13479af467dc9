import { hashOfMark, MARK_KEY } from '../src/domain/change.js';
import { isAtTarget, isUnstarted, type MachineFacts, type RolloutContext } from '../src/domain/machine.js';
import type { FlyClient } from '../src/fly/client.js';

/** Each costs a call; where there are more, the next start finds the rest. */
const MOST_CUT = 50;

/**
 * Machines that an earlier start of this change met at work, or crashed at it, and left stopped, because its worker
 * died or it was stopped before it could start them again. Flyctl keeps unknown metadata, so a later update by hand carries the mark
 * too: only the first version with a mark is the one that was written with it.
 */
export async function findCut(
  facts: readonly MachineFacts[],
  context: Omit<RolloutContext, 'cut'>,
  fly: FlyClient,
): Promise<string[]> {
  const suspects = facts.filter(
    (machine) =>
      (machine.cut || isUnstarted(machine)) &&
      machine.onlyIdle === undefined &&
      hashOfMark(machine.mark) === context.rollout.hash &&
      isAtTarget(machine, context),
  );
  const found: string[] = [];
  for (const { id, mark, version } of suspects.slice(0, MOST_CUT)) {
    const versions = await fly.machineVersions(context.app, id);
    const first = versions.findLast(({ user_config }) => user_config?.metadata?.[MARK_KEY] === mark);
    if (first?.version === version) found.push(id);
  }
  return found;
}
