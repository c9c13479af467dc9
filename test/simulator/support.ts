import { virtualClock } from '../../src/clock.js';
import { LeaseEnvelope, Machine } from '../../src/fly/wire.js';
import type { CallEntry, HappeningEntry, HappeningKind, JournalEntry } from '../../src/simulator/journal.js';
import { serve } from '../../src/simulator/http-server.js';
import { parseScenario, type ScenarioInput } from '../../src/simulator/scenario.js';
import { createSimulator, type SimAnswer, type Simulator } from '../../src/simulator/simulator.js';

export const START = Date.UTC(2026, 7, 1, 10);
export const M1 = '3d8d413b29d089';
export const V1 = 'registry.fly.io/encoder:v1';
export const V2 = 'registry.fly.io/encoder:v2';

/** Durations without chance, so that a test can say when. */
export const FIXED = {
  replaceMs: 1000,
  pullMs: 500,
  bootMs: 2000,
  stopMs: 300,
  destroyMs: 1000,
  restartMs: 500,
  checksFirstMs: 400,
  checksPassMs: 2000,
  postponeMs: 100,
  destroyedReadableMs: 60_000,
};

/** A scenario of one machine of the app `encoder`, with what the test adds. */
export function oneMachine(machine: object = {}, extra: Partial<ScenarioInput> = {}): ScenarioInput {
  return {
    timing: FIXED,
    images: { [V1]: {}, [V2]: {} },
    apps: [{ name: 'encoder', machines: [{ ids: [M1], image: V1, ...machine }] }],
    ...extra,
  };
}

/** An answer; `json` is undefined where the body is none. */
export interface Reply {
  readonly status: number | 'cut';
  readonly headers: Record<string, string>;
  readonly json: unknown;
  readonly text: string;
}

export interface Lab {
  readonly sim: Simulator;
  readonly clock: ReturnType<typeof virtualClock>;
  /** A call of the Machines API under /v1/apps/encoder. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** A call by its whole path. */
  raw(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  lease(body?: object, nonce?: string): Promise<string>;
  update(config: object, more?: object, nonce?: string): Promise<Reply>;
  get(): Promise<Machine>;
  after(ms: number): Promise<void>;
  /** Happenings of a kind. */
  happened(kind: HappeningKind): HappeningEntry[];
  /** The calls of an op. */
  calls(op: string): CallEntry[];
}

export function lab(input: ScenarioInput): Lab {
  const clock = virtualClock(START);
  const sim = createSimulator({ scenario: parseScenario(input), clock });
  return labOver(sim, clock, async (method, url, body, headers = {}) => {
    const answer = await sim.handle({
      method,
      url,
      headers: { authorization: 'Bearer test', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return answer === 'cut' ? { status: 'cut', headers: {}, json: undefined, text: '' } : replyOf(answer);
  });
}

/** The same over a real socket; the time stays virtual. */
export async function servedLab(input: ScenarioInput): Promise<Lab & { close(): Promise<void> }> {
  const clock = virtualClock(START);
  const sim = createSimulator({ scenario: parseScenario(input), clock });
  const { port, close } = await serve(sim, { port: 0 });
  const served = labOver(sim, clock, async (method, url, body, headers = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${url}`, {
      method,
      headers: { authorization: 'Bearer test', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return replyOf({ status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() });
  });
  return { ...served, close };
}

function labOver(sim: Simulator, clock: Lab['clock'], raw: Lab['raw']): Lab {
  const call: Lab['call'] = (method, path, body, headers) => raw(method, `/v1/apps/encoder${path}`, body, headers);
  const nonced = (nonce?: string): Record<string, string> => (nonce ? { 'Fly-Machine-Lease-Nonce': nonce } : {});
  return {
    sim,
    clock,
    raw,
    call,
    async lease(body = { ttl: 30 }, nonce) {
      const reply = await call('POST', `/machines/${M1}/lease`, body, nonced(nonce));
      return LeaseEnvelope.parse(reply.json).data.nonce;
    },
    update: (config, more = {}, nonce) => call('POST', `/machines/${M1}`, { config, ...more }, nonced(nonce)),
    after: (ms) => clock.sleep(ms),
    get: async () => Machine.parse((await call('GET', `/machines/${M1}`)).json),
    happened: (kind) =>
      sim.journal.entries().flatMap((entry) => (isHappening(entry) && entry.kind === kind ? [entry] : [])),
    calls: (op) => sim.journal.entries().flatMap((entry) => (!isHappening(entry) && entry.op === op ? [entry] : [])),
  };
}

export function isHappening(entry: JournalEntry): entry is HappeningEntry {
  return !('op' in entry);
}

function replyOf(answer: SimAnswer): Reply {
  return { status: answer.status, headers: answer.headers, json: parse(answer.body), text: answer.body };
}

// Broken JSON is what a fault may answer.
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
