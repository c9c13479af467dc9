import type { Standing } from '../src/domain/machine.js';
import { classify } from '../src/domain/table.js';
import type { Machine } from '../src/fly/wire.js';
import { factsOf } from './facts.js';
import type { Update } from './update-machine.js';

/** What a machine as just read is for us, its hold left out of account: that is put right in any case. */
export function standingOf({ order, deps }: Update, machine: Machine): Standing {
  const { context, forceAfterMs } = order;
  const { hold: _hold, ...facts } = factsOf(machine, context.change);
  // An answer that tells of no event at all tells nothing of its age.
  const isDated = facts.lastStartAt !== undefined;
  const force = forceAfterMs === undefined || !isDated ? {} : { forceBefore: deps.fly.now() - forceAfterMs };
  return classify(facts, { ...context, ...force, flyNow: deps.fly.now() }).standing;
}
