import { Refused } from '../../activities/plan/refused.js';
import { FlyError } from '../fly/errors.js';
import { drive, type Driven, type Mishap, phaseOf } from './drive.js';
import type { Case, CaseInput } from './fleets.js';
import { APP } from './scenarios.js';
import type { MachineTruth } from '../simulator/truth.js';
import { type Breach, changing, hasGhosts, judgeRecord } from './laws.js';
import { createWorld, type World } from './world.js';

/** What came of one case. */
export interface Verdict {
  readonly broken: readonly Breach[];
  /** How its last start ended; `refused` by the plan, or `fly` where Fly did not let it plan. */
  readonly outcome: string;
  readonly calls: number;
  /** Machines that were stopped past "forceAfter". */
  readonly stopped: number;
}

/** What is watched while a case runs. */
interface Watch {
  readonly broken: Breach[];
  /** Idle machines of a region and group at the last look. */
  idle: ReadonlyMap<string, number>;
  /** Machines at work, or held by us, at the last look. */
  up: ReadonlyMap<string, number>;
  /** The journal's length when it said `paused`. */
  pausedAt: number | undefined;
}

const place = (machine: { region: string; group: string }): string => `${machine.region} ${machine.group}`;
const IDLE = ['stopped', 'created', 'failed', 'suspended', 'replacing'];

function countBy(world: World, isOne: (machine: MachineTruth) => boolean): Map<string, number> {
  const counts = new Map<string, number>();
  for (const machine of world.simulator.machines(APP)) {
    if (isOne(machine)) counts.set(place(machine), (counts.get(place(machine)) ?? 0) + 1);
  }
  return counts;
}

/** As many as may be away, by a second hand. */
function roomOf({ maxUnavailable = '33%' }: CaseInput, up: number): number {
  if (typeof maxUnavailable === 'number') return maxUnavailable;
  return Math.max(1, Math.ceil((Number(maxUnavailable.slice(0, -1)) / 100) * up));
}

/** Each attempt goes wrong as drawn; after two rounds none does, so that every case ends. */
function mishapsOf({ mishaps }: Case): () => Mishap {
  let drawn = 0;
  return () => {
    const mishap = drawn < mishaps.length * 2 ? mishaps[drawn % mishaps.length] : undefined;
    drawn += 1;
    return mishap ?? { kind: 'none' };
  };
}

/** What a resumed loop sends comes after this look, so nothing may be in the journal since it said `paused`. */
function watchPause(world: World, testCase: Case, watch: Watch, phase: string): void {
  if (phase === 'paused') {
    watch.pausedAt ??= world.simulator.journal.entries().length;
    return;
  }
  if (watch.pausedAt === undefined) return;
  const since = hasGhosts(testCase) ? [] : changing(world.simulator.journal.entries(watch.pausedAt));
  watch.broken.push(
    ...since.map((call): Breach => ({ law: 'paused', says: `${call.op} ${call.machine} while paused` })),
  );
  watch.pausedAt = undefined;
}

function driveOnce(world: World, testCase: Case, start: 'first' | 'second', watch: Watch): Promise<Driven> {
  const listsLie = JSON.stringify(testCase.scenario.faults).includes('"list"');
  const terminateAtMs = start === 'first' ? testCase.terminateAtMs : undefined;
  return drive(world, {
    input: testCase.input,
    start,
    said: testCase.said,
    mishap: mishapsOf(testCase),
    ...(terminateAtMs === undefined ? {} : { terminateAtMs }),
    ...(testCase.continueEvery === undefined ? {} : { continueEvery: testCase.continueEvery }),
    onLooked: () => {
      watch.idle = countBy(world, ({ state }) => IDLE.includes(state));
      watch.up = countBy(world, ({ state, metadata }) => state === 'started' || 'layover_hold' in metadata);
    },
    onLaunch: ({ machine }, state) => {
      // What puts a machine right is no update: a rollout says `paused` only after it.
      if (state.pause !== undefined && !machine.restore)
        watch.broken.push({ law: 'paused', says: `an update of ${machine.id} began while paused` });
      const here = Object.values(state.inFlight).filter((flight) => place(flight) === place(machine));
      const away = here.filter(({ working }) => working === 'up').length;
      const room = roomOf(testCase.input, watch.up.get(place(machine)) ?? 0);
      if (!listsLie && away > room)
        watch.broken.push({ law: 'room', says: `${away} of ${place(machine)} away where ${room} may be` });
      const flying = here.filter(({ working, restore }) => !working && !restore).length;
      const idle = watch.idle.get(place(machine)) ?? 0;
      if (listsLie || flying <= Math.max(1, Math.floor(idle / 2))) return;
      watch.broken.push({ law: 'half', says: `${flying} of ${idle} idle machines of ${place(machine)} in flight` });
    },
    watch: (loop) => watchPause(world, testCase, watch, phaseOf(loop, world.clock.now())),
  });
}

async function driveToEnd(world: World, testCase: Case, watch: Watch): Promise<Driven[]> {
  const first = await driveOnce(world, testCase, 'first', watch);
  if (first.end.kind !== 'terminated') return [first];
  watch.pausedAt = undefined;
  return [first, await driveOnce(world, testCase, 'second', watch)];
}

/** Runs one case to its end and judges it; a refusal by the plan is an end like any other. */
export async function runCase(testCase: Case): Promise<Verdict> {
  const world = createWorld(testCase.scenario);
  const watch: Watch = { broken: [], idle: new Map(), up: new Map(), pausedAt: undefined };
  try {
    const starts = await driveToEnd(world, testCase, watch);
    return await judgeEnd(world, testCase, starts, watch);
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof FlyError)) throw error;
    return { broken: watch.broken, outcome: error instanceof Refused ? 'refused' : 'fly', calls: 0, stopped: 0 };
  } finally {
    world.simulator.close();
  }
}

async function judgeEnd(world: World, testCase: Case, starts: readonly Driven[], watch: Watch): Promise<Verdict> {
  const end = starts.at(-1)?.end ?? { kind: 'terminated' as const };
  const [outcome, says] = end.kind === 'terminated' ? ['terminated', ''] : [end.outcome, end.says];
  const endedAt = world.simulator.journal.entries().length;
  const truthAtEnd = world.simulator.machines(APP);
  await world.clock.sleep(hasGhosts(testCase) || testCase.terminateAtMs !== undefined ? 180_000 : 61_000);
  const entries = world.simulator.journal.entries();
  const broken = judgeRecord({
    testCase,
    outcome,
    says,
    interrupted: new Set(starts.flatMap(({ state }) => state.interrupted)),
    entries,
    endedAt,
    truthAtEnd,
    truthLater: world.simulator.machines(APP),
  });
  return {
    broken: [...watch.broken, ...broken],
    outcome,
    calls: entries.filter((entry) => entry.kind === 'call').length,
    stopped: new Set(starts.flatMap(({ state }) => state.stopped)).size,
  };
}
