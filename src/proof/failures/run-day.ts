import { Refused } from '../../../activities/plan/refused.js';
import { planRollout } from '../../../activities/plan-rollout.js';
import type { CallEntry, HappeningEntry, JournalEntry } from '../../simulator/journal.js';
import { drive, type Driven, type DriveOptions } from '../drive.js';
import { createWorld, type World } from '../world.js';
import { APP, type Day, HOUR, MINUTE, NEW, type Observed, OLD, OTHER } from './mode.js';

const UNITS: { readonly [unit: string]: number } = { m: MINUTE, h: HOUR };
const msOf = (text: string): number => Number(text.slice(0, -1)) * (UNITS[text.slice(-1)] ?? NaN);

const isCall = (entry: JournalEntry): entry is CallEntry => entry.kind === 'call';
const isHappening = (entry: JournalEntry): entry is HappeningEntry => !('op' in entry);
const tookEffect = ({ status, actual }: CallEntry): boolean => {
  const answered = actual ?? status;
  return typeof answered === 'number' && answered < 300;
};

const writesOf = (world: World): CallEntry[] =>
  world.simulator.journal
    .entries()
    .filter(isCall)
    .filter((call) => call.op === 'update' && tookEffect(call));

/** Ids, versions and request ids are drawn anew by every change of a scenario: the page would never stand still. */
const plain = (text: string): string =>
  text
    .replace(/ \[fly-request-id [^\]]*\]/g, '')
    .replace(/\b01[0-9A-Z]{24}\b/g, '<version>')
    .replace(/\b[0-9a-f]{14}\b/g, '<machine>')
    .replace(/@sha256:[0-9a-f]{64}/g, '');

const counted = (n: number, one: string, many: string): string =>
  n === 0 ? '' : n === 1 ? `1 ${one}` : `${n} ${many}`;

function sayWritten(world: World, starts: readonly Driven[]): string {
  const writes = writesOf(world);
  const machines = new Set(writes.map(({ machine }) => machine)).size;
  const ids = world.simulator.machines(APP).map(({ id }) => id);
  const all = new Set([...ids, ...writes.map(({ machine }) => machine)]).size;
  const stopped = new Set(starts.flatMap(({ state }) => state.stopped)).size;
  const cut = new Set(starts.flatMap(({ state }) => state.interrupted)).size;
  const reverted = world.simulator.journal.entries().filter(({ kind }) => kind === 'reverted').length;
  return [
    writes.length === 0
      ? 'nothing'
      : `${machines} of ${all} machines, ${writes.length === machines ? 'each once' : `${writes.length} writes`}`,
    counted(reverted, 'gone back by Fly', 'gone back by Fly'),
    counted(stopped, 'stopped past "forceAfter"', 'stopped past "forceAfter"'),
    counted(cut, 'met at work, reported', 'met at work, reported'),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

/** The same mark twice on a machine. */
function writtenTwice(world: World): string[] {
  const keys = writesOf(world).map(({ machine, marks }) => `${machine} ${marks?.['layover_rollout']}`);
  return keys.filter((key, at) => keys.indexOf(key) !== at).map((key) => `${key} was written twice`);
}

const forceAfterOf = ({ input }: Day): number =>
  input !== undefined && 'forceAfter' in input ? msOf(String(input.forceAfter)) : Infinity;

/** How long a machine had worked when its job was cut by this call; 0 where a write cut it. */
function workedFor(entries: readonly JournalEntry[], cut: HappeningEntry): number {
  const by = entries.find(({ n }) => n === cut.by?.n);
  const begun = entries
    .filter(isHappening)
    .findLast(({ machine, kind, n }) => machine === cut.machine && n < cut.n && kind !== 'job-cut');
  if (cut.by?.op !== 'stop' || by === undefined) return 0;
  return by.t - (begun?.kind === 'job-started' || begun?.kind === 'created' ? begun.t : by.t);
}

/** Jobs that a write or a stop of ours cut, and who had not worked for as long as the input says. */
function cutEarly(world: World, day: Day): string[] {
  const entries = world.simulator.journal.entries();
  const ours = entries.filter(isHappening).filter(({ kind, by }) => kind === 'job-cut' && by !== undefined);
  const early = day.cuts === true ? [] : ours.filter((cut) => workedFor(entries, cut) < forceAfterOf(day));
  return early.map((cut) => `the job of ${cut.machine} was cut after ${workedFor(entries, cut)} ms`);
}

const leftBehind = (world: World): string[] =>
  world.simulator
    .machines(APP)
    .flatMap(({ id, state, metadata, cordoned, lease }) => [
      ...(metadata['layover_hold'] === undefined || state === 'destroyed' ? [] : [`${id} is left held`]),
      ...(cordoned ? [`${id} is left cordoned`] : []),
      ...(lease?.description.startsWith('layover') === true ? [`our lease on ${id} lives on`] : []),
    ]);

/** Pauses in their order, each once in a row. */
function watchPauses(sees: string[]): NonNullable<DriveOptions['watch']> {
  let last: string | undefined;
  return (loop) => {
    const { pause } = loop.state();
    if (pause !== undefined && pause.code !== last) sees.push(`paused as ${pause.code}: ${plain(pause.says)}`);
    last = pause?.code;
  };
}

function sayEnd({ end }: Driven, world: World): string {
  if (end.kind !== 'terminated') return `${end.outcome}: ${plain(end.says)}`;
  const held = world.simulator.machines(APP).filter(({ metadata }) => 'layover_hold' in metadata).length;
  return `terminated from outside, with ${held} ${held === 1 ? 'machine' : 'machines'} held`;
}

const FLEET = [{ count: 12, region: 'ord', image: OLD, state: 'stopped' }];
export const INPUT = { app: APP, image: NEW, deadline: '6h' };
const GROUPS = { app: APP, image: NEW, bake: '10m' };
/** What is asked for where a day does not say otherwise, by type. */
const INPUTS = { regionalCanary: { ...GROUPS, batches: [2] }, processGroup: GROUPS } as const;
const inputOf = ({ type, input }: Pick<Day, 'type' | 'input'>): object => ({
  ...(type === undefined ? INPUT : INPUTS[type]),
  ...input,
});

/** The world in which somebody judges, where the day has a judge. */
function judged(world: World, { judge }: Day): World {
  if (judge === undefined) return world;
  const begun = world.clock.now();
  const transport = () => Promise.resolve({ status: judge(world.clock.now() - begun), headers: {}, body: '' });
  const judges = { transport, http: { checkout: { url: 'http://judge.test' } } };
  return { ...world, deps: { ...world.deps, judges } };
}

const worldOf = ({ scenario, machines = FLEET, flyAheadMs = 0 }: Day): World =>
  createWorld(
    { seed: 7, images: { [OLD]: {}, [NEW]: {}, [OTHER]: {} }, apps: [{ name: APP, machines }], ...scenario },
    flyAheadMs,
  );

/** One whole rollout (or two) through a bad day, in process on virtual time, and what came of it. */
export async function runDay(day: Day): Promise<Observed> {
  const world = judged(worldOf(day), day);
  const sees: string[] = [];
  const begun = world.clock.now();
  const one = async (input: object, start: string): Promise<Driven> => {
    const pauses = watchPauses(sees);
    const driven = await drive(world, {
      input,
      start,
      ...(day.type === undefined ? {} : { type: day.type }),
      ...(day.said === undefined ? {} : { said: day.said }),
      ...(day.mishap === undefined ? {} : { mishap: day.mishap }),
      ...(day.terminateAtMs === undefined || start !== 'first' ? {} : { terminateAtMs: day.terminateAtMs }),
      watch: (loop, decision) => {
        pauses(loop, decision);
        day.watch?.(world, world.clock.now() - begun);
      },
    });
    sees.push(sayEnd(driven, world));
    return driven;
  };
  const starts = await startAll(day, one);
  await world.clock.sleep(61_000);
  const broken = [...writtenTwice(world), ...cutEarly(world, day), ...leftBehind(world)];
  const observed = { sees, written: sayWritten(world, starts), broken };
  world.simulator.close();
  return observed;
}

async function startAll(day: Day, one: (input: object, start: string) => Promise<Driven>): Promise<Driven[]> {
  const input = inputOf(day);
  if (day.also === undefined) return [await one(input, 'first')];
  const other = inputOf({ ...day, input: day.also.input });
  if (day.also.when === 'meanwhile') return Promise.all([one(input, 'first'), one(other, 'second')]);
  return [await one(input, 'first'), await one(other, 'second')];
}

/** An input that the plan refuses: what it says, and that nothing was written. */
export async function runInput(input: unknown, day: Day = {}): Promise<Observed> {
  const world = worldOf(day);
  try {
    await planRollout({ type: day.type ?? 'stoppedSweep', input, start: 'first' }, world.deps);
    return { sees: ['planned'], written: 'nothing', broken: ['it was not refused'] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const changed = world.simulator.journal
      .entries()
      .filter(isCall)
      .filter(({ method }) => method !== 'GET');
    const broken = changed.map(({ op }) => `${op} was called`);
    return { sees: error.problems.map((problem) => `refused: ${plain(problem)}`), written: 'nothing', broken };
  } finally {
    world.simulator.close();
  }
}
