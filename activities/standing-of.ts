import { classify, type Standing } from '../src/domain/machine.js';
import type { Machine } from '../src/fly/wire.js';
import { factsOf } from './facts.js';
import type { Update } from './update-machine.js';

/** What a machine as just read is for us, its hold left out of account: that is put right in any case. */
export function standingOf({ order, deps }: Update, machine: Machine): Standing {
  const { context, forceAfterMs } = order;
  const { hold: _hold, ...facts } = factsOf(machine, context.change);
  const force = forceAfterMs === undefined ? {} : { forceBefore: deps.fly.now() - forceAfterMs };
  return classify(facts, { ...context, ...force }).standing;
}
