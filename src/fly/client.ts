import type { z } from 'zod';
import type { Clock } from '../clock.js';
import { classifyAnswer, FlyError, lostAnswer } from './errors.js';
import type { Limiter } from './limiter.js';
import type { Transport } from './transport.js';
import {
  App,
  type LaunchBody,
  type Lease,
  LeaseEnvelope,
  Machine,
  MachineList,
  MachineVersions,
  SecretList,
  WaitAnswer,
} from './wire.js';

/** The name of the guard on writes (fly-go @22d6e51 flaps/flaps_machines.go NonceHeader). */
const NONCE = 'fly-machine-lease-nonce';

/** Fly's proxy cuts a request at about 60 s, so a wait needs more patience than that, and nothing else does. */
const CALL_TIMEOUT_MS = 30_000;
const WAIT_SLACK_MS = 15_000;

export interface FlyClientOptions {
  /** Scheme, host and port; Fly's tools drop a path part silently, so one is refused where it is read. */
  readonly baseUrl: string;
  readonly token: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limiter: Limiter;
}

export interface WaitFor {
  readonly state: 'settled' | 'started' | 'stopped';
  readonly version: string;
  /** Whole seconds, 1 to 60: outside it Fly answers 400. */
  readonly timeoutS: number;
}

interface Call<T> {
  readonly op: string;
  readonly method: string;
  /** After `/v1/apps/`. */
  readonly path: string;
  readonly app: string;
  readonly machine?: string;
  readonly body?: unknown;
  readonly nonce?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly schema?: z.ZodType<T>;
}

/** Typed calls on the Machines API. Each throws `FlyError`; none is tried again here: only Temporal retries. */
export type FlyClient = ReturnType<typeof createFlyClient>;

/**
 * The header for a token as `fly tokens create` or a dashboard gives it: with or without its scheme, macaroons as
 * `FlyV1 m1,m2`, anything else as `Bearer` (fly-go @22d6e51 tokens/tokens.go).
 */
export function authorization(token: string): string {
  const bare = token.trim().replace(/^(FlyV1|Bearer)\s+/i, '');
  const parts = bare.split(',').map((part) => part.trim());
  const macaroons = parts.filter((part) => /^(fm1r|fm1a|fm2)/.test(part));
  return macaroons.length > 0 ? `FlyV1 ${macaroons.join(',')}` : `Bearer ${parts[0] ?? ''}`;
}

/** `fly_flaps_affinity` pins us to one API host of an app, so that we read our own writes (fly-go flaps/flaps.go). */
function createCookies() {
  const byApp = new Map<string, string>();
  return {
    headers: (app: string): Record<string, string> => {
      const cookie = byApp.get(app);
      return cookie === undefined ? {} : { cookie };
    },
    keep: (app: string, setCookie: string | undefined) => {
      const found = /(?:^|[,\s])(fly_flaps_affinity=[^;,\s]*)/.exec(setCookie ?? '')?.[1];
      if (found !== undefined) byApp.set(app, found);
    },
  };
}

function parseBody<T>(call: Call<T>, subject: string, body: string): T {
  if (call.schema === undefined) return undefined as T;
  try {
    return call.schema.parse(JSON.parse(body));
  } catch (cause) {
    throw lostAnswer(call.op, subject, 'malformed', cause);
  }
}

/** Clocks that differ by less are taken for the same: the header has whole seconds. */
const SAME_CLOCK_MS = 3_000;

/** One answer whose clock is off must not make machines older than they are: so long others are remembered. */
const REMEMBERED_MS = 300_000;
/** Answers of so long count as one. */
const TOGETHER_MS = 10_000;

/**
 * How far Fly's clock is ahead of ours, by the `Date` of its answers (RFC 9110 section 6.6.1): what machines show is in
 * Fly's time, and a worker whose clock is an hour off would judge all of it wrongly. Of the last five minutes' answers
 * the least counts: whoever takes a machine to be younger than it is stops nobody too soon.
 */
function createFlyTime(clock: Clock) {
  let told: readonly { readonly at: number; readonly aheadMs: number }[] = [];
  return {
    now: () => clock.now() + (told.length === 0 ? 0 : Math.min(...told.map(({ aheadMs }) => aheadMs))),
    keep: (date: string | undefined) => {
      const now = clock.now();
      const difference = Date.parse(date ?? '') - now;
      if (Number.isNaN(difference)) return;
      const aheadMs = Math.abs(difference) < SAME_CLOCK_MS ? 0 : difference;
      const recent = told.filter(({ at }) => Math.abs(now - at) < REMEMBERED_MS);
      const last = recent.at(-1);
      told =
        last !== undefined && Math.abs(now - last.at) < TOGETHER_MS
          ? [...recent.slice(0, -1), { at: last.at, aheadMs: Math.min(last.aheadMs, aheadMs) }]
          : [...recent, { at: now, aheadMs }];
    },
  };
}

function createCaller(options: FlyClientOptions, time: ReturnType<typeof createFlyTime>) {
  const cookies = createCookies();
  const auth = authorization(options.token);
  return async <T>(call: Call<T>): Promise<T> => {
    const subject = call.machine === undefined ? call.app : `${call.app}/${call.machine}`;
    await options.limiter.take(call.op, subject, call.signal);
    const exchange = options.transport({
      method: call.method,
      url: `${options.baseUrl}/v1/apps/${call.path}`,
      headers: {
        authorization: auth,
        accept: 'application/json',
        'user-agent': 'layover/0.1',
        ...cookies.headers(call.app),
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(call.nonce === undefined ? {} : { [NONCE]: call.nonce }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      timeoutMs: call.timeoutMs ?? CALL_TIMEOUT_MS,
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const answer = await exchange.catch((cause: unknown) => {
      if (call.signal?.aborted) throw cause;
      throw lostAnswer(call.op, subject, 'connection', cause);
    });
    cookies.keep(call.app, answer.headers['set-cookie']);
    time.keep(answer.headers['date']);
    if (answer.status >= 200 && answer.status < 300) return parseBody(call, subject, answer.body);
    throw classifyAnswer({
      op: call.op,
      subject,
      status: answer.status,
      text: answer.body,
      requestId: answer.headers['fly-request-id'],
      retryAfter: answer.headers['retry-after'],
      now: time.now(),
    });
  };
}

type Caller = ReturnType<typeof createCaller>;

const at = (app: string, machine: string, rest = '') => ({
  app,
  machine,
  path: `${encodeURIComponent(app)}/machines/${encodeURIComponent(machine)}${rest}`,
});

/** Calls that change nothing. */
function createReads(call: Caller) {
  return {
    getApp: (app: string, signal?: AbortSignal) =>
      call<App>({ op: 'app', method: 'GET', path: encodeURIComponent(app), app, signal, schema: App }),

    /** Every machine of the app; served from a replica that may lag. */
    listMachines: (app: string, signal?: AbortSignal) =>
      call<Machine[]>({
        op: 'list',
        method: 'GET',
        path: `${encodeURIComponent(app)}/machines`,
        app,
        signal,
        schema: MachineList,
      }),

    /** Names and times of its secrets, never a value. */
    listSecrets: (app: string, signal?: AbortSignal) =>
      call({
        op: 'secrets',
        method: 'GET',
        path: `${encodeURIComponent(app)}/secrets`,
        app,
        signal,
        schema: SecretList,
      }),

    getMachine: (app: string, id: string, signal?: AbortSignal) =>
      call<Machine>({ op: 'get', method: 'GET', ...at(app, id), signal, schema: Machine }),

    /** Its versions with their configs, newest first; which of them Fly keeps is not documented. */
    machineVersions: (app: string, id: string, signal?: AbortSignal) =>
      call({ op: 'versions', method: 'GET', ...at(app, id, '/versions'), signal, schema: MachineVersions }),

    /** Waits on Fly's side; not reached in time is a `timeout`, a version replaced meanwhile is another error. */
    waitForMachine: (app: string, id: string, wait: WaitFor, signal?: AbortSignal) =>
      call({
        op: 'wait',
        method: 'GET',
        ...at(
          app,
          id,
          `/wait?state=${wait.state}&version=${encodeURIComponent(wait.version)}&timeout=${wait.timeoutS}`,
        ),
        timeoutMs: wait.timeoutS * 1_000 + WAIT_SLACK_MS,
        signal,
        schema: WaitAnswer,
      }),
  };
}

function createLeases(call: Caller) {
  const lease = async (c: Omit<Call<z.infer<typeof LeaseEnvelope>>, 'schema'>): Promise<Lease> =>
    (await call({ ...c, schema: LeaseEnvelope })).data;
  return {
    /** The lease as anybody may see it, nonce included; undefined when nobody holds one. */
    findLease: async (app: string, id: string): Promise<Lease | undefined> => {
      try {
        return await lease({ op: 'find-lease', method: 'GET', ...at(app, id, '/lease') });
      } catch (error) {
        if (error instanceof FlyError && error.code === 'lease_lost') return undefined;
        throw error;
      }
    },

    acquireLease: (app: string, id: string, body: { ttl: number; description: string }) =>
      lease({ op: 'lease', method: 'POST', ...at(app, id, '/lease'), body }),

    refreshLease: (app: string, id: string, body: { ttl: number; description: string }, nonce: string) =>
      lease({ op: 'refresh', method: 'POST', ...at(app, id, '/lease'), body, nonce }),

    releaseLease: (app: string, id: string, nonce: string) =>
      call<undefined>({ op: 'release', method: 'DELETE', ...at(app, id, '/lease'), nonce }),
  };
}

/** Calls that change a machine; only `updateMachine`'s procedure makes them. */
function createWrites(call: Caller) {
  /** Answers that say nothing we need; each is refused under another's lease. */
  const plain =
    (op: string, body?: object) =>
    (app: string, id: string, nonce: string): Promise<undefined> =>
      call<undefined>({ op, method: 'POST', ...at(app, id, `/${op}`), nonce, ...(body === undefined ? {} : { body }) });
  return {
    /** Replaces the whole config; answers at once with the new version, long before it runs. */
    updateMachine: (app: string, id: string, body: LaunchBody, nonce: string) =>
      call<Machine>({ op: 'update', method: 'POST', ...at(app, id), body, nonce, schema: Machine }),

    startMachine: plain('start'),

    /** Asks it to stop by its own `stop_config`, whose signal and timeout Fly takes where the body names none. */
    stopMachine: plain('stop', {}),

    /** Out of the proxy's routing; its state stays. Cordoned twice is cordoned once. */
    cordonMachine: plain('cordon'),

    uncordonMachine: plain('uncordon'),

    /**
     * Merges into its metadata; null takes a key away. No new version comes of it, and no lease guards it: `version`
     * does, a later one is answered with 412 (machines OpenAPI text).
     */
    patchMetadata: (app: string, id: string, metadata: Readonly<Record<string, string | null>>, version: string) =>
      call<undefined>({
        op: 'metadata',
        method: 'PATCH',
        ...at(app, id, '/metadata'),
        body: { metadata, machine_version: version },
      }),
  };
}

export function createFlyClient(options: FlyClientOptions) {
  const time = createFlyTime(options.clock);
  const call = createCaller(options, time);
  return {
    /** Fly's time as well as we know it, ms since the epoch. */
    now: time.now,
    ...createReads(call),
    ...createLeases(call),
    ...createWrites(call),
  };
}
