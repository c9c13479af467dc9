import { forkRandom } from './random.js';
import type { Fault } from './scenario.js';
import type { FaultState, World } from './world.js';

/** What a fault is matched against. */
export interface Matched {
  readonly op: string;
  readonly app: string | undefined;
  readonly machine: string | undefined;
  readonly hasCookie: boolean;
}

/** Adds a fault; the first one that matches a call applies. */
export function addFault(world: World, fault: Fault): number {
  const index = world.faultsAdded;
  world.faultsAdded += 1;
  // A stream far from those of the machines.
  const random = forkRandom(world.scenario.seed, 1_000_000 + index);
  world.faults = [...world.faults, { index, fault, random, seen: 0, hits: 0 }];
  return index;
}

/** The fault that applies to this call, if any; counts it. */
export function pickFault(world: World, call: Matched): FaultState | undefined {
  return world.faults.find((state) => isAbout(world, state.fault, call) && isItsTurn(state));
}

function isAbout(world: World, fault: Fault, call: Matched): boolean {
  const since = world.now - world.startedAt;
  return (
    isOp(fault.on, call.op) &&
    (fault.machine ?? call.machine) === call.machine &&
    (fault.app ?? call.app) === call.app &&
    !(fault.withoutCookie && call.hasCookie) &&
    since >= fault.afterMs &&
    since < (fault.untilMs ?? Infinity)
  );
}

function isOp(on: string, op: string): boolean {
  return on === 'any' || on === op || (on === 'lease' && op === 'refresh');
}

function isItsTurn(state: FaultState): boolean {
  const { skip, times, share } = state.fault;
  state.seen += 1;
  if (state.seen <= skip || state.hits >= (times ?? Infinity)) return false;
  if (share < 1 && state.random.next() >= share) return false;
  state.hits += 1;
  return true;
}
