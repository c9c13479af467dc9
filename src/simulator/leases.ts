import { iso } from './machine.js';
import { refuse } from './answers.js';
import { plan, unplan } from './planning.js';
import { releaseAutostart } from './traffic.js';
import { note, type SimMachine, type World } from './world.js';

/** What acquire and refresh ask for. */
export interface LeaseRequest {
  readonly ttl: number | undefined;
  readonly description: string | undefined;
  readonly nonce: string | undefined;
  readonly owner: string;
}

/** Takes or refreshes the lease; a lease of the same owner without its nonce is in the way too (flyctl HasLease). */
export function acquireLease(world: World, machine: SimMachine, request: LeaseRequest): void {
  const { lease } = machine;
  if (lease !== undefined && lease.nonce !== request.nonce) throw refuse(409, heldText(machine));
  if (lease === undefined && request.nonce !== undefined && !revives(world, machine, request.nonce)) {
    throw refuse(404, `lease not found: machine ID ${machine.id} holds no lease with this nonce`);
  }
  const { leaseDefaultTtl, leaseMaxTtl } = world.scenario.switches;
  const expiresAt = world.now + Math.min(request.ttl ?? leaseDefaultTtl, leaseMaxTtl) * 1000;
  const nonce = request.nonce ?? world.ids.nonce();
  machine.lease = {
    nonce,
    expiresAt,
    owner: request.owner,
    description: request.description ?? lease?.description ?? '',
  };
  machine.lastNonce = nonce;
  plan(world, machine, 'lease-ends', expiresAt);
}

/** Gives the lease up; 400 when the nonce is not its own (machines docs, leases). */
export function releaseLease(world: World, machine: SimMachine, nonce: string | undefined): void {
  if (machine.lease === undefined) throw refuse(404, 'lease not found');
  if (nonce !== machine.lease.nonce) throw refuse(400, 'invalid_argument: lease nonce is missing or wrong');
  machine.lease = undefined;
  unplan(machine, 'lease');
  releaseAutostart(world, machine);
}

/** The lease has run out; whoever waited for it may go on. */
export function expireLease(world: World, machine: SimMachine): void {
  if (machine.lease === undefined) return;
  note(world, machine, 'lease-expired', { nonce: machine.lease.nonce });
  machine.lease = undefined;
  releaseAutostart(world, machine);
}

/** Lets a guarded write pass, or refuses it because somebody else holds the lease. */
export function guard(world: World, machine: SimMachine, nonce: string | undefined): void {
  if (machine.lease !== undefined) {
    if (machine.lease.nonce !== nonce) throw refuse(409, heldText(machine));
  } else if (nonce !== undefined && !revives(world, machine, nonce)) {
    // UNCONFIRMED at Fly: switches `expiredNonceAccepted` and `expiredNonceStatus`.
    const status = world.scenario.switches.expiredNonceStatus;
    const kind = status === 400 ? 'invalid_argument' : 'aborted';
    throw refuse(status, `${kind}: lease nonce is not valid: no such lease`);
  }
}

/** A write to a machine whose host is lost cannot be done. The status is an inference (machines docs name none). */
export function requireHost(machine: SimMachine): void {
  if (machine.host !== 'ok') throw refuse(503, `unavailable: host of machine ${machine.id} is unreachable`);
}

/** Leases and destroys need the host as well, unless the switch says that the API knows enough by itself. */
export function requireHostForLease(world: World, machine: SimMachine): void {
  if (world.scenario.switches.lostHostRefusesLeases) requireHost(machine);
}

function revives(world: World, machine: SimMachine, nonce: string): boolean {
  return world.scenario.switches.expiredNonceAccepted && nonce === machine.lastNonce;
}

// Text observed in public issues (omadia PR 705).
function heldText(machine: SimMachine): string {
  const { owner = '', expiresAt = 0 } = machine.lease ?? {};
  const until = iso(expiresAt).replace(/\.\d+Z$/, 'Z');
  return `aborted: machine ID ${machine.id} lease currently held by ${owner}, expires at ${until}`;
}
