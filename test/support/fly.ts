import type { CallEntry, HappeningEntry, JournalEntry } from '../../src/simulator/journal.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import type { MachineTruth } from '../../src/simulator/truth.js';

type Fault = NonNullable<ScenarioInput['faults']>[number];
type Block = NonNullable<NonNullable<ScenarioInput['apps']>[number]['machines']>[number];

export const V1 = 'registry.fly.io/encoder:v1';
export const V2 = 'registry.fly.io/encoder:v2';

/** Calls that change a machine or its lease: what "paused writes nothing" is about. */
const CHANGING = ['lease', 'refresh', 'release', 'update', 'start', 'stop', 'cordon', 'uncordon', 'destroy', 'create'];

/** The simulated Fly, seen from behind: what it did, how it is, and how to break it. */
export interface Fly {
  readonly url: string;
  /** Makes machines of an app (and the app): `count` idle ones on v1 unless the block says otherwise. */
  make(app: string, ...blocks: readonly Partial<Block>[]): Promise<string[]>;
  image(ref: string, spec?: object): Promise<void>;
  /** From now on; `app` bounds it to one test. */
  fault(fault: Fault): Promise<void>;
  /** From now on for so long. */
  faultFor(ms: number, fault: Fault): Promise<void>;
  machines(app: string): Promise<MachineTruth[]>;
  /** A call of the control interface on one machine: `autostart`, `destroy`, `deploy`, `lose-host`, … */
  act(id: string, verb: string, body?: object): Promise<void>;
  calls(app: string): Promise<CallEntry[]>;
  happened(app: string): Promise<HappeningEntry[]>;
  /** Successful updates through the API, a lost answer included, by machine: their marks. */
  written(app: string): Promise<Record<string, string[]>>;
  /** Changing calls that took effect from entry `since` on. */
  changing(app: string, since?: number): Promise<CallEntry[]>;
  /** The number the next journal entry will have. */
  next(): Promise<number>;
  /** A call of the Machines API by somebody else. */
  api(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<unknown>;
}

const isCall = (entry: JournalEntry): entry is CallEntry => 'op' in entry;
const tookEffect = (entry: CallEntry): boolean => (entry.actual ?? entry.status) === 200;

/** Called right after the simulator began: its faults count from there. */
export function flyAt(url: string): Fly {
  const openedAt = Date.now();
  const ask = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: 'Bearer somebody', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const log = async (since = 0) => (await ask('GET', `/_simulator/log?since=${since}`)) as JournalEntry[];
  const calls = async (app: string, since = 0) =>
    (await log(since)).filter(isCall).filter((entry) => entry.kind === 'call' && entry.app === app);

  return {
    url,
    make: async (app, ...blocks) => {
      const made: string[] = [];
      for (const block of blocks) {
        const body = { app, image: V1, running: false, ...block };
        made.push(...((await ask('POST', '/_simulator/create-machines', body)) as { machines: string[] }).machines);
      }
      return made;
    },
    image: async (ref, spec = {}) => void (await ask('POST', '/_simulator/images', { ref, ...spec })),
    fault: async (fault) => void (await ask('POST', '/_simulator/faults', fault)),
    faultFor: async (ms, fault) =>
      void (await ask('POST', '/_simulator/faults', { ...fault, untilMs: Date.now() - openedAt + ms })),
    machines: async (app) => (await ask('GET', `/_simulator/machines?app=${app}`)) as MachineTruth[],
    act: async (id, verb, body = {}) => void (await ask('POST', `/_simulator/machines/${id}/${verb}`, body)),
    calls,
    happened: async (app) => (await log()).filter((entry) => !isCall(entry)).filter((entry) => entry.app === app),
    written: async (app) => {
      const byMachine: Record<string, string[]> = {};
      for (const call of await calls(app)) {
        if (call.op !== 'update' || !tookEffect(call)) continue;
        (byMachine[call.machine ?? ''] ??= []).push(call.marks?.['layover_rollout'] ?? '');
      }
      return byMachine;
    },
    changing: async (app, since = 0) =>
      (await calls(app, since)).filter((entry) => CHANGING.includes(entry.op) && tookEffect(entry)),
    next: async () => (await log()).length,
    api: (method, path, body, headers) => ask(method, path, body, headers),
  };
}
