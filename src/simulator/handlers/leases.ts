import { z } from 'zod';
import { json, refuse, type Answer } from '../answers.js';
import { bodyOf, headerOf, machineOf, nonceOf, writtenMachine, type Call } from '../call.js';
import { ownerOf } from '../ids.js';
import { acquireLease, releaseLease, requireHostForLease } from '../leases.js';
import type { SimMachine } from '../world.js';

const LeaseBody = z.looseObject({ ttl: z.number().optional(), description: z.string().optional() });

/** GET lease: shows the nonce as well, so leases are cooperation and no access control (machines docs). */
export function getLease(call: Call): Answer {
  const machine = machineOf(call);
  if (machine.lease === undefined) throw refuse(404, 'lease not found');
  return envelope(200, machine);
}

/** POST lease: acquires, or refreshes with the nonce header; ttl in the body or in the query (fly-go). */
export function postLease(call: Call): Answer {
  const machine = writtenMachine(call);
  const body = bodyOf(call, LeaseBody);
  const ttl = body.ttl ?? ttlOf(call.query.get('ttl'));
  if (ttl !== undefined && !(ttl > 0)) throw refuse(400, 'invalid_argument: ttl must be a positive number of seconds');
  requireHostForLease(call.world, machine);
  if (body.description !== undefined) call.entry.leaseDescription = body.description;
  const owner = ownerOf(headerOf(call.request, 'authorization') ?? '');
  acquireLease(call.world, machine, { ttl, description: body.description, nonce: nonceOf(call), owner });
  if (machine.lease !== undefined) call.entry.nonce = machine.lease.nonce;
  return envelope(201, machine);
}

/** DELETE lease. */
export function deleteLease(call: Call): Answer {
  const machine = machineOf(call);
  requireHostForLease(call.world, machine);
  // Not the 404 of a machine: flyctl is silent about a lease that went with its machine (flyctl-traces, destroy).
  releaseLease(call.world, machine, nonceOf(call));
  return json(200, { status: 'success', data: { ok: true } });
}

function ttlOf(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}

// The envelope is real, whatever the OpenAPI text says (flyctl@ad0172f internal/machine/leasable_machine.go).
function envelope(status: number, machine: SimMachine): Answer {
  const { lease } = machine;
  if (lease === undefined) throw refuse(404, 'lease not found');
  const { nonce, owner, description } = lease;
  const data = { nonce, expires_at: Math.floor(lease.expiresAt / 1000), owner, description, version: machine.version };
  return json(status, { status: 'success', data });
}
