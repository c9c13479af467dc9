import { type Decision, decide } from './decide.js';
import { withDiary } from './diary.js';
import type { Candidate } from './candidates.js';
import { type GateOrder, onJudged } from './judging.js';
import { isOutdated, type Look, lookOrder, type LookOrder } from './look.js';
import { updateOrder, type UpdateOrder } from './orders.js';
import type { GateOutcome, LookOutcome, UpdateOutcome } from './outcomes.js';
import { onEnd, onLaunched, onRested } from './landing.js';
import { onLooked } from './seeing.js';
import { onAdvanced } from './progress.js';
import type { RolloutState } from './state.js';
import { isTurning, onTurned } from './turn.js';

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
  /** Undefined when it was dropped, or nobody can say. */
  judge(order: GateOrder): Promise<GateOutcome | undefined>;
  /** Resolves after `ms`, or when waits are dropped. */
  rest(id: string, ms: number): Promise<void>;
  /** Cancels the updates in flight: before their write they are called back, after it they finish. */
  callBack(): void;
  dropLook(): void;
  dropJudges(): void;
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
type Halt = Exclude<Decision, { kind: 'act' | 'advance' | 'turn' | 'finish' }>;

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

/**
 * Gates that are being asked. What is asked under another end, or no more, is dropped; it comes back with nothing, and
 * is asked anew if need be.
 * @param take what a gate said, or that it was dropped.
 */
function createAsking(hands: Hands, take: (outcome: GateOutcome | undefined) => void) {
  const asked = new Map<string, GateOrder>();
  const judge = async (order: GateOrder) => {
    const { name } = order.gate;
    asked.set(name, order);
    const outcome = await hands.judge(order);
    asked.delete(name);
    take(outcome);
  };
  return {
    isQuiet: () => asked.size === 0,
    ask(orders: readonly GateOrder[]) {
      const isWanted = (name: string) =>
        orders.some(({ gate, until }) => gate.name === name && asked.get(name)?.until === until);
      if (![...asked.keys()].every(isWanted)) hands.dropJudges();
      else for (const order of orders) if (!asked.has(order.gate.name)) void judge(order);
    },
  };
}

/** The look under way, if any. */
function createLooks(hands: Hands, state: () => RolloutState, put: (next: RolloutState) => void) {
  let looking: Looking | undefined;
  const look = async (how: Look) => {
    const under: Looking = { order: lookOrder(state(), how), since: hands.now(), launched: new Set() };
    looking = under;
    const outcome = await hands.look(under.order);
    looking = undefined;
    put(outcome === undefined ? state() : onLooked(state(), withoutLaunched(outcome, under), hands.now()));
  };
  return {
    since: () => looking?.since,
    noteLaunch: (id: string) => void looking?.launched.add(id),
    /** Looks, unless a look is under way; one that is blind to what it would have to tell is dropped. */
    look(how: Look | undefined) {
      if (looking === undefined) return void (how && look(how));
      const isOld = how?.afresh === true && looking.order.look.afresh !== true;
      if (isOld || isOutdated(looking.order, state())) hands.dropLook();
    },
    /** Ends every look but one for a Fly that is back, which begins if need be. */
    hold(probe: Look | undefined) {
      if (probe === undefined || looking?.order.look.errors === 'told') hands.dropLook();
      else if (looking === undefined) void look(probe);
    },
  };
}

/** @param first the state to begin with. */
export function createLoop(hands: Hands, first: RolloutState): Loop {
  let state = first;
  let changes = 0;
  const put = (next: RolloutState) => {
    state = withDiary(state, next, hands.now());
    changes += 1;
  };
  const looks = createLooks(hands, () => state, put);
  const gates = createAsking(hands, (outcome) =>
    put(outcome === undefined ? state : onJudged(state, outcome, hands.now())),
  );

  const launch = async (machine: Candidate) => {
    put(onLaunched(state, machine, hands.now()));
    looks.noteLaunch(machine.id);
    const outcome = await hands.update(updateOrder(state, machine));
    // A list that keeps calling ready what a read calls otherwise must not turn the loop fast: it costs a slot instead.
    const isMoving = state.pause === undefined && state.stop === undefined && !isTurning(state);
    if (outcome !== 'lost' && wasNothing(outcome) && isMoving) await hands.rest(machine.id, AFTER_LEFT_MS);
    put(onEnd(state, machine.id, outcome, hands.now()));
    const end = outcome === 'lost' ? outcome : outcome.kind;
    // The look under way leaves this machine out, and counts it as up: right only while it is done, or rests as it was.
    if (end !== 'updated' && (end !== 'error' || machine.working !== undefined)) hands.dropLook();
    if (Object.hasOwn(state.resting, machine.id)) return rest(machine.id);
  };

  const rest = async (id: string) => {
    const until = state.resting[id]?.until ?? 0;
    await hands.rest(id, Math.max(1, until - hands.now()));
    // Put right in the meantime, it may rest anew: that rest has a timer of its own.
    if (state.resting[id]?.until === until) put(onRested(state, id));
  };

  const halt = (decision: Halt) => {
    hands.dropJudges();
    if (decision.kind === 'callBack') hands.callBack();
    looks.hold(decision.kind === 'probe' ? decision.look : undefined);
    hands.dropRests();
  };

  const act = ({ start, look, judge = [] }: Act) => {
    for (const machine of start) void launch(machine);
    gates.ask(judge);
    looks.look(look);
  };

  return {
    state: () => state,
    changes: () => changes,
    lookingSince: looks.since,
    put: (next) => {
      put(next);
      hands.dropLook();
    },
    step: (draining) => {
      const decision = decide(state, hands.now(), draining);
      if (decision.kind === 'act') act(decision);
      else if (decision.kind === 'advance') put(onAdvanced(state, hands.now()));
      else if (decision.kind === 'turn') put(onTurned(state, hands.now()));
      else if (decision.kind !== 'finish') halt(decision);
      return decision;
    },
    isQuiet: () => {
      const busy = Object.keys({ ...state.inFlight, ...state.resting }).length;
      return busy === 0 && looks.since() === undefined && gates.isQuiet();
    },
  };
}
