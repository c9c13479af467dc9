import { HOLD_KEY, type Hold } from '../src/domain/hold.js';
import { REPLACING } from '../src/domain/machine.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import { FlyError } from '../src/fly/errors.js';
import { exitEventOf, type Machine, type MachineEvent } from '../src/fly/wire.js';
import { NOT_FOR_SURE } from './held-back.js';
import { isAtRest, knownHold } from './read-machine.js';
import { untilStopped } from './stop-overdue.js';
import type { Update } from './update-machine.js';

/** How long a machine is given to come up before others judge it: its checks are theirs. */
const WAIT_S = 55;

const UNSETTLED = {
  kind: 'error',
  code: 'not_settled',
  says: 'an update of it is still under way, so what Layover holds of it cannot be put back yet',
  retryAfterMs: 15_000,
  inDoubt: true,
} as const;

/**
 * Puts back what the machine's hold says: started if it was (unless it ended itself cleanly), in the proxy's routing
 * if it was; the hold goes last, so that whoever comes after a crash finds it. Not called back by anybody: a machine
 * must not stay stopped because a rollout pauses.
 * @param outcome what came of the order so far. @throws FlyError; the hold stays then.
 */
export async function putRight(update: Update, outcome: UpdateOutcome): Promise<UpdateOutcome> {
  const { app, id, deps, attempt, lease, progress } = update;
  const hold = knownHold(progress);
  if (hold === undefined) return outcome;
  attempt.say('puts back what it held');
  const machine = await resting(update, hold);
  if (machine === undefined) return outcome.kind === 'failed' ? outcome : UNSETTLED;
  const isOurs = await attempt.confirm();
  await lease.fresh();
  if (!isOurs()) return { ...NOT_FOR_SURE, inDoubt: true };
  const isStarted = await startAsItWas(update, machine, hold);
  // Also where an earlier attempt stopped it.
  progress.stopped ||= isStarted;
  // Whatever a read says of it: a replica that lags shows a machine as it was before our cordon.
  if (!hold.cordoned) await deps.fly.uncordonMachine(app, id, lease.nonce());
  await deps.fly.patchMetadata(app, id, { [HOLD_KEY]: null }, machine.instance_id);
  progress.hold = undefined;
  return outcome.kind === 'updated' && isStarted ? { ...outcome, started: true } : outcome;
}

/** A stop changes no version, so nothing but time tells a replica that lags from a machine that was started again. */
const SECOND_LOOK_MS = 5_000;

/**
 * The machine when nothing moves it any more; undefined while an update of it is under way. One that may have been
 * stopped for its hold and shows at work is looked at twice.
 */
async function resting(update: Update, hold: Hold): Promise<Machine | undefined> {
  const { app, id, deps } = update;
  let machine = await deps.fly.getMachine(app, id);
  if (hold.started && mayBeStopped(update) && ['started', 'starting'].includes(machine.state)) {
    await deps.clock.sleep(SECOND_LOOK_MS);
    machine = await deps.fly.getMachine(app, id);
  }
  if (REPLACING.includes(machine.state)) return undefined;
  if (machine.state !== 'stopping') return machine;
  const stopped = await untilStopped(update);
  return stopped.kind === 'stopped' ? stopped.machine : undefined;
}

/** By this attempt, or by one before that noted the hold. */
const mayBeStopped = ({ progress }: Update): boolean => progress.stopped || !progress.holdsAnew;

/** The newest thing it did was to end, of its own accord and well: it has nothing left to do. */
function endedItself(events: readonly MachineEvent[]): boolean {
  const last = events.find(({ type }) => type === 'exit' || type === 'start');
  const exit = last?.type === 'exit' ? exitEventOf(last) : undefined;
  return exit?.requested_stop === false && exit.exit_code === 0;
}

async function startAsItWas(
  { app, id, deps, lease, progress }: Update,
  machine: Machine,
  hold: Hold,
): Promise<boolean> {
  // Noted by this attempt, which never stopped it: somebody else did.
  if (progress.holdsAnew && !progress.stopped) return false;
  if (!hold.started || !isAtRest(machine) || endedItself(machine.events ?? [])) return false;
  await deps.fly.startMachine(app, id, lease.nonce());
  try {
    await deps.fly.waitForMachine(app, id, { state: 'started', version: machine.instance_id, timeoutS: WAIT_S });
  } catch (error) {
    // It ends at once, or takes longer: the next look at the fleet judges it.
    if (!(error instanceof FlyError)) throw error;
  }
  return true;
}
