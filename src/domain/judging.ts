import type { Gate } from '../input/types.js';
import type { RolloutContext } from './machine.js';
import type { GateOutcome } from './outcomes.js';
import { pauseOnGate } from './pauses.js';
import { bakeEnd, extension, openGates, stepOf } from './progress.js';
import type { RolloutState } from './state.js';
import type { BakeStep, GateVerdict, Scope } from './steps.js';

/** What one judgement is told. */
export interface GateOrder {
  readonly gate: Gate;
  /** The step that it judges. */
  readonly step: string;
  readonly context: RolloutContext;
  readonly scope: Scope;
  /** When the bake began, ms: samples from before it say nothing of the new version. */
  readonly from: number;
  /** Absolute: what it says from this time on is its last word, and until then only what differs is news. */
  readonly until: number;
  /** What it said last. */
  readonly last?: GateVerdict;
}

/** Gates that are to be asked now: those of a bake that have not let it go on. */
export function gateOrders(state: RolloutState): GateOrder[] {
  const step = stepOf(state);
  if (step.kind !== 'bake') return [];
  const until = bakeEnd(state, step);
  return openGates(state, step).map((gate) => {
    const last = state.step.gates[gate.name]?.verdict;
    const { since, pausedMs } = state.step;
    const order = { gate, step: step.name, context: state.plan.context, scope: step.scope };
    return { ...order, from: since + pausedMs, until, ...(last === undefined ? {} : { last }) };
  });
}

/** A gate has spoken. Only what it says when the bake was long enough ends anything, but for a FAIL, which does at once. */
export function onJudged(state: RolloutState, { name, ...judgement }: GateOutcome, now: number): RolloutState {
  const step = stepOf(state);
  if (step.kind !== 'bake' || !step.gates.some((gate) => gate.name === name)) return state;
  const told = { ...state, step: { ...state.step, gates: { ...state.step.gates, [name]: judgement } } };
  const { verdict, says, at } = judgement;
  if (verdict === 'FAIL')
    return pauseOnGate(
      told,
      { code: 'gate_failed', gate: name, says: `gate ${name} of ${step.name}: FAIL: ${says}` },
      now,
    );
  if (verdict === 'PASS' || at < bakeEnd(told, step)) return told;
  if (verdict === 'NONE') return onSilence(told, step, { name, says }, now);
  const why = `gate ${name} of ${step.name} cannot judge: ${says}; resume asks it again`;
  return pauseOnGate(told, { code: 'judge_unavailable', gate: name, says: why }, now);
}

/** Nothing to say at the end: the bake gets longer, up to three times its length. */
function onSilence(
  state: RolloutState,
  step: BakeStep,
  { name, says }: { readonly name: string; readonly says: string },
  now: number,
): RolloutState {
  const more = extension(state, step);
  if (more === 0) {
    const why = `gate ${name} of ${step.name} has nothing to say after three times its bake: ${says}; resume goes on without it`;
    return pauseOnGate(state, { code: 'gate_silent', gate: name, says: why }, now);
  }
  // A person who ended the bake waits as long as the gate needs, from now on.
  const { proceededAt: _ended, ...rest } = state.step;
  const extendedMs = Math.max(bakeEnd(state, step), now) + more - rest.since - rest.pausedMs - step.ms;
  return { ...state, step: { ...rest, extendedMs } };
}
