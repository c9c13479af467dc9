import { z } from 'zod';
import { json, OK, raw, refuse, type Answer } from '../answers.js';
import { bodyOf, type Call } from '../call.js';
import { holdChecks } from '../checks.js';
import { exportedMetrics } from '../exported.js';
import { addFault } from '../faults.js';
import { loseHost, restoreHost } from '../host.js';
import { loseSnapshot } from '../jobs.js';
import { destroy } from '../life.js';
import { autostart, autostop } from '../proxy.js';
import {
  ChecksBody,
  CreateMachines,
  DeployBody,
  ExitBody,
  Fault,
  ImageSpec,
  SecretsBody,
  Target,
} from '../scenario.js';
import { act, createMachines, exitIfStarted, moveImage, setAppSecrets } from '../script.js';
import { truths } from '../truth.js';
import { deploy } from '../update.js';
import type { SimMachine } from '../world.js';

const AppSecrets = z.strictObject({ app: z.string(), ...SecretsBody.shape });
const MovedImage = z.strictObject({ ref: z.string(), ...ImageSpec.shape });

const DO: Record<string, (call: Call, machine: SimMachine) => Answer> = {
  autostart: (call, machine) => done(autostart(call.world, machine)),
  autostop: (call, machine) => done(autostop(call.world, machine)),
  'lose-snapshot': (call, machine) => done(loseSnapshot(call.world, machine, 'lost')),
  checks: (call, machine) => done(holdChecks(call.world, machine, bodyOf(call, ChecksBody).status)),
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

const CALLS: Record<string, (call: Call) => Answer> = {
  'GET log': ({ world, query }) => json(200, world.journal.entries.slice(Number(query.get('since') ?? '0'))),
  'GET machines': ({ world, query }) => json(200, truths(world, query.get('app') ?? undefined)),
  'GET metrics': ({ world }) => raw(exportedMetrics(world)),
  'POST faults': (call) => json(201, { index: addFault(call.world, bodyOf(call, Fault)) }),
  'DELETE faults'({ world }) {
    world.faults = [];
    return OK;
  },
  'POST images'(call) {
    const { ref, ...spec } = bodyOf(call, MovedImage);
    return done(moveImage(call.world, ref, spec));
  },
  'POST create-machines'(call) {
    const made = createMachines(call.world, bodyOf(call, CreateMachines));
    return json(201, { machines: made.map((machine) => machine.id) });
  },
  'POST secrets'(call) {
    if (setAppSecrets(call.world, bodyOf(call, AppSecrets))) return OK;
    throw refuse(404, 'no such app');
  },
  'POST request'(call) {
    act(call.world, { request: bodyOf(call, Target) }, call.world.now);
    return OK;
  },
  'POST machines': onMachine,
};

/** The calls under /_simulator/: how people and proofs look behind the API and break things. */
export function control(call: Call): Answer {
  const { method, url } = call.request;
  const [, , what = ''] = partsOf(url);
  const known = CALLS[`${method} ${what}`];
  if (known === undefined) throw refuse(404, `no such control call: one of ${Object.keys(CALLS).join(', ')}`);
  return known(call);
}

function partsOf(url: string): readonly string[] {
  return (url.split('?')[0] ?? '').split('/');
}

function onMachine(call: Call): Answer {
  const [, , , id = '', verb = ''] = partsOf(call.request.url);
  const machine = call.world.machines.get(id);
  const does = DO[verb];
  if (machine === undefined || machine.state === 'destroyed') throw refuse(404, 'machine not found');
  if (does === undefined) throw refuse(404, `no such control call: one of ${Object.keys(DO).join(', ')}`);
  call.entry.app = machine.app;
  call.entry.machine = machine.id;
  call.entry.stateBefore = machine.state;
  call.entry.working = machine.run !== undefined;
  return does(call, machine);
}

function done(_nothing: void): Answer {
  return OK;
}
