import { expect } from 'vitest';
import type { Judges } from '../../activities/judge-gate.js';
import { drive, type DriveOptions, type Driven, type Mishap } from '../../src/proof/drive.js';
import { byHand } from '../../src/proof/by-hand.js';
import { CHECKED } from '../../src/proof/serving.js';
import { createWorld, type World } from '../../src/proof/world.js';

/** Fleets that serve, and canaries and rollbacks over them on virtual time. */

export const APP = 'shop';
export const OLD = `registry.fly.io/${APP}:v1`;
export const NEW = `registry.fly.io/${APP}:v2`;
export const MINUTE = 60_000;
export const REGIONS = ['ams', 'dfw', 'fra', 'gru', 'hkg', 'iad', 'nrt', 'syd'];
export { CHECKED };

export interface Shape {
  readonly image?: object;
  readonly each?: number;
  readonly idle?: number;
  readonly regions?: readonly string[];
  readonly config?: object;
  readonly more?: object;
}

export function worldOf({
  image = {},
  each = 5,
  idle = 0,
  regions = ['ams', 'dfw', 'ord'],
  config = CHECKED,
  more = {},
}: Shape = {}) {
  const blocks = regions.flatMap((region) => [
    { count: each, region, image: OLD, state: 'started', running: true, config },
    ...(idle === 0 ? [] : [{ count: idle, region, image: OLD, state: 'stopped', config }]),
  ]);
  return createWorld({
    seed: 11,
    images: { [OLD]: {}, [NEW]: image },
    apps: [{ name: APP, machines: blocks }],
    ...more,
  });
}

export interface Ran extends Driven {
  /** `step`, `step paused <code>`, and `back`, in turn. */
  readonly phases: readonly string[];
}

export async function canary(world: World, input: object = {}, options: Partial<DriveOptions> = {}): Promise<Ran> {
  const phases: string[] = [];
  const watch: DriveOptions['watch'] = (loop, decision) => {
    const { plan, step, pause } = loop.state();
    const name = plan.context.back === undefined ? (plan.steps[step.index]?.name ?? '') : 'back';
    const phase = pause === undefined ? name : `${name} paused ${pause.code}`;
    if (phases.at(-1) !== phase) phases.push(phase);
    options.watch?.(loop, decision);
  };
  const whole = { app: APP, image: NEW, batches: [2], bake: '5m', ...input };
  const driven = await drive(world, { type: 'regionalCanary', start: 'first', ...options, input: whole, watch });
  return { ...driven, phases };
}

export interface Write {
  readonly t: number;
  readonly machine: string;
}

/** Accepted updates, in their order. */
export const writes = (world: World): Write[] =>
  world.simulator.journal
    .entries()
    .flatMap((entry) =>
      entry.kind === 'call' && entry.op === 'update' && entry.status === 200
        ? [{ t: entry.t, machine: entry.machine ?? '' }]
        : [],
    );

export const regionOf = (world: World): Map<string, string> =>
  new Map(world.simulator.machines(APP).map(({ id, region }) => [id, region]));

export const on = (world: World, image: string) =>
  world.simulator.machines(APP).filter((one) => one.image.startsWith(image));

/** A call to Fly of somebody who is not Layover, below the app's machines. */
export async function post(world: World, path: string, body: object): Promise<void> {
  const answer = await byHand(world, `${APP}/machines${path}`, body);
  expect(answer).toMatchObject({ status: 200 });
}

/** What a judge was asked. */
export interface Asked {
  readonly step: string;
  readonly machines: readonly string[];
}

/** The same world with a judge at an address, named `checkout`, that passes everything, and what it was asked. */
export function judged(base: World): { readonly world: World; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const transport: Judges['transport'] = ({ body }) => {
    asked.push(JSON.parse(body ?? '{}') as Asked);
    return Promise.resolve({ status: 200, headers: {}, body: '' });
  };
  const judges = { transport, http: { checkout: { url: 'http://judge.test' } } };
  return { world: { ...base, deps: { ...base.deps, judges } }, asked };
}

/** The first worker to update a machine dies after a call of its; the next ones live. */
export function diesOnce(call: number, isTime: () => boolean = () => true): () => Mishap {
  let isDead = false;
  return () => {
    if (isDead || !isTime()) return { kind: 'none' };
    isDead = true;
    return { kind: 'dies', call, after: true };
  };
}

/** Changes the env of one machine, as flyctl does: its unknown metadata stays. */
export async function deployByHand(world: World): Promise<void> {
  const [one] = world.simulator.machines(APP);
  if (one === undefined) throw new Error('no machine');
  const { config, region, name } = one.machine;
  await post(world, `/${one.id}`, { config: { ...config, env: { BY: 'hand' } }, region, name });
  await world.clock.sleep(MINUTE);
}

/** Nothing of ours is left behind, and what worked works. */
export function expectClean(world: World): void {
  for (const machine of world.simulator.machines(APP)) {
    expect(machine.cordoned).toBe(false);
    expect(machine.lease).toBeUndefined();
    expect(machine.metadata['layover_hold']).toBeUndefined();
  }
}

export const back = (world: World, input: object = {}, options: Partial<DriveOptions> = {}): Promise<Driven> =>
  drive(world, { type: 'rollback', start: 'z', ...options, input: { app: APP, ...input } });
