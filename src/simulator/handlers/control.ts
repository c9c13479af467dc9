import { z } from 'zod';
import { json, OK, refuse, type Answer } from '../answers.js';
import { bodyOf, type Call } from '../call.js';
import { addFault } from '../faults.js';
import { loseHost, restoreHost } from '../host.js';
import { autostart, destroy } from '../life.js';
import { CreateMachines, DeployBody, ExitBody, Fault, ImageSpec } from '../scenario.js';
import { createMachines, exitIfStarted, moveImage } from '../script.js';
import { truths } from '../truth.js';
import { deploy } from '../update.js';
import type { SimMachine } from '../world.js';

const MovedImage = z.strictObject({ ref: z.string(), ...ImageSpec.shape });

const DO: Record<string, (call: Call, machine: SimMachine) => Answer> = {
  autostart: (call, machine) => done(autostart(call.world, machine)),
  destroy: (call, machine) => done(destroy(call.world, machine, 'user')),
  'lose-host': (call, machine) => done(loseHost(call.world, machine)),
  'restore-host': (call, machine) => done(restoreHost(call.world, machine)),
  exit(call, machine) {
    if (exitIfStarted(call.world, machine, bodyOf(call, ExitBody))) return OK;
    throw refuse(412, `failed_precondition: machine is ${machine.state}`);
  },
  deploy(call, machine) {
    const body = bodyOf(call, DeployBody);
    if (body.image !== undefined) call.entry.image = body.image;
    call.entry.priorVersion = machine.version;
    call.entry.version = deploy(call.world, machine, body);
    return json(200, { ok: true, version: call.entry.version });
  },
};

/** The calls under /_simulator/: how people and proofs look behind the API and break things. */
export function control(call: Call): Answer {
  const { world, request, query } = call;
  const [, , what = '', id = '', verb = ''] = (request.url.split('?')[0] ?? '').split('/');
  switch (`${request.method} ${what}`) {
    case 'GET log':
      return json(200, world.journal.entries.slice(Number(query.get('since') ?? '0')));
    case 'GET machines':
      return json(200, truths(world, query.get('app') ?? undefined));
    case 'POST faults':
      return json(201, { index: addFault(world, bodyOf(call, Fault)) });
    case 'DELETE faults':
      world.faults = [];
      return OK;
    case 'POST images':
      return done(moveImageOf(call));
    case 'POST create-machines':
      return json(201, { machines: createMachines(world, bodyOf(call, CreateMachines)).map((machine) => machine.id) });
    case 'POST machines':
      return onMachine(call, id, verb);
    default:
      throw refuse(404, 'no such control call');
  }
}

function onMachine(call: Call, id: string, verb: string): Answer {
  const machine = call.world.machines.get(id);
  const act = DO[verb];
  if (machine === undefined || machine.state === 'destroyed') throw refuse(404, 'machine not found');
  if (act === undefined) throw refuse(404, `no such control call: one of ${Object.keys(DO).join(', ')}`);
  call.entry.app = machine.app;
  call.entry.machine = machine.id;
  call.entry.stateBefore = machine.state;
  call.entry.working = machine.run !== undefined;
  return act(call, machine);
}

function moveImageOf(call: Call): void {
  const body = bodyOf(call, MovedImage);
  moveImage(call.world, body.ref, body);
}

function done(_nothing: void): Answer {
  return OK;
}
