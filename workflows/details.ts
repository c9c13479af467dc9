import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { groupBy } from '../src/domain/group-by.js';
import type { Status } from '../src/domain/status.js';
import { statusNow } from './controls.js';
import type { Run } from './run.js';

/** Pools shown by name; the sum stands for the rest. */
const MOST_ROWS = 30;
const MOST_FAILED = 20;

const pad = (cells: readonly string[], widths: readonly number[]): string =>
  cells
    .map((cell, index) => (index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join('  ')
    .trimEnd();

/** An aligned code block: the UI draws Markdown tables without padding. */
function table(status: Status): string {
  const head = ['region', 'group', 'at target', 'verified', 'failed', 'foreign', 'left'];
  const rows = status.pools
    .slice(0, MOST_ROWS)
    .map((p) => [p.region, p.group, ...[p.atTarget, p.verified, p.failed, p.foreign, p.left].map(String)]);
  const { counts } = status;
  const sum = [
    'all',
    '',
    ...[counts.atTarget, counts.verified, counts.failed, counts.foreign, counts.left].map(String),
  ];
  const all = [head, ...rows, sum];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return ['```', ...all.map((row) => pad(row, widths)), '```'].join('\n');
}

/** To the minute: the UI's column is narrow. */
const sinceText = (since: string | undefined): string => (since === undefined ? '' : `since ${since.slice(0, 16)}Z`);

/** Where more than one image runs: each image, and below it where how many machines run it. */
function images({ images: rows, otherImages }: Status): string {
  const kinds = [...groupBy(rows.slice(0, MOST_ROWS), ({ image }) => image)];
  if (kinds.length < 2) return '';
  const cells = rows.map(({ region, group }) => [region, group]);
  const [region = 0, group = 0] = [0, 1].map((at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  const shown = kinds.flatMap(([image, kin]) => [
    image.split('@').join('\n  @'),
    ...kin.map((one) => {
      const where = `${one.region.padEnd(region)}  ${one.group.padEnd(group)}`;
      return `${String(one.machines).padStart(6)}  ${where}  ${sinceText(one.since)}`.trimEnd();
    }),
  ]);
  const left = rows.slice(MOST_ROWS).reduce((sum, { machines }) => sum + machines, otherImages);
  const more = left === 0 ? [] : [`and ${left} machines of other kinds`];
  return ['**What runs where**', '', '```', ...shown, ...more, '```'].join('\n');
}

/** A digest is wider than the UI's column, where it would be cut off; the status has it in full. */
const shortDigest = (digest: string): string => (digest.length > 40 ? `${digest.slice(0, 39)}…` : digest);

/** Long references go into a code block of their own: in running text the UI cuts them off. */
const frame = ({ target, deadline, rollout, step }: Status): string =>
  [
    '```',
    ...target.split('@').map((part, index) => (index === 0 ? `target    ${part}` : `          @${shortDigest(part)}`)),
    ...(deadline === undefined ? [] : [`deadline  ${deadline}`]),
    ...(step.of > 1 ? [`step      ${step.name} (${step.number} of ${step.of})`] : []),
    `rollout   ${rollout}`,
    '```',
  ].join('\n');

const HEADLINES: Readonly<Record<string, string>> = {
  running: 'Running',
  baking: 'Baking: health is watched before it goes on',
  waiting: '**Waiting for a person**',
  rollingBack: '**Going back** to what each machine ran before',
  pausing: 'Pausing: updates past their write are finishing, and what Layover held is put back',
  paused: '**Paused**: nothing is written until somebody resumes',
  done: 'Done',
};

const headlineOf = ({ phase, reason }: Status): string =>
  phase === 'paused' && reason === 'fly_unavailable'
    ? '**Paused**: nothing is written until Fly is back'
    : (HEADLINES[phase] ?? phase);

function sayMachines(what: string, ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const more = ids.length > MOST_FAILED ? ` and ${ids.length - MOST_FAILED} more, all named by the status` : '';
  return `${what}: ${ids.slice(0, MOST_FAILED).join(', ')}${more}`;
}

const breakLine = (command: string): string => command.replace(/ (--name|--input) /g, ' \\\n  $1 ');

/** A status as an operator reads it in the Temporal UI. */
export function detailsOf(status: Status): string {
  const { counts } = status;
  const failed = status.machines.filter((machine) => machine.state === 'failed').slice(0, MOST_FAILED);
  const waits = status.waits.map(
    (wait) =>
      `- ${wait.says}, since ${wait.since}${wait.until === undefined ? '' : `, until ${wait.until} at the latest`}`,
  );
  const parts = [
    `### ${headlineOf(status)} — ${counts.atTarget} of ${counts.selected} machines at target`,
    `${status.message} (since ${status.since})`,
    frame(status),
    table(status),
    images(status),
    counts.notRunYet > 0 ? `${counts.notRunYet} of those at target have not run the new version yet.` : '',
    sayMachines('Met at work by their update', status.interrupted),
    sayMachines('Stopped for their update, past "forceAfter"', status.stopped),
    status.turned === undefined ? '' : `**It goes back because** ${status.turned.says} (since ${status.turned.since})`,
    status.gates.length > 0
      ? `**Gates**\n\n${status.gates.map((gate) => `- ${gate.name}: **${gate.verdict}** ${gate.says} (${gate.at})`).join('\n')}`
      : '',
    waits.length > 0 ? `**Waiting for**\n\n${waits.join('\n')}` : '',
    failed.length > 0
      ? `**Failed**\n\n${failed.map((m) => `- \`${m.id}\` ${m.region} ${m.group}: ${m.says}`).join('\n')}`
      : '',
    status.notes.length > 0 ? `**Notes**\n\n${status.notes.map((note) => `- ${note}`).join('\n')}` : '',
    `**What you can type now**\n\n\`\`\`sh\n${status.canType.map(breakLine).join('\n')}\n\`\`\``,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Servers refuse a longer value by ending the workflow: 2,048 bytes on the dev server, 255 characters in SQL stores. */
const MOST_ATTRIBUTE = 200;

const KEYS = {
  FlyApp: defineSearchAttributeKey('FlyApp', 'KEYWORD'),
  FlyImage: defineSearchAttributeKey('FlyImage', 'KEYWORD'),
  RolloutPhase: defineSearchAttributeKey('RolloutPhase', 'KEYWORD'),
} as const;

/** Shows the state in the UI: the details on every change, search attributes only when the phase changes (an event each). */
export function createShow(run: Run): () => void {
  let shown = '';
  return () => {
    const status = statusNow(run);
    if (status.phase === 'planning') {
      setCurrentDetails(`### Planning\n\n${status.message}`);
      return;
    }
    setCurrentDetails(detailsOf(status));
    const attributes = run.loop?.state().plan.attributes ?? [];
    if (status.phase === shown || attributes.length === 0) return;
    const values = {
      FlyApp: run.app,
      FlyImage: status.target.slice(0, MOST_ATTRIBUTE),
      RolloutPhase: status.phase,
    } as const;
    const names = (['FlyApp', 'FlyImage', 'RolloutPhase'] as const).filter((name) => attributes.includes(name));
    upsertSearchAttributes(names.map((name) => ({ key: KEYS[name], value: values[name] })));
    shown = status.phase;
  };
}
