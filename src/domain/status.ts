import { leftToDo, type Observation } from './fleet.js';
import { total } from './pools.js';
import { stepOf } from './progress.js';
import { canGoBack, deadlineAt, hasBootedInVain, openHolds, type RolloutState, type Turn } from './state.js';
import {
  type Around,
  noObservation,
  oldest,
  sayFlights,
  sayPause,
  stepWait,
  type Wait,
  waitingFor,
  waitsOf,
} from './status-waits.js';
import { rolloutId, statusCommand } from './names.js';
import { iso } from './iso.js';
import { type MachineNote, machinesOf } from './machine-notes.js';

export type Phase = 'planning' | 'running' | 'baking' | 'waiting' | 'pausing' | 'paused' | 'rollingBack' | 'done';

export interface Counts {
  readonly selected: number;
  readonly atTarget: number;
  readonly verified: number;
  readonly notRunYet: number;
  readonly failed: number;
  readonly foreign: number;
  readonly left: number;
  readonly inFlight: number;
  readonly resting: number;
  readonly working: number;
  readonly unreachable: number;
}

/** The answer of the query `status`, of every update, and of the failure's details: one shape. Times are ISO text. */
export interface Status {
  readonly app: string;
  readonly type: string;
  readonly rollout: string;
  readonly target: string;
  readonly phase: Phase;
  readonly reason: string;
  readonly since: string;
  readonly message: string;
  readonly startedAt: string;
  /** Left out where the steps have ends of their own. */
  readonly deadline?: string;
  /** The current step: its name, its number, of how many. */
  readonly step: { readonly name: string; readonly number: number; readonly of: number; readonly since: string };
  /** What the gates of the current bake have said so far. */
  readonly gates: readonly {
    readonly name: string;
    readonly verdict: string;
    readonly says: string;
    readonly at: string;
  }[];
  /** Why it goes back. */
  readonly turned?: { readonly says: string; readonly since: string; readonly failed: readonly string[] };
  readonly observedAt?: string;
  readonly counts: Counts;
  readonly pools: readonly {
    region: string;
    group: string;
    atTarget: number;
    verified: number;
    failed: number;
    foreign: number;
    left: number;
  }[];
  /** What runs where, the commonest first, and since when at the earliest; machines of rows beyond the list. */
  readonly images: readonly {
    readonly image: string;
    readonly region: string;
    readonly group: string;
    readonly machines: number;
    readonly since?: string;
  }[];
  readonly otherImages: number;
  readonly written: number;
  readonly interrupted: readonly string[];
  /** Machines that were stopped past "forceAfter". */
  readonly stopped: readonly string[];
  readonly outside: Readonly<Record<string, number>>;
  readonly machines: readonly MachineNote[];
  readonly waits: readonly Wait[];
  readonly canType: readonly string[];
  readonly notes: readonly string[];
  /** What happened so far: the first entries and the latest, with how many are left out in between. */
  readonly diary: readonly { readonly at: string; readonly says: string; readonly by?: string }[];
  readonly diaryLeft: number;
}

/** Every one is named: whoever lost a job wants to know. Ten thousand are 170 KB. */
const MOST_INTERRUPTED = 10_000;
function countsOf(state: RolloutState, seen: Observation): Counts {
  const atTarget = total(seen.pools, 'atTarget');
  const verified = total(seen.pools, 'verified');
  return {
    selected: state.seen === undefined ? state.plan.selected : total(seen.pools, 'selected'),
    atTarget,
    verified,
    notRunYet: Math.max(0, atTarget - verified),
    failed: Object.keys(state.failed).length,
    foreign: total(seen.pools, 'foreign'),
    left: state.seen === undefined ? state.plan.selected : leftToDo(seen),
    inFlight: Object.keys(state.inFlight).length,
    resting: Object.keys(state.resting).length,
    working: seen.stragglers + seen.overdue,
    unreachable: seen.unreachable,
  };
}

const PHASES = { update: 'running', bake: 'baking', approval: 'waiting' } as const;

function phaseOf(state: RolloutState, around: Around): Phase {
  if (around.ended !== undefined) return 'done';
  const isWriting = Object.keys(state.inFlight).length + openHolds(state).length > 0;
  if (state.pause !== undefined) return isWriting ? 'pausing' : 'paused';
  if (state.turned !== undefined || state.plan.context.back !== undefined) return 'rollingBack';
  return PHASES[stepOf(state).kind];
}

interface Headline {
  readonly reason: string;
  readonly since: number;
  readonly message: string;
}

function headline(state: RolloutState, around: Around): Headline {
  if (around.ended) return { reason: around.ended.outcome, since: around.ended.at, message: around.ended.says };
  if (state.stop) return { reason: state.stop.kind, since: state.stop.since, message: state.stop.says };
  if (state.pause) return { reason: state.pause.code, since: state.pause.since, message: sayPause(state.pause) };
  const flights = Object.values(state.inFlight);
  if (flights.length > 0) {
    return {
      reason: 'updating',
      since: oldest(flights),
      message: sayFlights(flights.length),
    };
  }
  const step = stepWait(state);
  if (step !== undefined) return { reason: stepOf(state).kind, since: step.since, message: step.says };
  const waiting = waitingFor(state, around);
  if (waiting.length === 0) {
    return { reason: 'looking', since: around.lookingSince ?? state.startedAt, message: 'looking at the fleet' };
  }
  return {
    reason: 'waiting',
    since: oldest(waiting),
    message: `waiting for ${waiting.map(({ says }) => says).join(', ')}`,
  };
}

/** As a shell takes it: names of groups come from machines, and may hold anything. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function commandsOf(state: RolloutState, around: Around): string[] {
  const id = rolloutId(state.plan.context.app);
  if (around.ended) return [`temporal workflow result --workflow-id ${id}`];
  const signal = (verb: string, input = '') => `temporal workflow signal --workflow-id ${id} --name ${verb}${input}`;
  if (state.stop) return [statusCommand(id)];
  const retry = Object.keys(state.failed).length > 0 ? [signal('retry')] : [];
  const why = ` --input '{"reason":"…"}'`;
  const steer = state.pause === undefined ? [signal('pause', why)] : [signal('resume')];
  const wait = stepWait(state);
  const isAsked = wait !== undefined && state.step.proceededAt === undefined && state.turned === undefined;
  const proceed = isAsked ? [signal('proceed', ` --input ${quoted(JSON.stringify({ at: wait.name }))}`)] : [];
  const back = canGoBack(state) ? [signal('rollback', why)] : [];
  return [...proceed, ...steer, ...retry, ...back, signal('abort', why)];
}

/** Going on without what "bootFirst" asks for is said. */
const sayBoots = (state: RolloutState): string[] =>
  hasBootedInVain(state)
    ? [
        `${state.boots} machines were booted and ended before they had run for "healthy.for": the others are updated all the same`,
      ]
    : [];

const deadlineOf = (state: RolloutState, now: number): { deadline?: string } =>
  state.plan.deadlineMs === undefined ? {} : { deadline: iso(deadlineAt(state, now)) };

const stepStatus = (state: RolloutState): Status['step'] => ({
  name: stepOf(state).name,
  number: state.step.index + 1,
  of: state.plan.steps.length,
  since: iso(state.step.since),
});

const turnStatus = ({ says, since, failed }: Turn): NonNullable<Status['turned']> => ({
  says,
  since: iso(since),
  failed: Object.entries(failed)
    .slice(0, 50)
    .map(([id, failure]) => `${id} ${failure.region} ${failure.group}: ${failure.says}`),
});

const diaryOf = ({ diary }: RolloutState): Pick<Status, 'diary' | 'diaryLeft'> => ({
  diary: (diary?.entries ?? []).map(({ at, ...entry }) => ({ at: iso(at), ...entry })),
  diaryLeft: diary?.left ?? 0,
});

/** Everything an operator may ask: phase, reason, since, message, counts, what is not fine, what can be typed. */
export function statusOf(state: RolloutState, around: Around): Status {
  const seen = state.seen ?? noObservation;
  const { context } = state.plan;
  const head = headline(state, around);
  return {
    app: context.app,
    type: state.plan.type,
    rollout: `${context.rollout.hash}.${context.rollout.start}`,
    target: state.plan.target,
    phase: phaseOf(state, around),
    reason: head.reason,
    since: iso(head.since),
    message: head.message,
    startedAt: iso(state.startedAt),
    ...deadlineOf(state, around.now),
    step: stepStatus(state),
    gates: Object.entries(state.step.gates).map(([name, { verdict, says, at }]) => ({
      name,
      verdict,
      says,
      at: iso(at),
    })),
    ...(state.turned === undefined ? {} : { turned: turnStatus(state.turned) }),
    ...(state.seen === undefined ? {} : { observedAt: iso(state.seen.at) }),
    counts: countsOf(state, seen),
    pools: seen.pools.map(({ region, group, atTarget, verified, failed, foreign, left }) => ({
      region,
      group,
      atTarget,
      verified,
      failed,
      foreign,
      left,
    })),
    images: (seen.mixture?.rows ?? []).map(({ since, ...row }) =>
      since === undefined ? row : { ...row, since: iso(since) },
    ),
    otherImages: seen.mixture?.more ?? 0,
    written: state.written,
    interrupted: state.interrupted.slice(0, MOST_INTERRUPTED),
    stopped: state.stopped.slice(0, MOST_INTERRUPTED),
    outside: seen.outside,
    machines: machinesOf(state, seen),
    waits: waitsOf(state, around),
    canType: commandsOf(state, around),
    ...diaryOf(state),
    notes: [...state.plan.notes, ...sayBoots(state), ...(state.notice === undefined ? [] : [state.notice])],
  };
}
