import { pauseJob } from './jobs.js';
import { change, withEvent } from './machine.js';
import { planAfter } from './planning.js';
import { awaitTraffic } from './traffic.js';
import { note, type SimMachine, type World } from './world.js';

const MOST_MB = 2048;

/** Why a machine cannot be suspended (docs, suspend and resume); undefined when it can. */
export function whyNotSuspended({ config }: SimMachine): string | undefined {
  const memory = numberIn(config['guest'], 'memory_mb');
  if (memory !== undefined && memory > MOST_MB) return `has more than ${MOST_MB} MB of memory`;
  if ((numberIn(config['init'], 'swap_size_mb') ?? 0) > 0) return 'has swap';
  return config.schedule ? 'has a schedule' : undefined;
}

function numberIn(value: unknown, key: string): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Object.entries(value).find(([name]) => name === key)?.[1];
  return typeof found === 'number' ? found : undefined;
}

/** Writes the machine's memory away and stops it there; its work goes on when it is started. */
export function suspend(world: World, machine: SimMachine, source: string): void {
  pauseJob(world, machine);
  const event = { type: 'suspend', status: 'suspending', source };
  change(world, machine, { state: 'suspending', events: withEvent(world, machine, event) });
  planAfter(world, machine, 'suspended', 'suspendMs');
}

/** The memory is written; the proxy may want the machine again some time. */
export function becomeSuspended(world: World, machine: SimMachine): void {
  const event = { type: 'suspend', status: 'suspended', source: 'flyd' };
  change(world, machine, { state: 'suspended', events: withEvent(world, machine, event) });
  note(world, machine, 'settled', { state: 'suspended', version: machine.version });
  awaitTraffic(world, machine);
}
