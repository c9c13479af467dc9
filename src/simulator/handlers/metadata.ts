import { z } from 'zod';
import { json, NO_CONTENT, refuse, type Answer } from '../answers.js';
import { bodyOf, machineOf, marksOf, writtenMachine, type Call } from '../call.js';
import { requireHost } from '../leases.js';
import { change } from '../machine.js';
import type { SimMachine } from '../world.js';

const Value = z.looseObject({ value: z.string() });
const Values = z.looseObject({
  metadata: z.record(z.string(), z.string().nullable()),
  machine_version: z.string().optional(),
});

/** GET metadata. */
export function getMetadata(call: Call): Answer {
  return json(200, machineOf(call).config.metadata ?? {});
}

/** GET metadata/{key}. */
export function getMetadataKey(call: Call): Answer {
  const value = machineOf(call).config.metadata?.[keyOf(call)];
  if (value === undefined) throw refuse(404, 'metadata key not found');
  return json(200, { value });
}

/** POST metadata/{key}. No lease guards metadata, and no new version comes of it. */
export function setMetadataKey(call: Call): Answer {
  return merge(call, { [keyOf(call)]: bodyOf(call, Value).value });
}

/** DELETE metadata/{key}. */
export function deleteMetadataKey(call: Call): Answer {
  return merge(call, { [keyOf(call)]: null });
}

/** PATCH metadata: merges; null or empty removes a key (machines OpenAPI text). */
export function patchMetadata(call: Call): Answer {
  const { metadata, machine_version: version } = bodyOf(call, Values);
  return merge(call, metadata, version);
}

/** PUT metadata: replaces. */
export function putMetadata(call: Call): Answer {
  const { metadata, machine_version: version } = bodyOf(call, Values);
  const gone = Object.keys(machineOf(call).config.metadata ?? {}).map((key): [string, null] => [key, null]);
  return merge(call, { ...Object.fromEntries(gone), ...metadata }, version);
}

function merge(call: Call, values: Record<string, string | null>, version?: string): Answer {
  const machine = writtenMachine(call);
  requireHost(machine);
  const marks = marksOf(values);
  if (marks !== undefined) call.entry.marks = marks;
  requireVersion(machine, version);
  const metadata = { ...machine.config.metadata };
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === '') delete metadata[key];
    else metadata[key] = value;
  }
  change(call.world, machine, { config: { ...machine.config, metadata }, updatedAt: call.world.now });
  return NO_CONTENT;
}

function requireVersion(machine: SimMachine, version: string | undefined): void {
  if (version === undefined || version === machine.version) return;
  throw refuse(412, `failed_precondition: machine_version mismatch: machine is at version ${machine.version}`);
}

function keyOf(call: Call): string {
  return call.params['key'] ?? '';
}
