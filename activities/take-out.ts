import { type Hold, HOLD_KEY, holdText } from '../src/domain/hold.js';
import type { UpdateOutcome } from '../src/domain/outcomes.js';
import type { Machine } from '../src/fly/wire.js';
import { heldBack } from './held-back.js';
import { knownHold, readMachine } from './read-machine.js';
import type { Update } from './update-machine.js';

/**
 * Notes what a working machine was, and takes it out of the proxy's routing.
 * @param why for the UI. @returns what keeps the attempt from it, if anything does.
 */
export async function takeOut(update: Update, machine: Machine, why: string): Promise<UpdateOutcome | undefined> {
  const { app, id, deps, lease, attempt } = update;
  attempt.say(`holds and cordons it: ${why}`);
  await lease.fresh();
  const called = await heldBack(attempt);
  if (called !== undefined) return called;
  await hold(update, machine);
  if (machine.cordoned !== true) await deps.fly.cordonMachine(app, id, lease.nonce());
  return undefined;
}

/** Noted before the first of what it undoes, and known to be so even where the answer is lost. */
async function hold({ app, id, deps, order, progress }: Update, machine: Machine): Promise<void> {
  if (knownHold(progress) !== undefined) return;
  const { hash, start } = order.context.rollout;
  const noted: Hold = { rollout: `${hash}.${start}`, machine: id, started: true, cordoned: machine.cordoned === true };
  progress.hold = noted;
  progress.holdsAnew = true;
  await deps.fly.patchMetadata(app, id, { [HOLD_KEY]: holdText(noted) }, machine.instance_id);
}

/** A replica that lags shows no hold: what we know of it stays. */
export async function readHeld(update: Update): Promise<Machine | undefined> {
  const { progress } = update;
  const known = progress.hold;
  const machine = await readMachine(update);
  progress.hold ??= known;
  return machine;
}
