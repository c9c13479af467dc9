import { Refused } from '../../activities/plan/refused.js';
import { FlyError } from '../fly/errors.js';
import { crowded, look, NOTHING_SEEN, type Seen } from './capacity.js';
import { drive, type Driven, type Mishap, phaseOf } from './drive.js';
import type { Case } from './fleets.js';
import { APP } from './scenarios.js';
import { changing, hasGhosts, hasLyingLists } from './happened.js';
import { type Breach, judgeRecord } from './laws.js';
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
  seen: Seen;
  /** The journal's length when it said `paused`. */
  pausedAt: number | undefined;
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
  const terminateAtMs = start === 'first' ? testCase.terminateAtMs : undefined;
  return drive(world, {
    type: testCase.input.groups === undefined ? 'stoppedSweep' : 'processGroup',
    input: testCase.input,
    start,
    said: testCase.said,
    mishap: mishapsOf(testCase),
    ...(terminateAtMs === undefined ? {} : { terminateAtMs }),
    ...(testCase.continueEvery === undefined ? {} : { continueEvery: testCase.continueEvery }),
    onLooked: () => {
      watch.seen = look(world.simulator.machines(APP), watch.seen, testCase.input);
    },
    onLaunch: (order, state) => {
      // What puts a machine right is no update: a rollout says `paused` only after it.
      if (state.pause !== undefined && !order.machine.restore)
        watch.broken.push({ law: 'paused', says: `an update of ${order.machine.id} began while paused` });
      if (!hasLyingLists(testCase)) watch.broken.push(...crowded(order, state, watch.seen, testCase.input));
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
  const watch: Watch = { broken: [], seen: NOTHING_SEEN, pausedAt: undefined };
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
