import type { Clock } from '../clock.js';
import type { SimRequest } from './call.js';
import { addFault } from './faults.js';
import { addApp, addBlock } from './fleet.js';
import { advance } from './happenings.js';
import type { Journal } from './journal.js';
import { wake } from './machine.js';
import type { Scenario } from './scenario.js';
import { handle, type SimAnswer } from './serving.js';
import { truths, type MachineTruth } from './truth.js';
import { planAction } from './planning.js';
import { emptyWorld, type World } from './world.js';

export type { SimRequest } from './call.js';
export type { SimAnswer } from './serving.js';

/** A Fly that can be broken on purpose. */
export interface Simulator {
  /** Answers one request; 'cut' = the connection is dropped without an answer. */
  handle(request: SimRequest): Promise<SimAnswer | 'cut'>;
  readonly journal: Journal;
  /** How the machines really are (of one app, or all). */
  machines(app?: string): readonly MachineTruth[];
  /** Cuts every call that waits, and every later one. */
  close(): void;
}

/** Makes a world out of a scenario; its time is the clock's. */
export function createSimulator({ scenario, clock }: { scenario: Scenario; clock: Clock }): Simulator {
  const world = createWorld(scenario, clock);
  return {
    handle: (request) => handle(world, request),
    journal: {
      entries(since = 0) {
        advance(world);
        return since === 0 ? world.journal.entries : world.journal.entries.slice(since);
      },
    },
    machines(app) {
      advance(world);
      return truths(world, app);
    },
    close() {
      world.closed = true;
      for (const machine of world.machines.values()) wake(machine);
    },
  };
}

function createWorld(scenario: Scenario, clock: Clock): World {
  const world = emptyWorld(scenario, clock);
  for (const [ref, spec] of Object.entries(scenario.images)) world.images.add(ref, spec);
  for (const app of scenario.apps) {
    const made = addApp(world, app);
    for (const block of app.machines) addBlock(world, made, block);
  }
  for (const fault of scenario.faults) addFault(world, fault);
  for (const { ms, do: action } of scenario.at) planAction(world, world.startedAt + ms, action, world.startedAt + ms);
  return world;
}
