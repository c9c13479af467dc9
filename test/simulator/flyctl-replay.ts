import { expect } from 'vitest';
import { z } from 'zod';
import { COMMAND, QUERIES, SCENES, VALUES, type Scene } from './flyctl-scenes.js';
import { lab, type Lab, type Reply, V1, V2 } from './support.js';

/**
 * Requests that the unmodified flyctl (superfly/flyctl @ad0172f) sent in recorded runs, one command a line and in their
 * order: method, path, names of the body's fields, whether a nonce came along, and the status it was given. Ids are
 * placeholders: `m` for machines that were there, `n` for those that the command creates.
 */
export const Recorded = z.strictObject({
  method: z.string(),
  path: z.string(),
  status: z.number(),
  nonce: z.literal(true).optional(),
  query: z.string().optional(),
  body: z.array(z.string()).optional(),
  times: z.number().default(1),
});
export type Recorded = z.infer<typeof Recorded>;
export const Trace = z.strictObject({ trace: z.string(), calls: z.array(Recorded) });
export type Trace = z.infer<typeof Trace>;

const QUICK = {
  replaceMs: 50,
  pullMs: 50,
  bootMs: 100,
  stopMs: 100,
  destroyMs: 100,
  suspendMs: 100,
  checksFirstMs: 50,
};
/** flyctl's own pauses between two tries at a lease are about this long; other polls are only told apart. */
export const PAUSE_MS = 500;
export const POLL_MS = 50;
const REFRESH_MS = 4000;
const IDS = '0123456789';
export const idOf = (name: string) => (IDS[Number(name.slice(1))] ?? '').repeat(14);
export const CONFIG = {
  guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 256 },
  services: [{ protocol: 'tcp', internal_port: 8080 }],
};

/** A run of one trace, and what its answers taught so far. */
export interface Run {
  readonly world: Lab;
  readonly scene: Scene;
  readonly ids: Map<string, string>;
  readonly created: string[];
  readonly nonces: Map<string, string>;
  readonly versions: Map<string, string>;
  readonly createFields: readonly string[];
  release: string;
}

/** A world as the trace found it. */
export async function begin({ trace, calls }: Trace): Promise<Run> {
  const scene = SCENES[trace] ?? {};
  const names = [...new Set(['m1', ...calls.flatMap(({ path }) => path.match(/\bm\d+\b/g) ?? [])])].sort();
  const world = lab({
    timing: QUICK,
    images: { [V1]: {}, [V2]: scene.image ?? {}, [COMMAND]: scene.image ?? {} },
    ...(scene.at && { at: scene.at }),
    ...(scene.switches && { switches: scene.switches }),
    apps: [
      {
        name: 'encoder',
        machines: names.map((name) => ({
          ids: [idOf(name)],
          image: V1,
          config: CONFIG,
          running: (scene.states?.[name] ?? 'started') === 'started',
          ...(scene.states?.[name] && { state: scene.states[name] as 'stopped' }),
          ...(scene.lost === name && { host: { lostAtMs: 0 } }),
        })),
      },
    ],
  });
  const ids = new Map(names.map((name) => [name, idOf(name)]));
  const createFields = calls.find(({ path, body }) => path.endsWith('/machines') && body)?.body ?? [
    'config',
    'lease_ttl',
  ];
  if (scene.held !== undefined) await holdLease(world, ...scene.held);
  return { world, scene, ids, created: [], nonces: new Map(), versions: new Map(), createFields, release: '' };
}

async function holdLease(world: Lab, name: string, ttl: number): Promise<void> {
  const url = `/v1/apps/encoder/machines/${idOf(name)}/lease`;
  const taken = await world.raw('POST', url, { ttl }, { authorization: 'Bearer somebody-else' });
  expect(taken.status).toBe(201);
}

/** The machine a path is about, by its placeholder. */
export const nameIn = (path: string) => /\{([mn]\d+)\}/.exec(path)?.[1] ?? '';

function machineIdOf(run: Run, name: string): string {
  const known = run.ids.get(name);
  if (known !== undefined) return known;
  const taken = new Set(run.ids.values());
  const id = run.created.find((one) => !taken.has(one)) ?? '';
  run.ids.set(name, id);
  return id;
}

export function urlOf(run: Run, path: string): string {
  return path
    .replace('{app}', 'encoder')
    .replace('{org}', 'personal')
    .replace('{release}', run.release)
    .replaceAll(/\{([mn]\d+)\}/g, (_, name: string) => machineIdOf(run, name));
}

export const truthOf = (run: Run, name: string) => run.world.sim.machines().find(({ id }) => id === run.ids.get(name));

/** The fixture has the fields of the first call of a kind only: flyctl's others differ by the machine's state. */
function usualFields(method: string, path: string, state: string | undefined): readonly string[] | undefined {
  if (path.includes('/metadata/')) return ['value'];
  if (method !== 'POST' || !/\/machines\/\{\w+\}$/.test(path)) return undefined;
  const fields = ['config', 'region', 'skip_secrets'];
  return ['started', 'starting', 'failed'].includes(state ?? '') ? fields : [...fields, 'skip_launch'];
}

export function bodyOf(run: Run, { method, path, query, body }: Recorded): object | undefined {
  if (path === '/graphql') return { query: QUERIES[query ?? ''], variables: { appName: 'encoder', imageRef: V2 } };
  if (path.startsWith('/api/')) return method === 'GET' ? undefined : VALUES;
  const machine = truthOf(run, nameIn(path))?.machine;
  const creates = method === 'POST' && path.endsWith('/machines');
  const fields = body ?? (creates ? run.createFields : usualFields(method, path, machine?.state));
  if (fields === undefined) return undefined;
  const known = machine ? { config: { ...machine.config, image: V2 }, name: machine.name } : createdBody(run.scene);
  return Object.fromEntries(fields.map((field) => [field, { ...VALUES, ...known }[field]]));
}

function createdBody({ created, leaseTtl }: Scene): Readonly<Record<string, unknown>> {
  const config = { ...CONFIG, image: V2, ...created };
  return { config, name: 'made', ...(leaseTtl && { lease_ttl: leaseTtl }) };
}

/** Errors that were injected when the trace was recorded are injected here as well, right before their call. */
export async function spoil(run: Run, trace: string, { method, path, status, times }: Recorded): Promise<void> {
  if (!trace.startsWith('fault-') || status < 400 || (path.includes('/lease') && status === 409)) return;
  const effects: Record<string, object> = {
    'fault-update-408-but-done': { late408: true },
    'fault-update-412-capacity': { noCapacity: 'machine' },
  };
  const effect = effects[trace] ?? { answer: { status, error: 'internal: not now' } };
  const fault = { on: opOf(method, path), times, effect };
  expect((await run.world.raw('POST', '/_simulator/faults', fault)).status).toBe(201);
}

function opOf(method: string, path: string): string {
  const [, , , app, kind, machine, verb] = path.split('?')[0]?.split('/') ?? [];
  if (verb === 'lease') return method === 'DELETE' ? 'release' : 'lease';
  if (verb !== undefined) return verb;
  if (machine !== undefined) return method === 'POST' ? 'update' : 'get';
  return kind === 'machines' ? 'list' : `${app && 'app'}`;
}

/** While flyctl waits it goes on refreshing its leases. */
export async function patiently(run: Run, wait: Promise<Reply>): Promise<Reply> {
  let waiting = true;
  const done = wait.finally(() => (waiting = false));
  for (;;) {
    await Promise.race([done, run.world.after(REFRESH_MS)]);
    if (!waiting) return done;
    for (const [name, nonce] of run.nonces) {
      const url = `/v1/apps/encoder/machines/${machineIdOf(run, name)}/lease?ttl=13`;
      await run.world.raw('POST', url, undefined, { 'fly-machine-lease-nonce': nonce });
    }
  }
}
