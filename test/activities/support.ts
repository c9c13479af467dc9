import type { PlanResult } from '../../activities/contract.js';
import { factsOf } from '../../activities/facts.js';
import { planRollout } from '../../activities/plan-rollout.js';
import { type Attempt, updateMachine } from '../../activities/update-machine.js';
import { observe } from '../../src/domain/fleet.js';
import { firstView } from '../../src/domain/look.js';
import type { UpdateOrder } from '../../src/domain/orders.js';
import type { UpdateOutcome } from '../../src/domain/outcomes.js';
import { viewOf, wholeStep } from '../../src/domain/steps.js';
import type { Transport } from '../../src/fly/transport.js';
import { createWorld, type World } from '../../src/proof/world.js';
import type { CallEntry } from '../../src/simulator/journal.js';
import type { ScenarioInput } from '../../src/simulator/scenario.js';
import type { MachineTruth } from '../../src/simulator/truth.js';

export const M1 = '3d8d413b29d089';
export const V1 = 'registry.fly.io/encoder:v1';
export const V2 = 'registry.fly.io/encoder:v2';
export const INPUT = { app: 'encoder', image: V2 };

export type Scene = Partial<ScenarioInput> & { readonly machine?: object };

/** One machine of the app `encoder`, idle on v1 unless told otherwise. */
export function oneMachine({ machine = {}, images = {}, ...more }: Scene = {}): World {
  return createWorld({
    timing: { replaceMs: 1_000, pullMs: 500, bootMs: 1_000, stopMs: 300, postponeMs: 100 },
    images: { [V1]: {}, [V2]: {}, ...images },
    apps: [{ name: 'encoder', machines: [{ ids: [M1], image: V1, running: false, ...machine }] }],
    ...more,
  });
}

export const plan = (world: World, input: object = INPUT, start = 'aaaaaaaa'): Promise<PlanResult> =>
  planRollout({ type: 'stoppedSweep', input, start }, world.deps);

/** The order that the rollout of this plan gives for the machine. */
export async function orderOf(world: World, more: Partial<UpdateOrder> = {}, input?: object): Promise<UpdateOrder> {
  const { plan: made } = await plan(world, input);
  const { forceAfterMs } = made;
  const listed = await world.deps.fly.listMachines('encoder');
  const facts = listed.map((machine) => factsOf(machine, made.context.change));
  const force = forceAfterMs === undefined ? {} : { forceBefore: world.clock.now() - forceAfterMs };
  const candidateOf = (doubt: readonly string[]) =>
    observe(facts, { ...made.context, ...force }, { ...firstView(world.clock.now(), viewOf(wholeStep('all'))), doubt })
      .candidates[0];
  return {
    context: made.context,
    // Who is at target has an order only where nobody knows the end of the last one.
    machine: candidateOf([]) ?? candidateOf([M1]) ?? { id: M1, region: 'ord', group: 'app' },
    n: 0,
    ...(forceAfterMs === undefined ? {} : { forceAfterMs }),
    ...more,
  };
}

/** An attempt that nobody cancels. */
export const attempt = (number = 1, cancelled = new AbortController().signal): Attempt => ({
  number,
  cancelled,
  confirm: () => Promise.resolve(() => true),
  say: () => undefined,
});

export const update = (world: World, order: UpdateOrder, over: Attempt = attempt()): Promise<UpdateOutcome> =>
  updateMachine(order, world.deps, over);

export function truth(world: World): MachineTruth {
  const [machine] = world.simulator.machines('encoder');
  if (machine === undefined) throw new Error('the machine is gone');
  return machine;
}

export function callsOf(world: World, op?: string): CallEntry[] {
  const entries = world.simulator.journal.entries();
  return entries.flatMap((entry) =>
    'op' in entry && entry.kind === 'call' && entry.machine !== undefined && (op ?? entry.op) === entry.op
      ? [entry]
      : [],
  );
}

/** Updates that took effect, whatever their caller was told. */
export const written = (world: World): CallEntry[] =>
  callsOf(world, 'update').filter((entry) => (entry.actual ?? entry.status) === 200);

/** A control call, for example `machines/<id>/autostart`. */
export const control = (world: World, path: string, body: object = {}): Promise<unknown> =>
  world.simulator.handle({ method: 'POST', url: `/_simulator/${path}`, headers: {}, body: JSON.stringify(body) });

/** Which API call a request is: its method and what follows the machine's id. */
export const isWrite = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'POST' && url.endsWith(`/machines/${M1}`);

/** Does something before each write is passed on. */
export const beforeWrite =
  (world: World, act: () => Promise<unknown>): Transport =>
  async (request) => {
    if (isWrite(request)) await act();
    return world.transport(request);
  };
