import { z } from 'zod';
import { json, OK, refuse, type Answer } from '../answers.js';
import { bodyOf, nonceOf, writtenMachine, type Call } from '../call.js';
import { guard } from '../leases.js';
import { boot } from '../life.js';
import { change } from '../machine.js';
import { stop, stopOrderOf } from '../stop.js';
import { releaseAutostart } from '../traffic.js';
import { requireHost } from '../update.js';
import type { MachineState, SimMachine } from '../world.js';

const unable = (verb: string) => (state: MachineState) =>
  `failed_precondition: unable to ${verb} machine from current state: '${state}'`;

/** What start does in each state; texts observed in public issues, `started` and `starting` UNCONFIRMED at Fly. */
const START: Record<MachineState, 'boot' | 'nothing' | ((state: MachineState) => string)> = {
  stopped: 'boot',
  suspended: 'boot',
  failed: 'boot',
  started: 'nothing',
  starting: 'nothing',
  created: unable('start'),
  replacing: () => 'failed_precondition: machine getting replaced, refusing to start',
  stopping: () => 'failed_precondition: machine still active, refusing to start',
  destroying: unable('start'),
  destroyed: unable('start'),
};

/** What stop does in each state; a stopped machine may be stopped again (flyctl strategy_bluegreen.go). */
const STOP: Record<MachineState, 'stop' | 'nothing' | ((state: MachineState) => string)> = {
  started: 'stop',
  starting: 'stop',
  suspended: 'stop',
  stopping: 'nothing',
  stopped: 'nothing',
  failed: 'nothing',
  created: unable('stop'),
  replacing: () => 'failed_precondition: machine getting replaced, refusing to stop',
  destroying: unable('stop'),
  destroyed: unable('stop'),
};

/** POST start. */
export function startMachine(call: Call): Answer {
  const machine = guarded(call);
  const { state } = machine;
  const rule = START[state];
  if (typeof rule === 'function') throw refuse(412, rule(state));
  if (rule === 'boot') {
    machine.restarts = 0;
    boot(call.world, machine, 'user');
  }
  return json(200, { previous_state: state, migrated: false, new_host: '' });
}

const StopBody = z.looseObject({
  signal: z.string().optional(),
  timeout: z.union([z.string(), z.number()]).optional(),
});

/** POST stop: answered at once; signal and timeout of the body, else of the machine's own `stop_config`. */
export function stopMachine(call: Call): Answer {
  const machine = guarded(call);
  const order = stopOrderOf(machine, bodyOf(call, StopBody));
  call.entry.signal = order.signal;
  call.entry.timeoutMs = order.timeoutMs;
  const rule = STOP[machine.state];
  if (typeof rule === 'function') throw refuse(412, rule(machine.state));
  if (rule === 'stop') stop(call.world, machine, { ...order, source: 'user' });
  return OK;
}

/** POST cordon: out of the proxy's routing; the state stays. */
export function cordonMachine(call: Call): Answer {
  const machine = guarded(call);
  change(call.world, machine, { cordoned: true });
  return OK;
}

/** POST uncordon. */
export function uncordonMachine(call: Call): Answer {
  const machine = guarded(call);
  change(call.world, machine, { cordoned: false });
  releaseAutostart(call.world, machine);
  return OK;
}

function guarded(call: Call): SimMachine {
  const machine = writtenMachine(call);
  requireHost(machine);
  guard(call.world, machine, nonceOf(call));
  return machine;
}
