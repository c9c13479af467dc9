import type { Candidate } from './candidates.js';
import type { RolloutContext } from './machine.js';
import { isAway } from './pace.js';
import type { RolloutState } from './state.js';
import { total } from './pools.js';
import { type BakeStep, beginStep, type Judgement, poolsIn, type Step, viewOf } from './steps.js';
import { isClear } from './fleet.js';

/** What cannot be updated keeps a step open for so long after anything last moved. */
export const PATIENCE_MS = 30 * 60_000;

/** A look tells late of what happens at the end of a time. */
const SLACK_MS = 5 * 60_000;

/** A bake whose gates have nothing to say becomes so many times as long. */
const MOST_LENGTHS = 3;
/** By how much it is made longer each time, of its length. */
const LONGER = 0.5;

/** The current step; the last one where an older state names none. */
export function stepOf({ plan, step }: Pick<RolloutState, 'plan' | 'step'>): Step {
  const found = plan.steps[step.index] ?? plan.steps.at(-1);
  if (found === undefined) throw new Error('a plan has at least one step');
  return found;
}

export const isLastStep = ({ plan, step }: RolloutState): boolean => step.index >= plan.steps.length - 1;

/** When a bake has been long enough: pauses stop its clock, and a person may end it. */
export const bakeEnd = ({ step }: RolloutState, { ms }: BakeStep): number =>
  step.proceededAt ?? step.since + step.pausedMs + ms + step.extendedMs;

/** When nobody's yes has come for too long; asked again after a pause it has its whole time. */
export const approvalEnd = ({ step, resumedAt = 0 }: RolloutState, ms: number): number =>
  Math.max(step.since, resumedAt) + ms;

/** Who was updated where it works may take its whole time to show how it does. */
function patienceOf({ inPlace, healthy, groups = {} }: RolloutContext): number {
  if (inPlace !== true) return PATIENCE_MS;
  const withins = [healthy, ...Object.values(groups).map((rules) => rules.healthy ?? healthy)].map(
    (one) => one.withinMs,
  );
  return Math.max(PATIENCE_MS, Math.max(...withins) + SLACK_MS);
}

/** When a step of updates has waited long enough for what cannot be updated; `Infinity` under a deadline. */
export function patienceEnd(state: RolloutState): number {
  const { plan, step, movedAt = 0, resumedAt = 0, readyAt = 0 } = state;
  // Who serves is not waited for on a way back: its deadline is for jobs.
  const isForJobs = plan.context.back === undefined || plan.context.inPlace !== true;
  if (plan.deadlineMs !== undefined && isForJobs) return Infinity;
  const current = stepOf({ plan, step });
  const waitMs = current.kind === 'update' ? (current.waitMs ?? 0) : 0;
  const patient = Math.max(step.outwaited ? 0 : step.since, movedAt, resumedAt, readyAt) + patienceOf(plan.context);
  return Math.max(patient, step.since + step.pausedMs + waitMs);
}

/** Patience may end, and there is nothing to be done but to wait: for machines that are never cut, until the deadline. */
export const awaitsJobs = ({ plan, seen }: RolloutState): boolean =>
  plan.context.back !== undefined && plan.deadlineMs !== undefined && (seen?.stragglers ?? 0) > 0;

/** When the current step may change by itself. */
export function stepEndsAt(state: RolloutState): number {
  const step = stepOf(state);
  switch (step.kind) {
    case 'update':
      return patienceEnd(state);
    case 'bake':
      return bakeEnd(state, step);
    case 'approval':
      return approvalEnd(state, step.ms);
  }
}

/** Its last word counts: it was asked when the bake was long enough, or a person took it as it is. */
const isSettled = (judgement: Judgement | undefined, end: number): boolean =>
  judgement !== undefined && (judgement.accepted === true || (judgement.verdict === 'PASS' && judgement.at >= end));

/** Gates of the current bake that have not let it go on yet; where nobody works there is nobody to judge. */
export function openGates(state: RolloutState, step: BakeStep): BakeStep['gates'] {
  if (state.seen !== undefined && total(poolsIn(state.seen.pools, step.scope), 'up') === 0) return [];
  const end = bakeEnd(state, step);
  return step.gates.filter(({ name }) => !isSettled(state.step.gates[name], end));
}

/** Whether some of what is left could be updated if there were room for it, or Fly let us. */
export const hasUpdatable = ({ queue, resting }: RolloutState): boolean =>
  queue.length > 0 || Object.keys(resting).length > 0;

/** Whether nothing keeps the rollout in its current step any more, with nothing in flight. */
export function isStepDone(state: RolloutState, now: number): boolean {
  const step = stepOf(state);
  switch (step.kind) {
    case 'update':
      return (
        state.clear.looks >= (step.closing === true ? 2 : 1) ||
        (now >= patienceEnd(state) && !hasUpdatable(state) && !awaitsJobs(state))
      );
    case 'bake':
      return (state.seen?.at ?? 0) >= bakeEnd(state, step) && openGates(state, step).length === 0;
    case 'approval':
      return state.step.proceededAt !== undefined;
  }
}

/** There is nothing to update, or nothing was; the last step is never passed over. */
function isPassedOver(one: Step, index: number, { plan, seen, step, movedAt = 0 }: RolloutState): boolean {
  if (index === plan.steps.length - 1) return false;
  if (one.kind === 'update' && one.closing === true) return false;
  if (one.kind === 'update') return seen !== undefined && isClear(seen, viewOf(one), plan.context.inPlace === true);
  const hasUpdated = index === step.index + 1 && movedAt >= step.since;
  return one.kind === 'bake' && one.ifUpdated === true && !hasUpdated;
}

const nextOf = (state: RolloutState): number =>
  state.plan.steps.findIndex((one, index) => index > state.step.index && !isPassedOver(one, index, state));

/** What is to be written and judged, where the current step writes nothing; what is held or in doubt it looks into. */
export function isReopened(state: RolloutState): boolean {
  const step = stepOf(state);
  if (step.kind !== 'update' || step.reopens === undefined) return false;
  return state.queue.some((one) => !isOwed(state, one));
}

/** Looked into whatever the step. */
export const isOwed = ({ unknown }: RolloutState, one: Candidate): boolean =>
  isAway(one) || Object.hasOwn(unknown, one.id);

function reopenedAt(state: RolloutState): number {
  const step = stepOf(state);
  const name = step.kind === 'update' ? step.reopens : undefined;
  return state.plan.steps.findIndex((one) => one.name === name);
}

/** Goes on to the next step that has anything to do; what the last look saw of the fleet tells of updates. */
export function onAdvanced(state: RolloutState, now: number): RolloutState {
  const { plan } = state;
  const next = isReopened(state) ? reopenedAt(state) : nextOf(state);
  const index = next < 0 ? plan.steps.length - 1 : next;
  const isInVain = stepOf(state).kind === 'update' && state.clear.looks === 0 && !isReopened(state);
  return {
    ...state,
    step: { ...beginStep(index, now), ...(isInVain ? { outwaited: true } : {}) },
    queue: state.queue.filter(isAway),
    clear: { looks: 0, at: 0 },
  };
}

/** By how much a bake may still be made longer, ms; nothing: it has been for as long as it may. */
export function extension(state: RolloutState, { ms }: BakeStep): number {
  const longest = Math.max(ms, 60_000) * (MOST_LENGTHS - 1);
  return Math.max(0, Math.min(Math.max(ms, 60_000) * LONGER, longest - state.step.extendedMs));
}
