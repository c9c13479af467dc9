import { type Decision, decide } from './decide.js';
import type { Candidate } from './fleet.js';
import { isOutdated, type Look, lookOrder, type LookOrder } from './look.js';
import { updateOrder, type UpdateOrder } from './orders.js';
import type { LookOutcome, UpdateOutcome } from './outcomes.js';
import { onLaunched, onLost, onRested, onUpdated } from './landing.js';
import { onLooked } from './seeing.js';
import type { RolloutState } from './state.js';

/**
 * How a loop acts. The workflow's hands are Temporal's activities, timers and scopes; a proof's are plain promises.
 * No promise rejects: what was called back, dropped or lost says so.
 */
export interface Hands {
  now(): number;
  /** `lost`: nobody can say how far it got. */
  update(order: UpdateOrder): Promise<UpdateOutcome | 'lost'>;
  /** Undefined when it was dropped, or found out nothing. */
  look(order: LookOrder): Promise<LookOutcome | undefined>;
  /** Resolves after `ms`, or when waits are dropped. */
  rest(id: string, ms: number): Promise<void>;
  /** Cancels the updates in flight: before their write they are called back, after it they finish. */
  callBack(): void;
  dropLook(): void;
  /** Ends every rest early. */
  dropRests(): void;
}

/** Observe, decide, act: one rollout's state and what is under way. */
export interface Loop {
  state(): RolloutState;
  /** Raised by everything that may change the next decision. */
  changes(): number;
  lookingSince(): number | undefined;
  /** Puts a state in place that somebody else made (a verb, a cancel): what is left out by a look may be free now. */
  put(state: RolloutState): void;
  /** Decides, and begins what was decided; the caller waits for `changes`, or ends when the decision is to finish. */
  step(draining: boolean): Decision;
  /** Nothing is in flight, resting or being looked at. */
  isQuiet(): boolean;
}

/** A machine that was not what the list said keeps its slot for this long. */
const AFTER_LEFT_MS = 5_000;

const wasNothing = (outcome: UpdateOutcome): boolean =>
  outcome.kind === 'left' || (outcome.kind === 'updated' && !outcome.wrote);

type Act = Extract<Decision, { kind: 'act' }>;
type Halt = Exclude<Decision, { kind: 'act' | 'finish' }>;

/** A look under way. */
interface Looking {
  readonly order: LookOrder;
  readonly since: number;
  /** Machines whose update began meanwhile: its list may be from before that. */
  readonly launched: Set<string>;
}

function withoutLaunched(outcome: LookOutcome, { launched }: Looking): LookOutcome {
  if (outcome.kind !== 'seen') return outcome;
  const candidates = outcome.observation.candidates.filter(({ id }) => !launched.has(id));
  return { kind: 'seen', observation: { ...outcome.observation, candidates } };
}

/** @param first the state to begin with. */
export function createLoop(hands: Hands, first: RolloutState): Loop {
  let state = first;
  let changes = 0;
  let looking: Looking | undefined;

  const put = (next: RolloutState) => {
    state = next;
    changes += 1;
  };

  const launch = async (machine: Candidate) => {
    put(onLaunched(state, machine, hands.now()));
    looking?.launched.add(machine.id);
    const outcome = await hands.update(updateOrder(state, machine));
    // A list that keeps calling ready what a read calls otherwise must not turn the loop fast: it costs a slot instead.
    const isMoving = state.pause === undefined && state.stop === undefined;
    if (outcome !== 'lost' && wasNothing(outcome) && isMoving) await hands.rest(machine.id, AFTER_LEFT_MS);
    put(outcome === 'lost' ? onLost(state, machine.id) : onUpdated(state, machine.id, outcome, hands.now()));
    const end = outcome === 'lost' ? outcome : outcome.kind;
    if (end === 'error') return rest(machine.id);
    // The look under way leaves this machine out, which is only right while it is done or resting.
    if (end !== 'updated') hands.dropLook();
  };

  const rest = async (id: string) => {
    const until = state.resting[id]?.until ?? 0;
    await hands.rest(id, Math.max(1, until - hands.now()));
    // Put right in the meantime, it may rest anew: that rest has a timer of its own.
    if (state.resting[id]?.until === until) put(onRested(state, id));
  };

  const look = async (how: Look) => {
    const under: Looking = { order: lookOrder(state, how), since: hands.now(), launched: new Set() };
    looking = under;
    const outcome = await hands.look(under.order);
    looking = undefined;
    put(outcome === undefined ? state : onLooked(state, withoutLaunched(outcome, under), hands.now()));
  };

  const halt = (decision: Halt) => {
    if (decision.kind === 'callBack') hands.callBack();
    if (decision.kind !== 'probe' || looking?.order.look.errors === 'told') hands.dropLook();
    else if (looking === undefined) void look(decision.look);
    hands.dropRests();
  };

  const act = ({ start, look: how }: Act) => {
    for (const machine of start) void launch(machine);
    if (looking !== undefined && isOutdated(looking.order, state)) hands.dropLook();
    if (looking === undefined && how !== undefined) void look(how);
  };

  return {
    state: () => state,
    changes: () => changes,
    lookingSince: () => looking?.since,
    put: (next) => {
      put(next);
      hands.dropLook();
    },
    step: (draining) => {
      const decision = decide(state, hands.now(), draining);
      if (decision.kind === 'act') act(decision);
      else if (decision.kind !== 'finish') halt(decision);
      return decision;
    },
    isQuiet: () => looking === undefined && Object.keys({ ...state.inFlight, ...state.resting }).length === 0,
  };
}
