import { z } from 'zod';
import { json, OK, refuse, type Answer } from '../answers.js';
import { bodyOf, guardedMachine, type Call } from '../call.js';
import { boot } from '../life.js';
import { change } from '../machine.js';
import { restart, stop, stopOrderOf } from '../stop.js';
import { suspend, whyNotSuspended } from '../suspend.js';
import { releaseAutostart } from '../traffic.js';
import { isSettled, type MachineState } from '../world.js';

function unable(verb: string): (state: MachineState) => string {
  return (state) => `failed_precondition: unable to ${verb} machine from current state: '${state}'`;
}

/** What a call does in a state: something, nothing (and answers 200), or a refusal with this text. */
type Rule<Does extends string> = Does | 'nothing' | ((state: MachineState) => string);
type Rules<Does extends string> = Readonly<Record<MachineState, Rule<Does>>>;

/** Texts observed in public issues; `created` and `started` have switches. */
const START: Rules<'boot'> = {
  stopped: 'boot',
  suspended: 'boot',
  failed: 'boot',
  started: 'nothing',
  starting: 'nothing',
  restarting: 'nothing',
  created: unable('start'),
  replacing: () => 'failed_precondition: machine getting replaced, refusing to start',
  stopping: () => 'failed_precondition: machine still active, refusing to start',
  suspending: () => 'failed_precondition: machine still active, refusing to start',
  destroying: unable('start'),
  destroyed: unable('start'),
};

/** A stopped machine may be stopped again (flyctl strategy_bluegreen.go). */
const STOP: Rules<'stop'> = {
  started: 'stop',
  starting: 'stop',
  suspended: 'stop',
  restarting: 'stop',
  stopping: 'nothing',
  stopped: 'nothing',
  failed: 'nothing',
  created: unable('stop'),
  suspending: unable('stop'),
  replacing: () => 'failed_precondition: machine getting replaced, refusing to stop',
  destroying: unable('stop'),
  destroyed: unable('stop'),
};

/** Only what runs can be suspended; the refusals are ours. */
const SUSPEND: Rules<'suspend'> = {
  started: 'suspend',
  suspending: 'nothing',
  suspended: 'nothing',
  created: unable('suspend'),
  starting: unable('suspend'),
  restarting: unable('suspend'),
  stopping: unable('suspend'),
  stopped: unable('suspend'),
  failed: unable('suspend'),
  replacing: unable('suspend'),
  destroying: unable('suspend'),
  destroyed: unable('suspend'),
};

/** POST start. */
export function startMachine(call: Call): Answer {
  const machine = guardedMachine(call);
  const { state } = machine;
  const { createdStarts, startedStartStatus } = call.world.scenario.switches;
  const rests = state === 'created' && createdStarts && isSettled(machine);
  const rule = rests ? 'boot' : START[state];
  if (typeof rule === 'function') throw refuse(412, rule(state));
  if (state === 'started' && startedStartStatus === 412) throw refuse(412, unable('start')(state));
  if (rule === 'boot') {
    machine.restarts = 0;
    boot(call.world, machine, 'user');
  }
  return json(200, { previous_state: state, migrated: false, new_host: '' });
}

/** POST suspend: answered at once. */
export function suspendMachine(call: Call): Answer {
  const machine = guardedMachine(call);
  const rule = SUSPEND[machine.state];
  if (typeof rule === 'function') throw refuse(412, rule(machine.state));
  const why = whyNotSuspended(machine);
  if (why !== undefined) {
    const status = call.world.scenario.switches.suspendRefusedStatus;
    const kind = status === 412 ? 'failed_precondition' : 'invalid_argument';
    throw refuse(status, `${kind}: machine cannot be suspended: it ${why}`);
  }
  if (rule === 'suspend') suspend(call.world, machine, 'user');
  return OK;
}

/** POST restart: options come in the query; `force_stop` kills at once (fly-go always sends it). */
export function restartMachine(call: Call): Answer {
  const machine = guardedMachine(call);
  const { query } = call;
  const timeout = query.get('timeout') ?? undefined;
  const inSeconds = timeout !== undefined && /^\d+$/.test(timeout) ? `${timeout}s` : timeout;
  const order = stopOrderOf(machine, { signal: query.get('signal') ?? undefined, timeout: inSeconds });
  if (machine.state !== 'started') throw refuse(412, unable('restart')(machine.state));
  const forced = query.get('force_stop') === 'true';
  const sent = forced ? { ...order, signal: 'SIGKILL' as const } : order;
  call.entry.signal = sent.signal;
  call.entry.timeoutMs = sent.timeoutMs;
  restart(call.world, machine, sent);
  return OK;
}

const StopBody = z.looseObject({
  signal: z.string().optional(),
  timeout: z.union([z.string(), z.number()]).optional(),
});

/** POST stop: answered at once; signal and timeout of the body, else of the machine's own `stop_config`. */
export function stopMachine(call: Call): Answer {
  const machine = guardedMachine(call);
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
  const machine = guardedMachine(call);
  change(call.world, machine, { cordoned: true });
  return OK;
}

/** POST uncordon. */
export function uncordonMachine(call: Call): Answer {
  const machine = guardedMachine(call);
  change(call.world, machine, { cordoned: false });
  releaseAutostart(call.world, machine);
  return OK;
}
