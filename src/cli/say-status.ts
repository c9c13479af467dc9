import { rolloutId } from '../domain/names.js';
import type { MachineNote, Wait } from '../domain/status.js';
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

/** A whole status for people. */
export function sayStatus(status: StatusAnswer, now: number): string[] {
  const { counts, target, rollout, deadline, startedAt, since } = status;
  const far = counts === undefined ? '' : `, ${counts.atTarget} of ${counts.selected} machines at target`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['target', target],
    ['rollout', rollout],
    ['started', startedAt && sayAgo(startedAt, now)],
    ['deadline', deadline],
    ['observed', status.observedAt && sayAgo(status.observedAt, now)],
  ];
  return [
    `${status.app}: ${status.phase}${far}`,
    `${plain(status.message)}${since === undefined ? '' : `, since ${sayAgo(since, now)}`}`,
    '',
    ...facts.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(9)} ${plain(value)}`])),
    ...block(
      'waits for',
      (status.waits ?? []).map((wait) => sayWait(wait, now)),
    ),
    ...block('pools', poolRows(status)),
    ...block('machines to know of', machineRows(status.machines ?? [])),
    ...block('met at work by their update', (status.interrupted ?? []).slice(0, MOST_ROWS)),
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
