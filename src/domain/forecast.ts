import { firstView } from './look.js';
import { type Candidate, inOrder, toCandidate } from './candidates.js';
import { observe } from './fleet.js';
import { groupBy } from './group-by.js';
import type { MachineFacts } from './machine.js';
import { classify } from './table.js';
import { admit, MOST_IN_FLIGHT, type Pace, slotsAt } from './pace.js';
import { type Pool, placeKey } from './pools.js';
import type { Plan } from './plan.js';
import { begin, paceOf } from './state.js';
import { viewOf, wholeStep } from './steps.js';

/**
 * No update of an idle machine is shorter: its five calls follow one another, and Fly shows `replacing` for seconds in
 * answers that people quote. Nobody has published a least time, so this is one that is surely kept.
 */
export const LEAST_UPDATE_MS = 1_000;

/** What comes of the machines that are idle now. */
export interface Forecast {
  /** Those updated at once, step after step, if every update took as long as every other and nothing else happened. */
  readonly steps: readonly (readonly Candidate[])[];
  readonly pools: readonly Pool[];
  /** So many updates at least follow one another, whatever the order. */
  readonly inARow: number;
  /** No rollout is shorter: `LEAST_UPDATE_MS` for each of them. */
  readonly leastMs: number;
}

/** Gives out slots as the loop does, until nobody waits for one. */
function stepsOf(queue: readonly Candidate[], pace: Pace): Candidate[][] {
  const steps: Candidate[][] = [];
  let now = pace;
  for (let left = queue; left.length > 0;) {
    const step = admit(left, now);
    if (step.length === 0) break; // who gets no slot with nothing in flight never gets one
    const boots = (now.boots ?? 0) - step.length;
    now = { ...pace, proven: true, pinned: true, boots: boots > 0 ? boots : undefined };
    const taken = new Set(step);
    left = left.filter((waiting) => !taken.has(waiting));
    steps.push(step);
  }
  return steps;
}

/** The most that any place's slots, or those of the whole rollout, make wait for one another. */
function updatesInARow(queue: readonly Candidate[], pace: Pace): number {
  // What is held waits for nobody.
  const [first, ...others] = queue.filter(({ restore }) => !restore);
  if (first === undefined) return 0;
  const isAlone = !(pace.proven && pace.pinned);
  const rest = isAlone ? others : [first, ...others];
  const places = [...groupBy(rest, placeKey).values()];
  const turns = places.map((kin) => Math.ceil(kin.length / slotsAt(pace.pools, kin[0] ?? first)));
  return (isAlone ? 1 : 0) + Math.max(Math.ceil(rest.length / MOST_IN_FLIGHT), ...turns);
}

/**
 * The order in which the loop will take the machines that are idle now, by the functions that the loop itself goes by.
 * The real order differs as soon as updates take different times, or machines stop and start.
 */
export function forecast(fleet: readonly MachineFacts[], plan: Plan): Forecast {
  const { context, plannedAt: now } = plan;
  const seen = observe(fleet, context, firstView(now, viewOf(wholeStep('all'))));
  const idle = fleet
    .map((machine) => ({ machine, ...classify(machine, context) }))
    .filter(({ standing }) => ['held', 'ready', 'cut'].includes(standing));
  const queue = inOrder(idle.map(toCandidate), context);
  const pace = paceOf({ ...begin(plan, now), seen, queue });
  const inARow = updatesInARow(queue, pace);
  // What is updated in place has an order of its own, step by step.
  const steps = context.inPlace === true ? [] : stepsOf(queue, pace);
  return { steps, pools: seen.pools, inARow, leastMs: inARow * LEAST_UPDATE_MS };
}
