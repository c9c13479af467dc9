import { z } from 'zod';
import { servicePorts } from '../checks.js';
import { json, OK, refuse, type Answer } from '../answers.js';
import { bodyOf, guardedMachine, machineOf, nonceOf, writtenMachine, type Call } from '../call.js';
import { guard, requireHost } from '../leases.js';
import { deliver } from '../process.js';
import { signalOf } from '../signals.js';
import type { SimMachine } from '../world.js';

const SignalBody = z.looseObject({ signal: z.union([z.string(), z.number()]) });
const ExecBody = z.looseObject({ command: z.array(z.string()).optional(), cmd: z.string().optional() });
const LimitBody = z.looseObject({ limit_mb: z.number().positive() });
const ReclaimBody = z.looseObject({ amount_mb: z.number().nonnegative() });

/** POST signal: by name, or by number as fly-go's `Kill` sends it. Whether a lease guards it: `signalGuarded`. */
export function signalMachine(call: Call): Answer {
  const machine = writtenMachine(call);
  requireHost(machine);
  if (call.world.scenario.switches.signalGuarded) guard(call.world, machine, nonceOf(call));
  const { signal: asked } = bodyOf(call, SignalBody);
  const signal = signalOf(asked);
  if (signal === undefined) throw refuse(400, `invalid_argument: invalid signal '${asked}'`);
  requireStarted(machine);
  call.entry.signal = signal;
  deliver(call.world, machine, signal);
  return OK;
}

/** GET ps: one process that listens where the services look for it. */
export function listProcesses(call: Call): Answer {
  const machine = machineOf(call);
  requireHost(machine);
  requireStarted(machine);
  const sockets = servicePorts(machine.config).map((port) => ({ proto: 'tcp', address: `[::]:${port}` }));
  const uptime = Math.floor((call.world.now - (machine.run?.startedAt ?? machine.updatedAt)) / 1000);
  const process = { pid: 1, stime: 0, rtime: uptime, command: 'app', directory: '/', cpu: 0, rss: 1024 };
  return json(200, [{ ...process, listen_sockets: sockets }]);
}

/** POST exec: `command`, or the `cmd` that fly-go sends; a command that fails is a 200 as well. */
export function execCommand(call: Call): Answer {
  const machine = guardedMachine(call);
  const { command, cmd } = bodyOf(call, ExecBody);
  const words = command ?? cmd?.split(/\s+/).filter((word) => word !== '') ?? [];
  if (words.length === 0) throw refuse(400, 'invalid_argument: command is required');
  requireStarted(machine);
  return json(200, { exit_signal: 0, ...resultOf(words) });
}

// No machine runs here: three commands are enough to tell success, output and failure apart.
function resultOf([name = '', ...args]: readonly string[]) {
  if (name === 'true') return { exit_code: 0, stdout: '', stderr: '' };
  if (name === 'false') return { exit_code: 1, stdout: '', stderr: '' };
  if (name === 'echo') return { exit_code: 0, stdout: `${args.join(' ')}\n`, stderr: '' };
  return { exit_code: 127, stdout: '', stderr: `${name}: not found\n` };
}

/** GET memory. */
export function getMemory(call: Call): Answer {
  return memory(machineOf(call));
}

/** PUT memory: a lower limit than the machine was made with. */
export function limitMemory(call: Call): Answer {
  const machine = memoryMachine(call);
  machine.memoryLimitMb = Math.min(bodyOf(call, LimitBody).limit_mb, guestMemory(machine));
  return memory(machine);
}

/** POST memory/reclaim: half of what is asked for can be had. */
export function reclaimMemory(call: Call): Answer {
  memoryMachine(call);
  return json(200, { actual_mb: Math.floor(bodyOf(call, ReclaimBody).amount_mb / 2) });
}

function memoryMachine(call: Call): SimMachine {
  const machine = writtenMachine(call);
  requireHost(machine);
  if (call.world.scenario.switches.memoryGuarded) guard(call.world, machine, nonceOf(call));
  return machine;
}

function memory(machine: SimMachine): Answer {
  return json(200, { limit_mb: machine.memoryLimitMb ?? guestMemory(machine), available_mb: guestMemory(machine) });
}

const Guest = z.looseObject({ memory_mb: z.number().default(256) });

function guestMemory({ config }: SimMachine): number {
  return Guest.parse(config['guest'] ?? {}).memory_mb;
}

function requireStarted({ state }: SimMachine): void {
  if (state !== 'started') throw refuse(412, `failed_precondition: machine is not running: '${state}'`);
}
