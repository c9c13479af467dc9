import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.js';
import type { Given } from './canary-kill-judge.js';
import { roomOf } from './sweep.js';

/** Who answers the rollouts of the kill proof, and notes when a question comes again. */

const POLL_MS = 400;

export interface Person {
  readonly bench: Bench;
  readonly given: Given[];
  readonly askedAgain: string[];
  /** Apps on their way back. */
  readonly goingBack: Set<string>;
}

interface Shown {
  readonly phase?: string;
  readonly rollout?: string;
  readonly step?: { readonly name: string };
}

async function shown({ bench }: Person, app: string): Promise<Shown> {
  const room = bench.client.workflow.getHandle(roomOf(app));
  const ask = () => room.query<Shown>('status');
  return bench.client.withDeadline(Date.now() + 2_000, ask).catch(() => ({}));
}

/** Sends one signal to the rollout of an app; whether the server took it. */
async function tell({ bench }: Person, app: string, verb: string, payload: object): Promise<boolean> {
  const room = bench.client.workflow.getHandle(roomOf(app));
  const send = () => room.signal(verb, payload);
  return bench.client.withDeadline(Date.now() + 2_000, send).then(
    () => true,
    () => false,
  );
}

/** Sends a rollout back, once, when it waits for its yes. */
export async function turnBack(person: Person, app: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(POLL_MS, undefined, { signal });
    const { phase } = await shown(person, app);
    if (phase !== 'waiting') continue;
    if (!(await tell(person, app, 'rollback', { by: 'the proof' }))) continue;
    person.goingBack.add(app);
    return;
  }
}

/** Gives each rollout its yes once, when it waits for it, and notes when it waits for it again after it has gone on. */
export async function approve(person: Person, app: string, signal: AbortSignal): Promise<void> {
  const { given, askedAgain } = person;
  const passed = new Set<string>();
  for (;;) {
    await delay(POLL_MS, undefined, { signal });
    const { phase, rollout = '', step } = await shown(person, app);
    const isGiven = given.some((one) => one.rollout === rollout);
    if (phase !== 'waiting') {
      if (isGiven && phase === 'running') passed.add(rollout);
      continue;
    }
    if (passed.has(rollout)) askedAgain.push(`${rollout} ${step?.name ?? ''}`);
    if (isGiven) continue;
    const at = Date.now();
    if (await tell(person, app, 'proceed', { at: step?.name, by: 'the proof' })) given.push({ rollout, at });
  }
}
