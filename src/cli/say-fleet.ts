import type { FleetRecord, MachineRecord } from './from-fly.js';
import { indent, plain, table } from './text.js';

/** Of a check's last output, whose end says most: an output may be a whole page. */
const MOST_OUTPUT = 400;

/** Machines shown one by one; the JSON has them all. */
const MOST_MACHINES = 200;

const DIGEST_SHOWN = 19;

const shortDigest = (digest: string | undefined): string =>
  digest === undefined ? '' : `@${digest.slice(0, DIGEST_SHOWN)}`;

/** A reference as a table shows it: digests are long, and their first digits tell them apart. */
const shortImage = (image: string): string => {
  const [name = '', digest] = image.split('@');
  return `${name}${shortDigest(digest)}`;
};

const runs = ({ image, digest }: MachineRecord): string => `${image}${shortDigest(digest)}`;

/** Counted under each text, most first. */
function counted(texts: readonly string[]): string[][] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([text, count]) => [String(count), text]);
}

const block = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['', title, ...indent(lines)];

const head = ['machine', 'region', 'group', 'state', 'version', 'runs', 'rollout', 'from'];

const rowOf = (one: MachineRecord): string[] => [
  one.id,
  one.region,
  one.group,
  one.state,
  one.version,
  runs(one),
  one.rollout ?? '',
  one.fromImage === undefined ? (one.from ?? '') : shortImage(one.fromImage),
];

function sayFailing(one: MachineRecord): string[] {
  const checks = (one.checks ?? []).map(({ name, status, output }) => {
    const end = plain(output).trim().slice(-MOST_OUTPUT);
    return `${plain(name)} ${plain(status)}${end === '' ? '' : `: ${end}`}`;
  });
  return [`${one.id} ${one.region} ${plain(one.group)}: ${one.failing ?? ''}`, ...indent(checks)];
}

/** A fleet's own record for people. */
export function sayFleet({ app, machines }: FleetRecord): string[] {
  const marked = machines.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout.replace(/#\d+$/, '')]));
  const failing = machines.filter((one) => one.failing !== undefined);
  const more = machines.length - MOST_MACHINES;
  const held = machines.filter((one) => one.hold !== undefined);
  return [
    `${app}: ${machines.length} machines, ${marked.length} carry a rollout's mark, ${failing.length} not well`,
    ...block('images', table(['machines', 'image'], counted(machines.map(runs)))),
    ...block('rollouts', marked.length === 0 ? [] : table(['machines', 'rollout'], counted(marked))),
    ...block(
      'held by a rollout',
      held.map((one) => `${one.id}: ${plain(one.hold ?? '')}`),
    ),
    ...block('not well', failing.flatMap(sayFailing)),
    ...block('machines', table(head, machines.slice(0, MOST_MACHINES).map(rowOf))),
    ...(more > 0 ? [`  and ${more} more (--json has them all)`] : []),
  ];
}
