import { errorAnswer, type Answer } from './answers.js';
import type { Call } from './call.js';

/** Calls for which a host needs room, and what they say when it has none (texts: flyctl and public issues). */
const TEXTS: Readonly<Record<string, string>> = {
  create: 'insufficient resources to create new machine: could not reserve resource for machine',
  update: 'could not reserve resource for machine: insufficient memory available to fulfill request',
  start: 'could not reserve resource for machine: insufficient memory available to fulfill request',
};
/** flyctl looks for these words as well (machines_deploymachinesapp.go:updateMachine@ad0172f). */
const HOST_TEXT = 'deploys to this host are temporarily disabled';

/** Fly has no room for the machine (effect `noCapacity`): status by switch, `insufficient_capacity` (fly-go). */
export function noCapacity({ effect, world }: Call, op: string): Answer | undefined {
  const text = effect?.noCapacity === 'host' ? HOST_TEXT : TEXTS[op];
  if (effect?.noCapacity === undefined || TEXTS[op] === undefined) return undefined;
  return errorAnswer(world.scenario.switches.capacityStatus, `${text}`, { status: 'insufficient_capacity' });
}
