import { rolloutId } from '../domain/names.js';
import type { MachineNote } from '../domain/machine-notes.js';
import type { Wait } from '../domain/status-waits.js';
import type { Answer, StatusAnswer } from './ask-status.js';
import { indent, plain, sayAgo, sayLength, table } from './text.js';

/** Machines and pools shown; the JSON has them all. */
const MOST_ROWS = 30;

const sayWait = ({ says, since, until }: Wait, now: number): string =>
  `- ${plain(says)}, since ${sayAgo(since, now)}${until === undefined ? '' : `, until ${until} at the latest`}`;

const block = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...indent(lines)];

function cropped<T>(all: readonly T[], lines: (shown: readonly T[]) => string[]): string[] {
  if (all.length === 0) return [];
  const more = all.length - MOST_ROWS;
  return [...lines(all.slice(0, MOST_ROWS)), ...(more > 0 ? [`and ${more} more (--json has them all)`] : [])];
}

const poolRows = (status: StatusAnswer): string[] =>
  cropped(status.pools ?? [], (pools) =>
    table(
      ['region', 'group', 'at target', 'verified', 'failed', 'foreign', 'left'],
      pools.map((p) => [p.region, p.group, ...[p.atTarget, p.verified, p.failed, p.foreign, p.left].map(String)]),
    ),
  );

const imageRows = ({ images = [], otherImages = 0 }: StatusAnswer, now: number): string[] => [
  ...cropped(images, (shown) =>
    table(
      ['machines', 'image', 'region', 'group', 'since'],
      shown.map((one) => [
        String(one.machines),
        one.image,
        one.region,
        one.group,
        one.since === undefined ? '' : sayAgo(one.since, now),
      ]),
    ),
  ),
  ...(otherImages === 0 ? [] : [`and ${otherImages} machines of other kinds`]),
];

const machineRows = (machines: readonly MachineNote[]): string[] =>
  cropped(machines, (shown) =>
    table(
      ['machine', 'region', 'group', 'state', ''],
      shown.map((one) => [one.id, one.region, one.group, one.state, one.says]),
    ),
  );

/** In one line: phase, how far, and what is awaited since when. */
export function sayStatusLine(status: StatusAnswer, now: number): string {
  const { counts, phase, message, since } = status;
  const far = counts === undefined ? '' : ` ${counts.atTarget} of ${counts.selected} at target;`;
  const failed = counts === undefined || counts.failed === 0 ? '' : ` ${counts.failed} failed;`;
  const age = since === undefined ? '' : `, for ${sayLength(now - Date.parse(since))}`;
  return `${phase}:${far}${failed} ${plain(message)}${age}`;
}

/** Where there are several. */
const sayStep = (step: StatusAnswer['step']): string | undefined =>
  step === undefined || step.of === 1 ? undefined : `${step.name} (${step.number} of ${step.of})`;

/** What it is about and where it is, by name; what there is nothing of is left out. */
function factsOf(status: StatusAnswer, now: number): (readonly [string, string | undefined])[] {
  const { target, rollout, deadline, startedAt, observedAt, turned } = status;
  return [
    ['target', target],
    ['rollout', rollout],
    ['started', startedAt && sayAgo(startedAt, now)],
    ['deadline', deadline],
    ['step', sayStep(status.step)],
    ['goes back', turned?.says],
    ['observed', observedAt && sayAgo(observedAt, now)],
  ];
}

/** A whole status for people. */
export function sayStatus(status: StatusAnswer, now: number): string[] {
  const { counts, since } = status;
  const far = counts === undefined ? '' : `, ${counts.atTarget} of ${counts.selected} machines at target`;
  return [
    `${status.app}: ${status.phase}${far}`,
    `${plain(status.message)}${since === undefined ? '' : `, since ${sayAgo(since, now)}`}`,
    '',
    ...factsOf(status, now).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name.padEnd(9)} ${plain(value)}`],
    ),
    ...block(
      'waits for',
      (status.waits ?? []).map((wait) => sayWait(wait, now)),
    ),
    ...block(
      'gates',
      (status.gates ?? []).map((gate) => `- ${gate.name}: ${gate.verdict} ${plain(gate.says)}`),
    ),
    ...block('pools', poolRows(status)),
    ...block('what runs where', imageRows(status, now)),
    ...block('machines to know of', machineRows(status.machines ?? [])),
    ...block('met at work by their update', (status.interrupted ?? []).slice(0, MOST_ROWS)),
    ...block('stopped for their update, past "forceAfter"', (status.stopped ?? []).slice(0, MOST_ROWS)),
    ...block(
      'notes',
      (status.notes ?? []).map((note) => `- ${plain(note)}`),
    ),
    ...block('what you can type now', status.canType ?? []),
  ];
}

/** Any answer for people. @param address where Temporal was asked. */
export function sayAnswer(answer: Answer, app: string, around: { now: number; address: string }): string[] {
  const { now, address } = around;
  switch (answer.kind) {
    case 'running':
      return sayStatus(answer.status, now);
    case 'ended':
      return [
        `${app}: the rollout ended ${answer.how} at ${sayAgo(answer.at, now)}`,
        ...answer.says.split('\n').map(plain),
        ...(answer.status === undefined ? [] : ['', ...sayStatus(answer.status, now)]),
      ];
    case 'no worker':
      return [
        `${app}: a rollout runs since ${sayAgo(answer.since, now)}, and no worker answers for it`,
        'It goes on where it was as soon as one polls: layover worker. Signals are kept meanwhile.',
        ...block('what was in hand', answer.doing.map(plain)),
        '',
        `The machines themselves say how far it is: layover status ${app} --from-fly`,
      ];
    case 'none':
      return [
        `${app}: there is no rollout (no workflow ${rolloutId(app)} at ${address})`,
        `What machines say of earlier ones: layover status ${app} --from-fly`,
      ];
    case 'away':
      return [
        `${app}: Temporal at ${address} ${plain(answer.says)}`,
        `The machines themselves can be asked without it: layover status ${app} --from-fly`,
      ];
  }
}
