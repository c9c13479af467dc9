import type { Behind, Observation } from './fleet.js';
import { iso } from './iso.js';
import { total } from './pools.js';
import { machines } from './say-count.js';
import type { RolloutState } from './state.js';

export type Outcome = 'completed' | 'partial' | 'aborted' | 'canceled' | 'rolledBack';

/** How a rollout ends that has nothing left to do. */
export interface End {
  readonly outcome: Outcome;
  readonly says: string;
}

/** Said of an end that leaves machines held, which Fly would not let us put right. */
export function sayHeld({ holds }: RolloutState): string {
  const held = Object.values(holds).filter(({ fenceOnly }) => fenceOnly !== true).length;
  return held === 0
    ? ''
    : `; ${machines(held)} may still be cordoned or stopped by Layover: the next start that selects it puts it right`;
}

/** Idle machines that never ran the new version are said: updated is not verified. So are those that were left. */
function sayCompleted(seen: Observation, isBack: boolean): string {
  const notRun = total(seen.pools, 'atTarget') - total(seen.pools, 'verified');
  const suspended = seen.outside.suspended ?? 0;
  return [
    isBack
      ? `all ${total(seen.pools, 'selected')} machines that the change was written to run what they ran before`
      : `all ${total(seen.pools, 'selected')} machines are at target`,
    notRun > 0 ? `${notRun} of them are not verified yet (they have not run it, or not for long enough)` : '',
    suspended > 0 ? `${machines(suspended)} left suspended` : '',
    seen.behind === 'unread' ? 'whether a secret was set meanwhile could not be read' : '',
    seen.unlisted > 0 ? `the app counts ${machines(seen.unlisted)} more than Fly lists` : '',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** None of the selection is there any more. */
function sayNone({ outside: { suspended = 0 } }: Observation): string {
  if (suspended === 0) return 'every selected machine is gone';
  return `nothing is selected any more: ${machines(suspended)} left suspended ("suspended": "update" takes them)`;
}

/** How an end is called that leaves nothing to do: a rollout that turned has not done what it was started for. */
const well = ({ turned }: RolloutState): Outcome => (turned === undefined ? 'completed' : 'rolledBack');

/** Of a way back: whoever wakes goes on with the version that is taken back. */
function endOfBack(state: RolloutState, { pools, outside: { suspended = 0 } }: Observation): End | undefined {
  if (suspended > 0) {
    const says = `${machines(total(pools, 'atTarget'))} taken back; ${machines(suspended)} suspended with work of the change in memory: start the rollback again when they have stopped`;
    return { outcome: 'partial', says };
  }
  return total(pools, 'selected') === 0 ? { outcome: well(state), says: 'no machine carries the change' } : undefined;
}

/** Done for the secrets as they were when it was planned, which is not what was asked for any more. */
const sayBehind = (behind: Behind | undefined): string =>
  behind === undefined || behind === 'unread'
    ? ''
    : `a secret was set meanwhile (${iso(behind.setAt)}), and ${machines(behind.machines)} started before that`;

/** The end that a list says, twice. */
export function endOf(state: RolloutState, seen: Observation): End {
  const isBack = state.plan.context.back !== undefined;
  const back = isBack ? endOfBack(state, seen) : undefined;
  if (back !== undefined) return back;
  if (total(seen.pools, 'selected') === 0) return { outcome: 'partial', says: sayNone(seen) };
  const foreign = total(seen.pools, 'foreign');
  const failed = Object.keys(state.failed).length;
  const behind = sayBehind(seen.behind);
  if (failed + foreign === 0 && behind === '') return { outcome: well(state), says: sayCompleted(seen, isBack) };
  const parts = [failed > 0 ? `${failed} failed` : '', foreign > 0 ? `${foreign} foreign` : '', behind];
  return { outcome: 'partial', says: `${parts.filter((part) => part !== '').join(', ')}${sayHeld(state)}` };
}
