import { createRandom, draw, type Random } from '../simulator/random.js';
import type { RolloutState } from '../domain/state.js';
import type { Verb } from '../domain/verbs.js';
import { drive, type DriveOptions, phaseOf, type Said } from './drive.js';
import { CHECKED } from './serving.js';
import { createWorld, type World } from './world.js';

const APP = 'words';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const MINUTE = 60_000;

/** The one wait for a person. */
const WAIT = 'ams:approval';

/** Two entries, each with a bake of three minutes and a judge; a person between them. */
const INPUT = {
  app: APP,
  image: NEW,
  regions: ['ams', 'ord'],
  batches: [1],
  bake: '3m',
  gates: [{ http: 'judge' }, 'approval'],
};

export interface WordsFigures {
  readonly sequences: number;
  readonly words: number;
  readonly ends: Readonly<Record<string, number>>;
  /** What went against the model, by its name, with the seeds. */
  readonly broken: Readonly<Record<string, readonly number[]>>;
}

/** In the order in which they are told. */
const LAWS = [
  'writes of the second entry before its approval',
  'writes of the second entry without a judge asked since the first was written',
  'approvals that nobody gave while they were waited for',
  'a second proceed that changed anything',
  'updates begun after an abort',
  'updates begun during a pause',
  'writes while it says paused',
  'aborts that did not end it',
  'machines written twice one way',
] as const;
type Law = (typeof LAWS)[number];

const WAITS = ['ams:bake', 'ams:approval', 'ord:bake', 'ord:approval', 'closing', ''];

/** A word as people say it: often right, sometimes twice, sometimes of another wait, sometimes nonsense. */
function wordOf(random: Random): Pick<Said, 'verb' | 'input'> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const verb = pick<Verb>(['pause', 'resume', 'resume', 'proceed', 'proceed', 'proceed', 'retry', 'rollback', 'abort']);
  const isRare = verb === 'rollback' || verb === 'abort';
  if (isRare && random.next() < 0.7) return { verb: 'proceed', input: { at: 'ams:approval' } };
  if (verb === 'proceed') return { verb, input: { at: pick(WAITS) } };
  return random.next() < 0.1 ? { verb, input: { nonsense: true } } : { verb };
}

function saidOf(random: Random): Said[] {
  const words = Array.from({ length: draw(random, [4, 14]) }, () => {
    const word = { atMs: draw(random, [0, 15 * MINUTE]), ...wordOf(random) };
    return random.next() < 0.2 ? [word, word] : [word];
  });
  // Whatever was said, somebody lets it on later, and ends it if it still waits.
  const last: Said[] = [
    { atMs: 40 * MINUTE, verb: 'resume' },
    { atMs: 50 * MINUTE, verb: 'proceed', input: { at: 'ams:approval' } },
    { atMs: 55 * MINUTE, verb: 'resume' },
    { atMs: 60 * MINUTE, verb: 'proceed', input: { at: 'ams:approval' } },
    { atMs: 180 * MINUTE, verb: 'abort' },
  ];
  return [...words.flat(), ...last];
}

/** What the sequence is judged by: the clock and the log of Fly, and what was said when. */
interface Watch {
  readonly broken: Set<Law>;
  readonly options: Pick<DriveOptions, 'watch' | 'onLaunch'>;
  readonly approvedAt: () => number | undefined;
}

/** What a person says lets it on only while it is waited for, and only once. */
function createEar(world: World, said: readonly Said[], broken: Set<Law>) {
  const begunAt = world.clock.now();
  let last = '';
  let approvedAt: number | undefined;
  let proceeded: { name: string; at: number } | undefined;
  const isSaid = (name: string) =>
    said.some(({ verb, atMs, input }) => {
      const at = input !== undefined && 'at' in input ? input.at : undefined;
      return verb === 'proceed' && at === name && begunAt + atMs <= world.clock.now();
    });
  const hearApproval = () => {
    approvedAt = world.clock.now();
    if (last !== WAIT || !isSaid(WAIT)) broken.add('approvals that nobody gave while they were waited for');
  };
  return {
    approvedAt: () => approvedAt,
    hear({ plan, step, proceeded: names }: RolloutState) {
      const name = plan.steps[step.index]?.name ?? '';
      if (names.includes(WAIT) && approvedAt === undefined) hearApproval();
      const at = step.proceededAt;
      const isChanged = at !== undefined && proceeded?.name === name && proceeded.at !== at;
      if (isChanged) broken.add('a second proceed that changed anything');
      if (at !== undefined) proceeded = { name, at };
      last = name;
    },
  };
}

function watching(world: World, said: readonly Said[]): Watch {
  const broken = new Set<Law>();
  const ear = createEar(world, said, broken);
  return {
    broken,
    approvedAt: ear.approvedAt,
    options: {
      watch: (loop) => ear.hear(loop.state()),
      onLaunch: ({ machine }, state) => {
        if (machine.restore) return;
        if (state.stop !== undefined) broken.add('updates begun after an abort');
        if (state.pause !== undefined) broken.add('updates begun during a pause');
      },
    },
  };
}

/** One sequence of words, and which laws it broke. */
async function speak(seed: number): Promise<{ broken: Set<Law>; end: string; words: number }> {
  const random = createRandom(seed);
  const machines = ['ams', 'ord'].flatMap((region) => [
    { count: 2, region, image: OLD, state: 'started', running: true, config: CHECKED },
    { count: 1, region, image: OLD, state: 'stopped', config: CHECKED },
  ]);
  const made = createWorld({ seed, images: { [OLD]: {}, [NEW]: {} }, apps: [{ name: APP, machines }] });
  const asked: number[] = [];
  const transport = () => {
    asked.push(made.clock.now());
    return Promise.resolve({ status: 200, headers: {}, body: '' });
  };
  const judges = { transport, http: { judge: { url: 'http://judge.test' } } };
  const world: World = { ...made, deps: { ...made.deps, judges } };
  const said = saidOf(random);
  const { broken, options, approvedAt } = watching(world, said);
  const silences: { from: number; to: number }[] = [];
  const watch: DriveOptions['watch'] = (loop, decision) => {
    options.watch?.(loop, decision);
    const now = world.clock.now();
    const isPaused = phaseOf(loop, now) === 'paused';
    const open = silences.at(-1);
    if (isPaused && open?.to !== Infinity) silences.push({ from: now, to: Infinity });
    if (!isPaused && open?.to === Infinity) silences[silences.length - 1] = { from: open.from, to: now };
  };
  const driven = await drive(world, { type: 'regionalCanary', input: INPUT, start: 'words', said, ...options, watch });
  judgeLog(world, { asked, approvedAt: approvedAt(), silences, broken });
  const end = driven.end.kind === 'finish' ? driven.end.outcome : driven.end.kind;
  if (driven.state.stop !== undefined && end !== 'aborted') broken.add('aborts that did not end it');
  return { broken, end, words: said.length };
}

interface Told {
  readonly asked: readonly number[];
  readonly approvedAt: number | undefined;
  readonly silences: readonly { readonly from: number; readonly to: number }[];
  readonly broken: Set<Law>;
}

/** What Fly's log says of it. */
function judgeLog(world: World, { asked, approvedAt, silences, broken }: Told): void {
  const regionOf = new Map(world.simulator.machines(APP).map(({ id, region }) => [id, region]));
  const writes = world.simulator.journal
    .entries()
    .flatMap((entry) =>
      entry.kind === 'call' && entry.op === 'update' && entry.status === 200
        ? [{ t: entry.t, id: entry.machine ?? '', mark: entry.marks?.['layover_rollout'] ?? '' }]
        : [],
    );
  const lastFirst = Math.max(...writes.filter(({ id }) => regionOf.get(id) === 'ams').map(({ t }) => t), 0);
  const second = writes.filter(({ id }) => regionOf.get(id) === 'ord').map(({ t }) => t);
  const firstSecond = Math.min(...second);
  if (second.length > 0 && (approvedAt === undefined || approvedAt > firstSecond))
    broken.add('writes of the second entry before its approval');
  const isJudged = asked.some((at) => at < firstSecond) && lastFirst > 0;
  if (second.length > 0 && !isJudged)
    broken.add('writes of the second entry without a judge asked since the first was written');
  if (writes.some(({ t }) => silences.some(({ from, to }) => t > from && t < to)))
    broken.add('writes while it says paused');
  const ways = writes.map(({ id, mark }) => `${id} ${mark.split('.')[0]}#${mark.split('#')[1]}`);
  if (new Set(ways).size < ways.length) broken.add('machines written twice one way');
}

/** Random sequences of words to a canary, against a model that shares no code with what it judges. */
export async function proveWords(sequences: number, firstSeed: number, signal?: AbortSignal): Promise<WordsFigures> {
  const ends: Record<string, number> = {};
  const broken: Record<string, number[]> = Object.fromEntries(LAWS.map((law) => [law, []]));
  let words = 0;
  for (let seed = firstSeed; seed < firstSeed + sequences; seed += 1) {
    signal?.throwIfAborted();
    const spoken = await speak(seed);
    words += spoken.words;
    ends[spoken.end] = (ends[spoken.end] ?? 0) + 1;
    for (const law of spoken.broken) broken[law]?.push(seed);
  }
  return { sequences, words, ends, broken };
}

/** One line a figure. */
export const sayWords = ({ sequences, words, ends, broken }: WordsFigures): string[] => [
  `sequences: ${sequences} with ${words} words (${Object.entries(ends)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([end, n]) => `${n} ${end}`)
    .join(', ')})`,
  ...Object.entries(broken).map(
    ([law, seeds]) => `${law}: ${seeds.length}${seeds.length === 0 ? '' : ` (seeds ${seeds.slice(0, 5).join(', ')})`}`,
  ),
];

export const isKept = ({ broken }: WordsFigures): boolean => Object.values(broken).every(({ length }) => length === 0);
