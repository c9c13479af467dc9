import type { MachineEvent } from '../fly/wire.js';
import { iso } from './machine.js';
import { exitCodeOf, SIGNALS, type Signal } from './signals.js';
import type { SimMachine, World } from './world.js';

/** How a main process ended. */
export interface Exit {
  readonly code: number;
  /** The signal that ended it. */
  readonly signal?: Signal;
  readonly oom?: boolean;
  readonly restarting?: boolean;
  /** Somebody asked for it: a stop, a restart. */
  readonly requested?: boolean;
}

/** The end of a process that does not handle the signal. */
export function killedBy(signal: Signal): Exit {
  return { code: exitCodeOf(signal), signal };
}

/**
 * The event of an exit. flyctl reads `request.exit_event` of every one unchecked
 * (internal/machine/leasable_machine.go@ad0172f).
 */
export function exitEvent(world: World, machine: SimMachine, exit: Exit) {
  const number = exit.signal === undefined ? -1 : SIGNALS[exit.signal];
  const request: MachineEvent['request'] = {
    exit_event: {
      exit_code: exit.code,
      guest_exit_code: exit.code,
      guest_signal: number,
      oom_killed: exit.oom ?? false,
      requested_stop: exit.requested ?? false,
      restarting: exit.restarting ?? false,
      signal: number,
      exited_at: iso(world.now),
    },
    restart_count: machine.restarts,
  };
  return { type: 'exit', status: 'stopped', source: 'flyd', request };
}
