import { type Candidate, inOrder, observe, toCandidate } from './fleet.js';
import { classify, type MachineFacts } from './machine.js';
import { admit, type Pace } from './pace.js';
import type { Pool } from './pools.js';
import { begin, paceOf, type Plan } from './state.js';

/**
 * No update of an idle machine is shorter: its five calls follow one another, and Fly shows `replacing` for seconds in
 * answers that people quote. Nobody has published a least time, so this is one that is surely kept.
 */
export const LEAST_UPDATE_MS = 1_000;

/** What would come of the idle machines if every update took as long as every other and nothing else happened. */
export interface Forecast {
  /** Those updated at once, step after step. */
  readonly steps: readonly (readonly Candidate[])[];
  readonly pools: readonly Pool[];
  /** Below this no rollout can be: `LEAST_UPDATE_MS` a step. */
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

/**
 * The order in which the loop will take the machines that are idle now, by the functions that the loop itself goes by.
 * The real order differs as soon as updates take different times, or machines stop and start.
 */
export function forecast(fleet: readonly MachineFacts[], plan: Plan): Forecast {
  const { context, plannedAt: now } = plan;
  const none = { doubt: [], taken: [], failed: [], forgiven: {}, trials: [] };
  const seen = observe(fleet, context, { now, flyNow: now, whole: true, unlisted: 0, ...none });
  const queue = fleet
    .map((machine) => ({ machine, ...classify(machine, context) }))
    .filter(({ standing }) => ['held', 'ready', 'cut'].includes(standing));
  const candidates = inOrder(queue.map(toCandidate));
  const steps = stepsOf(candidates, paceOf({ ...begin(plan, now), seen, queue: candidates }));
  return { steps, pools: seen.pools, leastMs: steps.length * LEAST_UPDATE_MS };
}
