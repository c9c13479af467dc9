import type { Outcome } from './decide.js';
import { leftToDo, type Observation, type Remark } from './fleet.js';
import { type Place, total } from './pools.js';
import { deadlineAt, openHolds, type Pause, type RolloutState } from './state.js';
import { rolloutId, statusCommand } from './names.js';
import { sayCount } from './say-count.js';
import { sayWaits } from './waits.js';

export type Phase = 'planning' | 'running' | 'pausing' | 'paused' | 'done';

export interface Wait {
  /** For example `sweep:stragglers`. */
  readonly name: string;
  readonly says: string;
  readonly since: string;
  /** Left out for a pause, which has no deadline. */
  readonly until?: string;
}

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

export interface MachineNote {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly state:
    | 'failed'
    | 'held'
    | 'in flight'
    | 'resting'
    | 'unknown'
    | 'overdue'
    | 'working'
    | 'unreachable'
    | 'foreign'
    | 'busy';
  readonly says: string;
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
  readonly deadline: string;
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
  readonly written: number;
  readonly interrupted: readonly string[];
  /** Machines that were stopped past "forceAfter". */
  readonly stopped: readonly string[];
  readonly outside: Readonly<Record<string, number>>;
  readonly machines: readonly MachineNote[];
  readonly waits: readonly Wait[];
  readonly canType: readonly string[];
  readonly notes: readonly string[];
}

/** What only the workflow knows: when it began to look, and how it ended. */
export interface Around {
  readonly now: number;
  readonly lookingSince?: number;
  readonly ended?: { readonly outcome: Outcome; readonly says: string; readonly at: number };
}

const MOST_MACHINES = 200;
/** Every one is named: whoever lost a job wants to know. Ten thousand are 170 KB. */
const MOST_INTERRUPTED = 10_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const noObservation: Observation = {
  at: 0,
  listed: 0,
  whole: true,
  unlisted: 0,
  doubtful: 0,
  retried: 0,
  pools: [],
  candidates: [],
  remarks: [],
  sick: [],
  outside: {},
  stragglers: 0,
  overdue: 0,
  held: 0,
  trials: [],
  unreachable: 0,
  busy: 0,
  aheadMs: 0,
};

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

function phaseOf(state: RolloutState, around: Around): Phase {
  if (around.ended !== undefined) return 'done';
  const isWriting = Object.keys(state.inFlight).length + openHolds(state).length > 0;
  if (state.pause !== undefined) return isWriting ? 'pausing' : 'paused';
  return 'running';
}

/** Who paused it and why, or what it paused for by itself. */
const sayPause = ({ code, says, by }: Pause): string =>
  code === 'asked' ? `paused by ${by ?? 'somebody'}: ${says}` : says;

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

const oldest = (since: readonly { readonly since: number }[]): number => Math.min(...since.map((one) => one.since));

const sayFlights = (flights: number): string => sayCount(flights, 'update in flight', 'updates in flight');

/** What keeps the rollout from going on, with the name that each wait has and since when it goes on. */
function waitingFor(state: RolloutState, around: Around): { name: string; says: string; since: number }[] {
  const looking = around.lookingSince ?? state.startedAt;
  const rests = Object.values(state.resting).length;
  const [one, many] = ['machine that Fly would not update just now', 'machines that Fly would not update just now'];
  const resting = { name: 'sweep:resting', says: sayCount(rests, one, many), since: looking };
  return [...sayWaits(state.seen ?? noObservation, state.waits, looking), ...(rests === 0 ? [] : [resting])];
}

/** A machine is named once, by the first thing to say of it. */
function firstOfEach(notes: readonly MachineNote[]): MachineNote[] {
  const named = new Set<string>();
  return notes.filter(({ id }) => {
    const isNew = !named.has(id);
    named.add(id);
    return isNew;
  });
}

const note = (state: MachineNote['state'], id: string, { region, group }: Place, says: string): MachineNote => ({
  id,
  region,
  group,
  state,
  says,
});

const REMARKED: Readonly<Partial<Record<Remark['standing'], MachineNote['state']>>> = {
  straggler: 'working',
  overdue: 'overdue',
  held: 'held',
  unreachable: 'unreachable',
  foreign: 'foreign',
  busy: 'busy',
};

const HELD = 'Layover cordoned or stopped it, and puts that back';
const IN_DOUBT = 'nobody knows whether its last update was written, or left it as it was';

function machinesOf(state: RolloutState, seen: Observation): MachineNote[] {
  return firstOfEach([
    ...Object.entries(state.failed).map(([id, f]) => note('failed', id, f, `${f.code}: ${f.says}`)),
    ...Object.values(state.resting).map((r) => note('resting', r.id, r, `${r.says}; again at ${iso(r.until)}`)),
    ...Object.values(state.inFlight).map((f) => note('in flight', f.id, f, `since ${iso(f.since)}`)),
    ...Object.entries(state.holds).map(([id, hold]) => note('held', id, hold, HELD)),
    ...Object.entries(state.unknown).map(([id, doubt]) => note('unknown', id, doubt, IN_DOUBT)),
    ...seen.remarks.map((r) => note(REMARKED[r.standing] ?? 'busy', r.id, r, r.says)),
  ]).slice(0, MOST_MACHINES);
}

/** Every wait with its name and since, and its deadline unless it is a pause. */
function waitsOf(state: RolloutState, around: Around): Wait[] {
  if (around.ended) return [];
  if (state.pause) {
    const who = state.pause.code === 'fly_unavailable' ? 'Fly' : 'a person';
    return [{ name: 'pause', says: `${who}: ${sayPause(state.pause)}`, since: iso(state.pause.since) }];
  }
  const until = iso(deadlineAt(state, around.now));
  const flights = Object.values(state.inFlight);
  const flying =
    flights.length === 0
      ? []
      : [
          {
            name: 'sweep:updates',
            says: sayFlights(flights.length),
            since: iso(oldest(flights)),
            until,
          },
        ];
  const others = waitingFor(state, around).map((wait) => ({ ...wait, since: iso(wait.since), until }));
  return [...flying, ...others];
}

function commandsOf(state: RolloutState, around: Around): string[] {
  const id = rolloutId(state.plan.context.app);
  if (around.ended) return [`temporal workflow result --workflow-id ${id}`];
  const signal = (verb: string, input = '') => `temporal workflow signal --workflow-id ${id} --name ${verb}${input}`;
  if (state.stop) return [statusCommand(id)];
  const retry = Object.keys(state.failed).length > 0 ? [signal('retry')] : [];
  const steer = state.pause === undefined ? [signal('pause', ` --input '{"reason":"…"}'`)] : [signal('resume')];
  return [...steer, ...retry, signal('abort', ` --input '{"reason":"…"}'`)];
}

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
    deadline: iso(deadlineAt(state, around.now)),
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
    written: state.written,
    interrupted: state.interrupted.slice(0, MOST_INTERRUPTED),
    stopped: state.stopped.slice(0, MOST_INTERRUPTED),
    outside: seen.outside,
    machines: machinesOf(state, seen),
    waits: waitsOf(state, around),
    canType: commandsOf(state, around),
    notes: [...state.plan.notes, ...(state.notice === undefined ? [] : [state.notice])],
  };
}
