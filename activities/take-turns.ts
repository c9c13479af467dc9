import type { UpdateOrder } from '../src/domain/orders.js';
import { isInPlace } from '../src/domain/machine.js';
import type { Machine } from '../src/fly/wire.js';
import { readMachine } from './read-machine.js';
import type { Update } from './update-machine.js';

/** How much later a machine is read again that shows no hold where there was one: replicas lag. */
const SECOND_LOOK_MS = 5_000;

/** @returns undefined where nothing that lags may be taken for the truth. */
export async function lookAgain(update: Update): Promise<Machine | undefined> {
  await update.deps.clock.sleep(SECOND_LOOK_MS);
  return readMachine(update);
}

/** Nobody knows how far the order before this one got; where machines are updated where they are only drains hold. */
export function mayBeHeld({ context, machine, drainMs }: UpdateOrder): boolean {
  const isOpen = machine.working === 'ours' || machine.unsure === true;
  return isOpen && (drainMs !== undefined || !isInPlace(context, machine));
}

/**
 * It works, and its order took no capacity: listed as none, and it is some again; in doubt, and looked into by now; or
 * taken for one that we hold, since nobody knew how far an order had got that never had its lease. It takes its turn
 * among the others.
 */
export function isToTakeItsTurn({ order, progress }: Update, machine: Machine): boolean {
  if (progress.hold !== undefined) return false;
  if (order.machine.working === 'ours' || order.machine.unsure === true) return true;
  if (order.machine.working !== 'down' || machine.cordoned === true) return false;
  return (machine.checks ?? []).every(({ status }) => status === 'passing');
}
