import { observeFleet } from '../../activities/observe-fleet.js';
import { judgeGate } from '../../activities/judge-gate.js';
import { planRollout } from '../../activities/plan-rollout.js';
import { type Attempt, updateMachine } from '../../activities/update-machine.js';
import type { Decision } from '../domain/decide.js';
import { createLoop, type Hands, type Loop } from '../domain/loop.js';
import type { GateOrder } from '../domain/judging.js';
import type { LookOrder } from '../domain/look.js';
import type { UpdateOrder } from '../domain/orders.js';
import type { GateOutcome, LookOutcome, UpdateOutcome } from '../domain/outcomes.js';
import { begin, carry, type RolloutState } from '../domain/state.js';
import { statusOf } from '../domain/status.js';
import { applyVerb, type Verb } from '../domain/verbs.js';
import { FlyError } from '../fly/errors.js';
import type { Transport } from '../fly/transport.js';
import type { World } from './world.js';

/** How one attempt of an update goes wrong, besides what Fly does. */
export type Mishap =
  | { readonly kind: 'none' }
  /** The worker dies at the attempt's n-th call: before it is sent, or after it took effect. */
  | { readonly kind: 'dies'; readonly call: number; readonly after: boolean }
  /** The worker hangs before the n-th call (0: as it gets the task), is given up, and goes on later as a ghost. */
  | { readonly kind: 'stalls'; readonly call: number; readonly ms: number };

/** A verb at a time after the start. */
export interface Said {
  readonly atMs: number;
  readonly verb: Verb;
  readonly input?: object;
}

export interface DriveOptions {
  /** Left out: a stoppedSweep. */
  readonly type?: string;
  readonly input: object;
  /** This start's name; another start of the same input needs another. */
  readonly start: string;
  readonly said?: readonly Said[];
  /** Drawn for every attempt. */
  readonly mishap?: () => Mishap;
  /** The driver stops caring at this time, as `temporal workflow terminate` does. */
  readonly terminateAtMs?: number;
  /** Continues as new (with nothing in flight) whenever this many updates have ended. */
  readonly continueEvery?: number;
  /** Every state, before its decision. */
  readonly watch?: (loop: Loop, decision: Decision) => void;
  /** A look has come back; its list is of this very moment. */
  readonly onLooked?: () => void;
  readonly onLaunch?: (order: UpdateOrder, state: RolloutState) => void;
}

export interface Driven {
  readonly end: Extract<Decision, { kind: 'finish' }> | { readonly kind: 'terminated' };
  readonly state: RolloutState;
}

/** As long as Temporal needs to notice a dead worker. */
const HEARTBEAT_TIMEOUT_MS = 15_000;
const NEVER = new Promise<never>(() => undefined);

/** A transport that obeys the mishap; what is `over` never sends again. */
interface Frail {
  readonly transport: Transport;
  readonly lost: Promise<'lost'>;
  /** As a server answers that has given it up by then. */
  readonly confirm: Attempt['confirm'];
}

function mishapTransport(world: World, mishap: Mishap): Frail {
  let calls = 0;
  let dead = false;
  let frozen = false;
  let tell: (lost: 'lost') => void = () => undefined;
  const lost = new Promise<'lost'>((resolve) => (tell = resolve));
  const stall = async (ms: number) => {
    tell('lost');
    frozen = true;
    await world.clock.sleep(ms);
  };
  const transport: Transport = async (request) => {
    calls += 1;
    if (dead) return NEVER;
    if (mishap.kind === 'dies' && calls === mishap.call) {
      dead = true;
      tell('lost');
      if (mishap.after) await world.transport(request);
      return NEVER;
    }
    if (mishap.kind === 'stalls' && calls === mishap.call) {
      await stall(mishap.ms);
    }
    return world.transport(request);
  };
  const confirm = async () => {
    if (mishap.kind === 'stalls' && mishap.call === 0) await stall(mishap.ms);
    return () => !frozen;
  };
  return { transport, lost, confirm };
}

/** Runs an update as Temporal would: attempts until there is an outcome, a dead worker's noticed late. */
async function attempts(
  world: World,
  order: UpdateOrder,
  cancelled: AbortSignal,
  mishap: () => Mishap,
): Promise<UpdateOutcome | 'lost'> {
  for (let number = 1; ; number += 1) {
    const { transport, lost, confirm } = mishapTransport(world, mishap());
    const attempt = { number, cancelled, confirm, say: () => undefined };
    const work = updateMachine(order, world.depsOver(transport), attempt).catch((error: unknown) => {
      if (error instanceof FlyError) return error;
      throw error;
    });
    const outcome = await Promise.race([work, lost]);
    if (outcome !== 'lost' && !(outcome instanceof FlyError)) return outcome;
    await world.clock.sleep(outcome === 'lost' ? HEARTBEAT_TIMEOUT_MS : (outcome.failure.retryAfterMs ?? 10_000));
    if (cancelled.aborted) return 'lost';
  }
}

async function looks(world: World, order: LookOrder, dropped: AbortSignal): Promise<LookOutcome | undefined> {
  for (;;) {
    try {
      const look = await observeFleet(order, world.deps, dropped);
      if (dropped.aborted) return undefined;
      if (look.kind !== 'again') return look;
      await world.clock.sleep(look.inMs, dropped);
    } catch (error) {
      if (dropped.aborted) return undefined;
      if (!(error instanceof FlyError)) throw error;
      await world.clock.sleep(error.failure.retryAfterMs ?? 10_000);
    }
  }
}

async function judges(world: World, order: GateOrder, dropped: AbortSignal): Promise<GateOutcome | undefined> {
  for (;;) {
    const judged = await judgeGate(order, world.deps);
    if (dropped.aborted) return undefined;
    if (!('kind' in judged)) return judged;
    await world.clock.sleep(judged.inMs, dropped).catch(() => undefined);
    if (dropped.aborted) return undefined;
  }
}

function createHands(world: World, options: DriveOptions, stateOf: () => RolloutState, pulse: Pulse) {
  let flights = new AbortController();
  let look = new AbortController();
  let rests = new AbortController();
  let gates = new AbortController();
  const hands: Hands = {
    now: () => world.clock.now(),
    update: (order) => {
      if (flights.signal.aborted) flights = new AbortController();
      options.onLaunch?.(order, stateOf());
      return attempts(world, order, flights.signal, options.mishap ?? (() => ({ kind: 'none' }))).finally(pulse.beat);
    },
    look: (order) => {
      look = new AbortController();
      const looked = looks(world, order, look.signal).then((outcome) => {
        if (outcome !== undefined) options.onLooked?.();
        return outcome;
      });
      return looked.finally(pulse.beat);
    },
    judge: (order) => {
      if (gates.signal.aborted) gates = new AbortController();
      return judges(world, order, gates.signal).finally(pulse.beat);
    },
    rest: (_id, ms) => {
      if (rests.signal.aborted) rests = new AbortController();
      return world.clock
        .sleep(ms, rests.signal)
        .catch(() => undefined)
        .finally(pulse.beat);
    },
    callBack: () => flights.abort(),
    dropLook: () => look.abort(),
    dropJudges: () => gates.abort(),
    dropRests: () => rests.abort(),
  };
  return { hands, abandon: () => [flights, look, rests, gates].forEach((controller) => controller.abort()) };
}

/** Applies each verb at its time, as a signal would: a refusal changes nothing. */
async function speak(world: World, loop: () => Loop, said: readonly Said[], beat: () => void): Promise<void> {
  const begunAt = world.clock.now();
  for (const { atMs, verb, input } of said.toSorted((a, b) => a.atMs - b.atMs)) {
    await world.clock.sleep(Math.max(0, begunAt + atMs - world.clock.now()));
    const answer = applyVerb(loop().state(), verb, input, world.clock.now());
    if (answer.ok) loop().put(answer.state);
    beat();
  }
}

/** One rollout from plan to end, by the loop, the decisions and the activities that a worker runs; without Temporal. */
export async function drive(world: World, options: DriveOptions): Promise<Driven> {
  const { plan } = await planRollout(
    { type: options.type ?? 'stoppedSweep', input: options.input, start: options.start },
    world.deps,
  );
  const begunAt = world.clock.now();
  const pulse = createPulse();
  const { hands, abandon } = createHands(world, options, () => loop.state(), pulse);
  let loop = createLoop(hands, begin(plan, begunAt));
  void speak(world, () => loop, options.said ?? [], pulse.beat);
  let ended = 0;
  let flying = 0;
  for (;;) {
    const seen = loop.changes();
    const draining = options.continueEvery !== undefined && ended >= options.continueEvery;
    const decision = loop.step(draining);
    options.watch?.(loop, decision);
    if (decision.kind === 'finish') return { end: decision, state: loop.state() };
    if (options.terminateAtMs !== undefined && world.clock.now() - begunAt >= options.terminateAtMs) {
      abandon();
      return { end: { kind: 'terminated' }, state: loop.state() };
    }
    const nowFlying = Object.keys(loop.state().inFlight).length;
    ended += Math.max(0, flying - nowFlying);
    flying = nowFlying;
    if (draining && loop.isQuiet()) {
      loop = createLoop(hands, JSON.parse(JSON.stringify(carry(loop.state()))) as RolloutState);
      ended = 0;
      continue;
    }
    while (loop.changes() === seen) await pulse.next();
  }
}

/** Microtasks that the loop needs to take in what came back: more than enough, and no virtual time passes in them. */
const SETTLE_TURNS = 30;

/** Wakes whoever waits for a change, after the loop has taken in what just came back. */
function createPulse() {
  let waiting: (() => void)[] = [];
  const wakeAll = () => {
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  const settle = async () => {
    for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await Promise.resolve();
    wakeAll();
  };
  return { beat: () => void settle(), next: () => new Promise<void>((resolve) => waiting.push(resolve)) };
}
type Pulse = ReturnType<typeof createPulse>;

/** The phase as an operator would see it. */
export const phaseOf = (loop: Loop, now: number): string => statusOf(loop.state(), { now }).phase;
