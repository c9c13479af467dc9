import type { Answer, StatusAnswer } from './ask-status.js';
import type { Known, Started } from './explain.js';
import type { FleetRecord } from './from-fly.js';
import { indent, plain } from './text.js';

/** A screen: what does not fit is counted. */
const MOST_LINES = 40;
/** Of them, for what happened; the rest is for where it stands and what the machines say. */
const MOST_ENTRIES = 24;
const MOST_OTHERS = 5;

/** One line of an audit. */
export interface AuditEntry {
  readonly at?: string;
  readonly app: string;
  readonly rollout?: string;
  readonly what: string;
  readonly says: string;
  readonly by?: string;
  /** Of a machine: where it is, how it is, what it runs. */
  readonly machine?: Pick<FleetRecord['machines'][number], 'id' | 'region' | 'group' | 'state' | 'image'>;
}

/** Of a rollout that was terminated, what it said last. */
function statusOf(answer: Answer): StatusAnswer | undefined {
  if (answer.kind === 'ended') return answer.status ?? answer.last;
  return answer.kind === 'running' ? answer.status : undefined;
}

/** Where it stands, in a sentence. */
function standing({ app, answer }: Known, address: string): string {
  switch (answer.kind) {
    case 'running':
      return `${app}: ${answer.status.phase}: ${plain(answer.status.message)}`;
    case 'ended':
      return `${app}: ended ${answer.how} at ${answer.at}: ${plain(answer.says.split('\n')[0] ?? '')}`;
    case 'no worker':
      return `${app}: a rollout runs since ${answer.since}, and no worker answers for it: its story is told when one does`;
    case 'none':
      return `${app}: Temporal at ${address} knows of no rollout; what follows is from the machines`;
    case 'away':
      return `${app}: Temporal at ${address} ${plain(answer.says)}`;
  }
}

const sayStart = ({ at, by, through }: Started): string => `${at}  started by ${plain(by)}, as ${plain(through)}`;

/** The first few and the latest, with what is left out between them. */
function cropped(lines: readonly string[], left: number, most: number): string[] {
  if (lines.length <= most)
    return left === 0 ? [...lines] : [...lines.slice(0, 1), `… ${left} more`, ...lines.slice(1)];
  const first = Math.floor(most / 3);
  const over = lines.length - most + 1;
  return [
    ...lines.slice(0, first),
    `… ${over + left} more (--json has those that are kept)`,
    ...lines.slice(first + over),
  ];
}

/** What it waited for when it was ended, it waits for no more. */
const waitsOf = ({ answer }: Known): StatusAnswer['waits'] =>
  answer.kind === 'running' ? answer.status.waits : undefined;

function story(status: StatusAnswer | undefined, started: Started | undefined): string[] {
  const begun = started === undefined ? [] : [sayStart(started)];
  const entries = (status?.diary ?? []).map(
    ({ at, says, by }) => `${at}  ${plain(says)}${by === undefined ? '' : ` (by ${plain(by)})`}`,
  );
  return [...begun, ...cropped(entries, status?.diaryLeft ?? 0, MOST_ENTRIES)];
}

/** Counted under each text, most first, in few lines. */
function counted(texts: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const more = sorted.slice(MOST_OTHERS).reduce((sum, [, n]) => sum + n, 0);
  const rows = sorted.slice(0, MOST_OTHERS).map(([text, n]) => `${String(n).padStart(5)}  ${plain(text)}`);
  return more === 0 ? rows : [...rows, `${String(more).padStart(5)}  others`];
}

/** Who wrote a machine last, and from what. */
const sayRecord = ({ rollout, fromImage }: FleetRecord['machines'][number]): string =>
  rollout === undefined
    ? 'without the mark of a rollout'
    : `written by ${rollout.replace(/#\d+$/, '')}${fromImage === undefined ? '' : `, before that ${fromImage.split('@')[0]}`}`;

function sayMachines(fleet: FleetRecord | string): string[] {
  if (typeof fleet === 'string') return [fleet];
  const held = fleet.machines.filter(({ hold }) => hold !== undefined).length;
  const failing = fleet.machines.filter(({ failing: why }) => why !== undefined).length;
  return [
    `machines, by their own record: ${fleet.machines.length}, ${failing} not well, ${held} held by a rollout`,
    ...counted(fleet.machines.map(sayRecord)),
  ];
}

/** At most forty lines: where it stands, who did what when and why, and what the machines say. */
export function sayExplained(known: Known, address: string): string[] {
  const status = statusOf(known.answer);
  const about =
    status?.target === undefined ? [] : [`${status.type} to ${plain(status.target)}, rollout ${status.rollout ?? ''}`];
  const waits = (waitsOf(known) ?? [])
    .slice(0, MOST_OTHERS)
    .map(({ says, since }) => `waits for ${plain(says)}, since ${since}`);
  const lines = [
    standing(known, address),
    ...indent([...about, ...waits]),
    ...indent(story(status, known.started)),
    ...indent(sayMachines(known.fleet)),
  ];
  return lines.slice(0, MOST_LINES);
}

/** What the rollout itself tells, with who began it and how it ended. */
function storyEntries({ answer, started }: Known): Omit<AuditEntry, 'app'>[] {
  const status = statusOf(answer);
  const left = status?.diaryLeft ?? 0;
  const noted = (by: string | undefined) => (by === undefined ? {} : { by });
  return [
    ...(started === undefined
      ? []
      : [{ at: started.at, what: 'started', says: `as ${started.through}`, by: started.by }]),
    ...(status?.diary ?? []).map(({ at, says, by }) => ({ at, what: 'happened', says, ...noted(by) })),
    ...(left === 0
      ? []
      : [{ what: 'left out', says: `${left} entries between the first and the latest are not kept` }]),
    ...(answer.kind === 'ended'
      ? [{ at: answer.at, what: 'ended', says: `${answer.how}: ${answer.says.split('\n')[0] ?? ''}` }]
      : []),
  ];
}

function machineEntries(fleet: FleetRecord | string): Omit<AuditEntry, 'app'>[] {
  if (typeof fleet === 'string') return [{ what: 'machines', says: fleet }];
  return fleet.machines.map((one) => ({
    ...(one.rollout === undefined ? {} : { rollout: one.rollout }),
    what: 'machine',
    says: sayRecord(one),
    machine: { id: one.id, region: one.region, group: one.group, state: one.state, image: one.image },
  }));
}

/** The same for an audit, a line each; machines one by one. */
export function entriesOf(known: Known, address: string): AuditEntry[] {
  const { app, answer, fleet } = known;
  const rollout = statusOf(answer)?.rollout;
  const name = rollout === undefined ? {} : { rollout };
  const stands = { app, ...name, what: 'standing', says: plain(standing(known, address)) };
  return [
    stands,
    ...storyEntries(known).map((entry) => ({ app, ...name, ...entry, says: plain(entry.says) })),
    ...machineEntries(fleet).map((entry) => ({ app, ...entry, says: plain(entry.says) })),
  ];
}
