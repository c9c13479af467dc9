import type { Outcome } from './endings.js';
import type { Observation } from './fleet.js';
import { iso } from './iso.js';
import { openGates, stepEndsAt, stepOf } from './progress.js';
import { sayCount } from './say-count.js';
import { sayMs } from './say-ms.js';
import { deadlineAt, type Pause, type RolloutState } from './state.js';
import { sayWaits } from './waits.js';

export interface Wait {
  /** For example `sweep:stragglers`. */
  readonly name: string;
  readonly says: string;
  readonly since: string;
  /** Left out for a pause, which has no deadline. */
  readonly until?: string;
}

/** What only the workflow knows: when it began to look, and how it ended. */
export interface Around {
  readonly now: number;
  readonly lookingSince?: number;
  readonly ended?: { readonly outcome: Outcome; readonly says: string; readonly at: number };
}

/** Before the first look. */
export const noObservation: Observation = {
  at: 0,
  since: 0,
  listed: 0,
  whole: true,
  unlisted: 0,
  doubtful: 0,
  unseen: 0,
  retried: 0,
  pools: [],
  candidates: [],
  remarks: [],
  missed: [],
  sick: [],
  outside: {},
  stragglers: 0,
  overdue: 0,
  held: 0,
  trials: [],
  shown: [],
  early: {},
  unreachable: 0,
  busy: 0,
  aheadMs: 0,
};

/** Who paused it and why, or what it paused for by itself. */
export const sayPause = ({ code, says, by }: Pause): string =>
  code === 'asked' ? `paused by ${by ?? 'somebody'}: ${says}` : says;

/** Since when the first of them goes on. */
export const oldest = (since: readonly { readonly since: number }[]): number =>
  Math.min(...since.map((one) => one.since));

export const sayFlights = (flights: number): string => sayCount(flights, 'update in flight', 'updates in flight');

/** What a bake or an approval waits for. */
export function stepWait(state: RolloutState): { name: string; says: string; since: number } | undefined {
  const step = stepOf(state);
  const { since } = state.step;
  if (step.kind === 'update') return undefined;
  if (step.kind === 'approval') return { name: step.name, says: `a person's yes to ${step.name} (proceed)`, since };
  const open = openGates(state, step).map(({ name }) => name);
  const judges = open.length === 0 ? 'while its health is watched' : `and gates judge: ${open.join(', ')}`;
  return { name: step.name, says: `baking ${sayMs(step.ms + state.step.extendedMs)} ${judges}`, since };
}

/** What keeps the rollout from going on, with the name that each wait has and since when it goes on. */
export function waitingFor(state: RolloutState, around: Around): { name: string; says: string; since: number }[] {
  const looking = around.lookingSince ?? state.startedAt;
  const rests = Object.values(state.resting).length;
  const [one, many] = ['machine that Fly would not update just now', 'machines that Fly would not update just now'];
  const { name: step } = stepOf(state);
  const resting = { name: `${step}:resting`, says: sayCount(rests, one, many), since: looking };
  return [...sayWaits(step, state.seen ?? noObservation, state.waits, looking), ...(rests === 0 ? [] : [resting])];
}

/** Every wait with its name and since, and its deadline unless it is a pause. */
export function waitsOf(state: RolloutState, around: Around): Wait[] {
  if (around.ended) return [];
  if (state.pause) {
    const who = state.pause.code === 'fly_unavailable' ? 'Fly' : 'a person';
    return [{ name: 'pause', says: `${who}: ${sayPause(state.pause)}`, since: iso(state.pause.since) }];
  }
  const end = Math.min(deadlineAt(state, around.now), stepEndsAt(state));
  const until = Number.isFinite(end) ? { until: iso(end) } : {};
  const flights = Object.values(state.inFlight);
  const flying =
    flights.length === 0
      ? []
      : [
          {
            name: `${stepOf(state).name}:updates`,
            says: sayFlights(flights.length),
            since: iso(oldest(flights)),
            ...until,
          },
        ];
  const step = stepWait(state);
  const others = [...(step === undefined ? [] : [step]), ...waitingFor(state, around)];
  return [...flying, ...others.map((wait) => ({ ...wait, since: iso(wait.since), ...until }))];
}
