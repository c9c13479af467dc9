import type { z } from 'zod';
import { refuse, type Answer } from './answers.js';
import type { CallEntry } from './journal.js';
import { guard, requireHost } from './leases.js';
import type { Effect } from './scenario.js';
import { isWorking, type SimApp, type SimMachine, type World } from './world.js';

/** A request, as the adapter or an in-process caller hands it in. */
export interface SimRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** A request on its way through the simulator. */
export interface Call {
  readonly world: World;
  readonly request: SimRequest;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The fault that applies; handlers look at it for what only they can do (lists, stale reads, reverts). */
  readonly effect: Effect | undefined;
  /** What the journal will say about it. */
  readonly entry: CallEntry;
}

/** Answers a call at once; throws a `Refusal` where a rule says no. */
export type Handler = (call: Call) => Answer;

/** A handler that waits for the world; 'cut' when the caller has gone. */
export type BlockingHandler = (call: Call) => Promise<Answer | 'cut'>;

/** A request header, whatever the case of its name. */
export function headerOf(request: SimRequest, name: string): string | undefined {
  const direct = request.headers[name];
  if (direct !== undefined) return direct;
  for (const key of Object.keys(request.headers)) if (key.toLowerCase() === name) return request.headers[key];
  return undefined;
}

/** The body, which must be JSON that the schema takes. */
export function bodyOf<T>(call: Call, schema: z.ZodType<T>): T {
  const { body } = call.request;
  let value: unknown = {};
  try {
    if (body !== undefined && body !== '') value = JSON.parse(body);
  } catch {
    throw refuse(400, 'invalid_argument: request body is not valid JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw refuse(400, `invalid_argument: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}

/** The app in the path; 404 when there is none, 403 when it is another organization's (fly-go flaps_apps.go). */
export function appOf(call: Call): SimApp {
  return appNamed(call, call.params['app'] ?? '');
}

/** The same for a name that stands in a body; flyctl looks for the words `Could not find App`. */
export function appNamed(call: Call, name: string): SimApp {
  const app = call.world.apps.get(name);
  if (app === undefined) throw refuse(404, `Could not find App "${name}"`);
  if (app.foreignOrg) throw refuse(403, `Not authorized to access this app: "${name}" belongs to another organization`);
  return app;
}

/** The machine in the path, which flyctl recognises as missing by the text `machine not found`. */
export function machineOf(call: Call): SimMachine {
  const app = appOf(call);
  const machine = call.world.machines.get(call.params['machine'] ?? '');
  if (machine?.app !== app.name || isHidden(call, machine)) throw refuse(404, 'machine not found');
  return machine;
}

/** A machine that was just created is not found by reads for a moment, nor by one from a replica that lags. */
export function isHidden({ world, entry, effect }: Call, machine: SimMachine): boolean {
  if (!['get', 'list', 'wait'].includes(entry.op)) return false;
  const asOf = world.now - (effect?.staleReadMs ?? 0);
  // What the world began with has been there for a while.
  return world.now < machine.visibleAt || (asOf < machine.createdAt && machine.createdAt > world.startedAt);
}

/** The machine a write is about: not one that is gone, and its state before is noted. */
export function writtenMachine(call: Call): SimMachine {
  const machine = machineOf(call);
  if (machine.state === 'destroyed') throw refuse(404, 'machine not found');
  call.entry.stateBefore = machine.state;
  call.entry.working = isWorking(machine);
  call.entry.cordonedBefore = machine.cordoned;
  return machine;
}

/** The machine of a write that a lease of somebody else refuses, and that needs its host. */
export function guardedMachine(call: Call): SimMachine {
  const machine = writtenMachine(call);
  requireHost(machine);
  guard(call.world, machine, nonceOf(call));
  return machine;
}

/** The lease nonce that came with the call. */
export function nonceOf(call: Call): string | undefined {
  return call.entry.nonce;
}

/** Metadata keys worth a place in the journal. */
export function marksOf(metadata: Readonly<Record<string, string | null>> | null | undefined) {
  const marks = Object.entries(metadata ?? {}).filter(([key]) => key.startsWith('layover_'));
  return marks.length > 0 ? Object.fromEntries(marks) : undefined;
}
