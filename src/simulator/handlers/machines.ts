import { LaunchBody, Machine } from '../../fly/wire.js';
import { json, OK, raw, refuse, type Answer } from '../answers.js';
import { appOf, bodyOf, isHidden, machineOf, marksOf, nonceOf, writtenMachine, type Call } from '../call.js';
import { addMachine } from '../fleet.js';
import { acquireLease, guard, requireHostForLease } from '../leases.js';
import { destroy, launch } from '../life.js';
import { iso, jsonAt, render, toJson } from '../machine.js';
import { requireSecrets, update } from '../update.js';
import { planAfter } from '../planning.js';
import type { SimMachine } from '../world.js';

/** GET machines: a bare array without a cursor. */
export function listMachines(call: Call): Answer {
  const { effect } = call;
  const texts = effect?.staleReadMs === undefined ? listedNow(call) : listedThen(call, effect.staleReadMs);
  const kept = effect?.emptyList ? [] : effect?.halfList ? texts.slice(0, Math.floor(texts.length / 2)) : texts;
  return raw(`[${kept.join(',')}]`);
}

function listedNow(call: Call): readonly string[] {
  const wanted = filterOf(call.query);
  const text = call.query.get('summary') === 'true' ? summary : (machine: SimMachine) => leasedText(call, machine);
  return appOf(call)
    .machines.filter((machine) => wanted(machine) && !isHidden(call, machine))
    .map(text);
}

/** The list as it was: with machines that are destroyed by now, and without those that were not there yet. */
function listedThen(call: Call, lagMs: number): readonly string[] {
  const { machines, gone } = appOf(call);
  const wanted = filterOf(call.query);
  return [...machines, ...gone]
    .filter((machine) => !isHidden(call, machine))
    .map((machine) => jsonAt(machine, call.world.now - lagMs))
    .filter((text) => {
      const { state, region, config, incomplete_config: incomplete } = Machine.parse(JSON.parse(text));
      return wanted({ state, region, config: config ?? incomplete ?? {} });
    });
}

/** GET one machine; `include_leases` shows who holds it, without the nonce. */
export function getMachine(call: Call): Answer {
  const machine = machineOf(call);
  const lag = call.effect?.staleReadMs;
  return raw(lag === undefined ? leasedText(call, machine) : jsonAt(machine, call.world.now - lag));
}

function leasedText(call: Call, machine: SimMachine): string {
  const { lease } = machine;
  if (lease === undefined || call.query.get('include_leases') !== 'true') return toJson(machine);
  const { description, owner } = lease;
  return JSON.stringify({ ...render(machine), lease: { description, owner, expires_at: iso(lease.expiresAt) } });
}

/** POST machines. Not idempotent, and answered with 200. */
export function createMachine(call: Call): Answer {
  const { world } = call;
  const app = appOf(call);
  const body = bodyOf(call, LaunchBody);
  if (!body.config.image) throw refuse(400, 'invalid_argument: config.image is required');
  requireSecrets(world, app, body.min_secrets_version ?? 0);
  const { name, region = 'ord', config } = body;
  const machine = addMachine(world, app, { name, region, config, state: 'created', byCall: true });
  call.entry.machine = machine.id;
  call.entry.version = machine.version;
  call.entry.image = body.config.image;
  machine.cordoned = body.skip_service_registration === true;
  machine.skipSecrets = body.skip_secrets === true;
  if (body.skip_launch === true) planAfter(world, machine, 'came-to-rest', 'replaceMs');
  else launch(world, machine, 'flyd');
  if (body.lease_ttl === undefined) return raw(toJson(machine));
  acquireLease(world, machine, { ttl: body.lease_ttl, description: undefined, nonce: undefined, owner: 'creator' });
  return json(200, { ...render(machine), nonce: machine.lease?.nonce });
}

/** POST one machine: replaces the whole config under a new version. */
export function updateMachine(call: Call): Answer {
  const { world, entry } = call;
  const machine = writtenMachine(call);
  const body = bodyOf(call, LaunchBody);
  if (!body.config.image) throw refuse(400, 'invalid_argument: config.image is required');
  noteUpdate(call, machine, body);
  requireSecrets(world, appOf(call), body.min_secrets_version ?? 0);
  const skipLaunch = body.skip_launch === true;
  entry.version = update(world, machine, {
    config: body.config,
    nonce: nonceOf(call),
    currentVersion: body.current_version,
    skipLaunch,
    skipSecrets: body.skip_secrets === true,
    source: 'user',
    forceRevert: call.effect?.revert === true,
  });
  if (body.skip_service_registration === true) machine.cordoned = true;
  return world.scenario.switches.updateAnswersEvents ? raw(toJson(machine)) : json(200, withoutEvents(machine));
}

/** DELETE one machine: documented as `force`, sent as `kill` by fly-go. */
export function deleteMachine(call: Call): Answer {
  const machine = writtenMachine(call);
  const { query, world } = call;
  requireHostForLease(world, machine);
  guard(world, machine, nonceOf(call));
  const force = query.get('force') === 'true' || query.get('kill') === 'true';
  const idle = machine.state === 'stopped' || machine.state === 'suspended' || machine.state === 'failed';
  if (!force && !idle) {
    const status = world.scenario.switches.destroyRunningStatus;
    const kind = status === 412 ? 'failed_precondition' : 'aborted';
    throw refuse(status, `${kind}: unable to destroy machine in state '${machine.state}'`);
  }
  destroy(world, machine, 'user');
  return OK;
}

/** GET events, newest first. */
export function listEvents(call: Call): Answer {
  const limit = Math.min(Number(call.query.get('limit') ?? '20') || 20, 50);
  return json(200, machineOf(call).events.slice(0, limit));
}

/** GET versions, newest first. */
export function listVersions(call: Call): Answer {
  const { versions } = machineOf(call);
  return json(
    200,
    versions.filter(({ hidden }) => !hidden).map(({ version, config }) => ({ version, user_config: config })),
  );
}

function noteUpdate(call: Call, machine: SimMachine, body: LaunchBody): void {
  const { entry } = call;
  const marks = marksOf(body.config.metadata);
  if (marks !== undefined) entry.marks = marks;
  if (body.config.image !== undefined) entry.image = body.config.image;
  if (body.current_version !== undefined) entry.currentVersion = body.current_version;
  entry.skipLaunch = body.skip_launch === true;
  entry.priorVersion = machine.version;
}

function withoutEvents(machine: SimMachine) {
  const { events: _events, ...rest } = render(machine);
  return rest;
}

/** `summary` leaves out what is large (machines OpenAPI text). */
function summary(machine: SimMachine): string {
  const {
    config: _config,
    checks: _checks,
    events: _events,
    host_status: _host,
    nonce: _nonce,
    ...rest
  } = render(machine);
  return JSON.stringify(rest);
}

/** What a list is filtered by. */
type Filtered = Pick<Machine, 'state' | 'region'> & Pick<SimMachine, 'config'>;

function filterOf(query: URLSearchParams): (machine: Filtered) => boolean {
  const deleted = query.get('include_deleted') === 'true';
  const region = query.get('region');
  const states = query.get('state')?.split(',');
  const metadata = [...query].filter(([key]) => key.startsWith('metadata.'));
  return (machine) =>
    (deleted || machine.state !== 'destroyed') &&
    (region === null || machine.region === region) &&
    (states === undefined || states.includes(machine.state)) &&
    metadata.every(([key, value]) => machine.config.metadata?.[key.slice('metadata.'.length)] === value);
}
