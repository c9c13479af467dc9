import type { GroupRules } from '../input/types.js';
import type { RolloutContext } from './machine.js';
import type { Plan } from './plan.js';
import type { RolloutState } from './state.js';
import { beginStep, wholeStep } from './steps.js';

/** Of a change's way back: who carries it was brought back, and is not brought back again. */
export const backHash = (hash: string): string => `back-${hash}`;

const BACK = backHash('');

/** Whether a hash is that of a way back. */
export const isBackHash = (hash: string): boolean => hash.startsWith(BACK);

/** The change that a way back takes back; of a change its own hash. */
export const forwardHash = (hash: string): string => (isBackHash(hash) ? hash.slice(BACK.length) : hash);

/** Half of what is up may be away: what they go back to has run before, and what they run is not wanted. */
const MOST_AWAY = { share: 0.5 };

/** The longest that a way back waits for machines to stop. */
export const BACK_DEADLINE_MS = 86_400_000;

/**
 * A way back keeps majorities by itself (`keepMajorities`), and has no other number: a group that is lost anyway would
 * never be taken back by its own.
 */
function rulesBack({ groups }: RolloutContext): Pick<RolloutContext, 'groups'> {
  if (groups === undefined) return {};
  const back = ({ maxUnavailable: _most, whole: _whole, ...rules }: GroupRules): GroupRules => rules;
  return { groups: Object.fromEntries(Object.entries(groups).map(([name, rules]) => [name, back(rules)])) };
}

/** The context that takes a change back. */
export const backContext = (context: RolloutContext, force: boolean): RolloutContext => ({
  ...context,
  rollout: { hash: backHash(context.rollout.hash), start: context.rollout.start },
  cut: [],
  maxUnavailable: MOST_AWAY,
  ...rulesBack(context),
  ...(force ? { inPlace: true } : {}),
  // What a serving machine has in its memory is the version that nobody wants; a job's is its work.
  ...(context.inPlace === true ? { suspended: 'update' } : {}),
  back: { hash: context.rollout.hash, force, changed: [] },
});

/** What the plan of a way back has in common, whichever rollout it takes back: no ramp, no gates, all regions at once. */
export const backPlan = {
  steps: [wholeStep('rollback')],
  onFailure: 'pause',
  bootFirst: 0,
} as const satisfies Partial<Plan>;

/** It is to go back, and something is still in flight or held. */
export const isTurning = ({ turned, plan }: RolloutState): boolean =>
  turned !== undefined && plan.context.back === undefined;

/** Nothing is in flight, nothing is held: from here on it goes back. */
export function onTurned(state: RolloutState, now: number): RolloutState {
  const { ramp: _ramp, forceAfterMs: _force, ...plan } = state.plan;
  return {
    ...state,
    plan: {
      ...plan,
      ...backPlan,
      context: backContext(plan.context, false),
      deadlineMs: now - state.startedAt - state.pausedMs + BACK_DEADLINE_MS,
    },
    step: beginStep(0, now),
    unknown: Object.fromEntries(
      Object.entries(state.unknown).map(([id, doubt]) => [id, { ...doubt, forward: true as const }]),
    ),
    failed: {},
    forgiven: {},
    trials: {},
    vain: {},
    booted: true,
    failedInRow: 0,
    queue: [],
    clear: { looks: 0, at: 0 },
  };
}
