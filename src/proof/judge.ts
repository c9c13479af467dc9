import { type JournalEntry, type MachineTruth, tookEffect } from './evidence.js';

/**
 * The judge of the kill proof. It reads what the simulator saw and nothing else, and shares no code with what it
 * judges (a wall that lint keeps): a mistake there cannot be repeated here.
 */

/** One figure of a proof; right when `wrong` is 0. */
export interface Figure {
  readonly says: string;
  readonly wrong: number;
  readonly of: number;
  readonly unit: string;
  /** What was wrong, for whoever has to find out why. */
  readonly examples: readonly string[];
}

/** The end of one sweep, and the change it was about. */
export interface SweepEnd {
  readonly app: string;
  /** What every selected machine is to run, and to have in its environment. */
  readonly digest: string;
  readonly env: Readonly<Record<string, string>>;
  readonly endedAt: number;
  /** The app's machines as they really were then. */
  readonly truth: readonly MachineTruth[];
}

export interface KillCase {
  readonly journal: readonly JournalEntry[];
  readonly sweeps: readonly SweepEnd[];
  readonly final: readonly MachineTruth[];
  /** When the last sweep ended. */
  readonly endedAt: number;
  /** Who has worked for less must not be stopped. */
  readonly forceAfterMs: number;
  /** Machines that all starts of all sweeps together may have booted to see whether the new version works. */
  readonly boots: number;
  /** The same seed and the same changes, and nothing killed. */
  readonly unkilled: { readonly journal: readonly JournalEntry[]; readonly final: readonly MachineTruth[] };
}

const OURS = 'layover ';
const MARK = 'layover_rollout';
const MOST_EXAMPLES = 10;
const LEASE_GRACE_MS = 60_000;

/** All figures of the kill proof. */
export function judgeKills(evidence: KillCase): Figure[] {
  return [
    writtenTwice(evidence),
    unrecorded(evidence),
    forgotten(evidence),
    outside(evidence),
    jobsCut(evidence),
    notIdle(evidence),
    idleStarted(evidence),
    leftHeld(evidence),
    leasesAlive(evidence),
    differing(evidence),
  ];
}

/** A figure with its first examples. */
export const figure = (says: string, wrong: readonly string[], of: number, unit: string): Figure => ({
  says,
  wrong: wrong.length,
  of,
  unit,
  examples: wrong.slice(0, MOST_EXAMPLES),
});

const writesOf = (journal: readonly JournalEntry[]): JournalEntry[] =>
  journal.filter((entry) => entry.op === 'update' && tookEffect(entry));

/** The change a write carried: the hash of its mark and the person's retry, without the start. */
function changeOf(write: JournalEntry): string | undefined {
  const [, hash, retry] = /^([^.]+)\.[^#]*#(\d+)$/.exec(write.marks?.[MARK] ?? '') ?? [];
  return hash === undefined ? undefined : `${hash}#${retry ?? ''}`;
}

function writtenTwice({ journal }: KillCase): Figure {
  const writes = new Map<string, number[]>();
  for (const write of writesOf(journal)) {
    const key = `${write.machine ?? ''} for ${changeOf(write) ?? 'no change'}`;
    writes.set(key, [...(writes.get(key) ?? []), write.n]);
  }
  const twice = [...writes].filter(([, numbers]) => numbers.length > 1);
  const wrong = twice.map(([key, numbers]) => `${key}: journal entries ${numbers.join(', ')}`);
  return figure('machines written twice for one change', wrong, writes.size, 'machines times changes');
}

function unrecorded({ journal }: KillCase): Figure {
  const writes = writesOf(journal);
  const wrong = writes.filter((write) => changeOf(write) === undefined).map(nameOf);
  return figure('writes without their record on the machine', wrong, writes.length, 'writes');
}

const nameOf = ({ machine, n }: JournalEntry): string => `${machine ?? ''}: journal entry ${n}`;

/** What a sweep of these proofs is to change: machines that Fly's own tools manage, unless they are suspended. */
const isSelected = ({ metadata, state }: MachineTruth): boolean =>
  metadata['fly_platform_version'] === 'v2' && !['suspended', 'destroying', 'destroyed'].includes(state);

function isThere({ digest, machine }: MachineTruth, sweep: SweepEnd): boolean {
  const env = machine.config?.env ?? {};
  return digest === sweep.digest && Object.entries(sweep.env).every(([key, value]) => env[key] === value);
}

/** Machines made after a sweep's last look at the list cannot be asked of it. */
function forgotten({ journal, sweeps }: KillCase): Figure {
  const madeAt = new Map(journal.filter(({ kind }) => kind === 'created').map(({ machine, t }) => [machine ?? '', t]));
  const wrong: string[] = [];
  let of = 0;
  for (const sweep of sweeps) {
    const looks = journal.filter(({ op, app, t }) => op === 'list' && app === sweep.app && t <= sweep.endedAt);
    const lastLook = looks.at(-1)?.t ?? sweep.endedAt;
    const asked = sweep.truth.filter((machine) => isSelected(machine) && (madeAt.get(machine.id) ?? 0) < lastLook);
    of += asked.length;
    for (const machine of asked.filter((one) => !isThere(one, sweep)))
      wrong.push(`${machine.app} ${machine.id}: ${machine.state} on ${machine.digest} instead of ${sweep.digest}`);
  }
  return figure('machines forgotten', wrong, of, 'selected machines at the end of each sweep');
}

/** Never touched: what no sweep selects. */
function outside({ journal, final }: KillCase): Figure {
  const left = new Set(final.filter((machine) => !isSelected(machine)).map(({ id }) => id));
  const wrong = writesOf(journal)
    .filter(({ machine }) => left.has(machine ?? ''))
    .map(nameOf);
  return figure('writes to machines outside the selection', wrong, left.size, 'machines outside');
}

/** How long a machine had worked when a stop was asked for; what it began with it began at the first entry. */
function workedFor(journal: readonly JournalEntry[], cut: JournalEntry): number {
  const stop = journal.find(({ n }) => n === cut.by?.n);
  if (stop?.op !== 'stop') return 0;
  const began = journal.findLast(
    ({ kind, machine, t }) => machine === cut.machine && t <= stop.t && (kind === 'job-started' || kind === 'created'),
  );
  return stop.t - (began?.t ?? stop.t);
}

function jobsCut({ journal, forceAfterMs }: KillCase): Figure {
  const started = journal.filter(({ kind }) => kind === 'job-started');
  const wrong = journal
    .filter((entry) => entry.kind === 'job-cut' && workedFor(journal, entry) < forceAfterMs)
    .map((cut) => `${nameOf(cut)}: ${cut.why ?? 'no reason'}`);
  return figure('jobs cut before their deadline', wrong, started.length, 'jobs');
}

/** Stops of ours that met a machine at work: it has to be at work again, or have ended by itself since. */
function isLeftStopped(journal: readonly JournalEntry[], { id, state }: MachineTruth): boolean {
  const here = journal.filter(({ machine }) => machine === id);
  const stop = here.findLast((entry) => entry.op === 'stop' && entry.working === true && tookEffect(entry));
  if (stop === undefined || !IDLE.includes(state)) return false;
  return !here.some(({ n, kind }) => n > stop.n && kind === 'job-started');
}

function leftHeld({ journal, final }: KillCase): Figure {
  const stops = journal.filter((entry) => entry.op === 'stop' && tookEffect(entry));
  const wrong = final
    .filter(({ state }) => !['destroying', 'destroyed'].includes(state))
    .flatMap((machine) => [
      ...(machine.metadata['layover_hold'] === undefined ? [] : [`${machine.id} is held`]),
      ...(machine.cordoned ? [`${machine.id} is cordoned`] : []),
      ...(isLeftStopped(journal, machine) ? [`${machine.id} is stopped`] : []),
    ]);
  return figure('machines left held, cordoned or stopped that should not be', wrong, stops.length, 'stops');
}

const IDLE = ['stopped', 'created', 'failed'];

function notIdle({ journal }: KillCase): Figure {
  const writes = writesOf(journal);
  const wrong = writes
    .filter(({ stateBefore, working }) => !IDLE.includes(stateBefore ?? '') || working === true)
    .map((write) => `${nameOf(write)}: ${write.stateBefore ?? 'no state'}`);
  return figure('machines written that were not idle', wrong, writes.length, 'writes');
}

/** A start call follows a stop of ours, or is one of the boots that were asked for: of a machine just written. */
function reasonOf(start: JournalEntry, journal: readonly JournalEntry[]): 'put right' | 'boot' | undefined {
  const before = journal.filter(({ n, machine }) => n < start.n && machine === start.machine).filter(tookEffect);
  const since = before.slice(before.findLastIndex(({ op }) => op === 'start') + 1);
  if (since.some(({ op }) => op === 'stop')) return 'put right';
  return since.some(({ op }) => op === 'update') ? 'boot' : undefined;
}

/** Start calls that were nobody's to make: without a reason, or beyond the boots that were asked for. */
function unaskedCalls({ journal, boots }: KillCase): string[] {
  const calls = journal.filter((entry) => entry.op === 'start' && tookEffect(entry));
  const reasons = calls.map((start) => ({ start, reason: reasonOf(start, journal) }));
  const beyond = reasons.filter(({ reason }) => reason === 'boot').slice(boots);
  const wrong = [...reasons.filter(({ reason }) => reason === undefined), ...beyond];
  return wrong.map(({ start }) => `${nameOf(start)}: a start call`);
}

/** A start has to have a reason: the proxy woke the machine, its restart policy did, or it was ours to start. */
function idleStarted(evidence: KillCase): Figure {
  const wrong = unaskedCalls(evidence);
  const expected = new Set<string>();
  let starts = 0;
  for (const entry of evidence.journal) {
    const machine = entry.machine ?? '';
    const isCall = entry.op === 'start' && tookEffect(entry);
    if (isCall || entry.kind === 'autostart' || entry.kind === 'restarted') expected.add(machine);
    if (entry.kind !== 'settled' || entry.state !== 'started') continue;
    starts += 1;
    if (!expected.delete(machine)) wrong.push(`${nameOf(entry)}: started without a reason of its own`);
  }
  return figure('idle machines started that nobody asked for', wrong, starts, 'starts');
}

function leasesAlive({ journal, final, endedAt }: KillCase): Figure {
  const taken = journal.filter(
    (entry) => entry.op === 'lease' && tookEffect(entry) && entry.leaseDescription?.startsWith(OURS) === true,
  );
  const wrong = final.flatMap(({ id, lease }) =>
    lease?.description.startsWith(OURS) === true && lease.expiresAt > endedAt + LEASE_GRACE_MS
      ? [`${id}: "${lease.description}" until ${new Date(lease.expiresAt).toISOString()}`]
      : [],
  );
  return figure('leases of ours alive 60 s after the end', wrong, taken.length, 'leases taken');
}

/** The final fleet against the one of the run without kills, times and chances taken out. */
function differing({ journal, final, unkilled }: KillCase): Figure {
  const isStart = (entry: JournalEntry) => entry.kind === 'autostart' || (entry.op === 'start' && tookEffect(entry));
  const woken = new Set([...journal, ...unkilled.journal].filter(isStart).map(({ machine }) => machine ?? ''));
  const mine = new Map(final.map((machine) => [machine.id, essence(machine, woken)]));
  const theirs = new Map(unkilled.final.map((machine) => [machine.id, essence(machine, woken)]));
  const ids = [...new Set([...mine.keys(), ...theirs.keys()])];
  const wrong = ids
    .filter((id) => mine.get(id) !== theirs.get(id))
    .map((id) => `${id}: ${mine.get(id) ?? 'not there'} instead of ${theirs.get(id) ?? 'not there'}`);
  return figure('machines that differ from a run without kills', wrong, ids.length, 'machines');
}

/**
 * What has to be equal: the whole config and the digest that runs. Not the start in the mark and the version ids,
 * which every run draws anew; and for machines that somebody started, not whether they are awake just now, or were
 * when they were written.
 */
function essence({ id, app, state, digest, machine }: MachineTruth, woken: ReadonlySet<string>): string {
  const config: Record<string, unknown> = { ...machine.config };
  const metadata = Object.entries(config['metadata'] ?? {}).map(([key, value]: [string, unknown]) => {
    const text = String(value);
    if (key === MARK) return `${key}=${text.replace(/\..*#/, '#')}`;
    if (key !== 'layover_from') return `${key}=${text}`;
    return `${key}=${woken.has(id) ? '<version>' : text.replace(/^\S+/, '<version>')}`;
  });
  const isEither = woken.has(id) && ['started', 'starting', 'stopping', ...IDLE].includes(state);
  const rest = isEither ? 'started by somebody' : state;
  return sorted({ app, state: rest, digest, config: { ...config, metadata: metadata.toSorted() } });
}

/** JSON with its keys in order, so that equal things have equal texts. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
