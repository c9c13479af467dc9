import type { Clock } from '../src/clock.js';
import { type Behind, behindOf, isClear, leftToDo, type Observation, observe } from '../src/domain/fleet.js';
import type { MachineFacts, RolloutContext } from '../src/domain/machine.js';
import { classify } from '../src/domain/table.js';
import { isNews, type LookOrder } from '../src/domain/look.js';
import type { LookOutcome } from '../src/domain/outcomes.js';
import type { FlyClient } from '../src/fly/client.js';
import { FlyError } from '../src/fly/errors.js';
import { factsOf } from './facts.js';
import { listFleet } from './list-fleet.js';
import { secretsSetAt } from './secrets-set.js';
import { MOST_AWAITED, untilOneStops } from './until-one-stops.js';

/** After a machine was seen to stop: soon enough for one that rests for two seconds, slow enough for a list that lags. */
const AT_ONCE_MS = 500;

/** A look that goes on for nothing slows down: to a tenth of the time it has gone on, and never below the calm pace. */
const SLOWER = 10;

/** Births are told by Fly's clock, and looks by ours. */
const EARLIER_MS = 5_000;

/** Nothing to do yet: look again after `inMs`. */
export interface Again {
  readonly kind: 'again';
  readonly says: string;
  readonly inMs: number;
}

export interface LookDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  /** Between two looks: while something moves, and while all is calm. */
  readonly pollMs: { readonly busy: number; readonly calm: number };
}

/**
 * One look at the fleet. It comes back with an observation when there is news (see `isNews`); otherwise it says when
 * to look again. The caller's retries are the poll, so that waiting costs no events and no slot.
 */
export async function observeFleet(
  order: LookOrder,
  deps: LookDeps,
  signal: AbortSignal,
): Promise<LookOutcome | Again> {
  try {
    return await lookOnce(order, deps, signal);
  } catch (error) {
    if (!(error instanceof FlyError)) throw error;
    const { code, message: says } = error;
    const isRefusal = code === 'unauthorized' || code === 'forbidden';
    if (order.look.errors === 'retried' && !isRefusal)
      return { kind: 'again', says, inMs: deps.pollMs[order.look.pace] };
    return { kind: 'error', code, says, at: deps.clock.now() };
  }
}

/** From its time on, who has had his time by Fly's own clock may be stopped. */
function forcing({ context, force }: LookOrder, now: number, flyNow: number): RolloutContext {
  const timed = { ...context, flyNow };
  return force === undefined || now < force.from ? timed : { ...timed, forceBefore: flyNow - force.afterMs };
}

/** Where a restart for secrets finds nothing left to do, they are read again: one may have been set meanwhile. */
async function lookBehind(
  { context, step }: LookOrder,
  seen: Observation,
  facts: readonly MachineFacts[],
  fly: FlyClient,
): Promise<Behind | undefined> {
  if (context.forSecrets !== true || context.back !== undefined) return undefined;
  if (!isClear(seen, step, context.inPlace === true)) return undefined;
  try {
    return behindOf(facts, context, await secretsSetAt(context.app, fly));
  } catch (error) {
    // All that was asked for is done: that it cannot be read again ends nothing, and is said.
    if (error instanceof FlyError) return 'unread';
    throw error;
  }
}

async function lookOnce(order: LookOrder, deps: LookDeps, signal: AbortSignal): Promise<LookOutcome | Again> {
  const { look, context } = order;
  const early = look.after - deps.clock.now();
  if (early > 0) return { kind: 'again', says: 'too early to look again', inMs: early };
  const list = await listFleet(context.app, order.expected, deps);
  const now = deps.clock.now();
  if (list.kind === 'suspect' && look.errors === 'retried')
    return { kind: 'again', says: 'a list that short is not believed', inMs: deps.pollMs[look.pace] };
  if (list.kind === 'suspect')
    return { kind: 'suspect', listed: list.machines.length, expected: list.expected, at: now };
  const facts = list.machines.map((machine) => factsOf(machine, context.change));
  const flyNow = deps.fly.now();
  const { whole, unlisted } = list;
  const forced = forcing(order, now, flyNow);
  const bornSince = look.since + (flyNow - now) - EARLIER_MS;
  const observation = observe(facts, forced, { ...order, now, since: look.since, flyNow, whole, unlisted, bornSince });
  if (isNews(observation, order)) {
    const behind = await lookBehind(order, observation, facts, deps.fly);
    return { kind: 'seen', observation: behind === undefined ? observation : { ...observation, behind } };
  }
  const short = whole ? '' : ' (the list is shorter than before and than the app counts)';
  const says = `${leftToDo(observation)} machines left${short}: ${observation.stragglers} working, ${observation.busy} between two states, ${observation.unreachable} unreachable, ${order.taken.length} taken`;
  const pollMs = Math.max(deps.pollMs[look.pace], Math.min(deps.pollMs.calm, (now - look.since) / SLOWER));
  const pauseMs = Math.max(0, Math.min(pollMs, look.until - now));
  const isAwaited = (one: MachineFacts) =>
    classify(one, forced).standing === 'straggler' && !order.failed.includes(one.id);
  const working = observation.stragglers > MOST_AWAITED ? [] : facts.filter(isAwaited);
  const hasStopped = await untilOneStops(working, { app: context.app, fly: deps.fly, ms: pauseMs, signal });
  return { kind: 'again', says, inMs: hasStopped ? AT_ONCE_MS : Math.max(0, now + pauseMs - deps.clock.now()) };
}
