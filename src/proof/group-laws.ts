import type { CallEntry } from '../simulator/journal.js';
import { hasLyingLists, isHappening, markOf, msOf, ourWrites, type Record } from './happened.js';

/** The laws of process groups alone: which comes when. */

interface GroupWrite extends CallEntry {
  readonly group: string;
  /** Which start of the rollout wrote it, and after how many `retry`. */
  readonly start: string;
  readonly retries: number;
}

function writesOf(record: Record): GroupWrite[] {
  const groups = new Map(record.truthLater.map(({ id, group }) => [id, group]));
  return ourWrites(record).map((call) => {
    const [start = '', retries = '0'] = markOf(call).split('#');
    return { ...call, group: groups.get(call.machine ?? '') ?? '', start, retries: Number(retries) };
  });
}

/**
 * Machines that nothing but its turn kept from its write: there and awake from the start, on a host that was always
 * there, and written for the first time.
 */
function isPlain(write: GroupWrite, { entries, testCase }: Record): boolean {
  const here = entries.filter(isHappening).filter(({ machine }) => machine === write.machine);
  const born = here.find(({ kind }) => kind === 'created');
  const isThere = (born?.t ?? 0) <= (entries[0]?.t ?? 0) && born?.state !== 'suspended';
  const isTroubled = here.some(({ kind }) => kind === 'host-lost' || kind === 'autostart');
  const own = testCase.input.groups?.find(({ group }) => group === write.group);
  return isThere && !isTroubled && write.retries === 0 && own?.idleOnly === undefined;
}

/** For each start and each group that it wrote to: the first write, and the groups that were named before. */
function turns(record: Record, writes: readonly GroupWrite[]): { first: GroupWrite; before: readonly string[] }[] {
  const named = record.testCase.input.groups?.map(({ group }) => group) ?? [];
  const starts = [...new Set(writes.map(({ start }) => start))];
  return starts.flatMap((start) =>
    named.flatMap((group, n) => {
      const first = writes.find((write) => write.start === start && write.group === group && write.retries === 0);
      return first === undefined ? [] : [{ first, before: named.slice(0, n) }];
    }),
  );
}

/** Nothing of a group that could have been written in its turn is first written after a later group's first. */
export function order(record: Record): string[] {
  if (hasLyingLists(record.testCase)) return [];
  const writes = writesOf(record);
  const ever = new Set<string>();
  const firsts = writes.filter(({ machine = '' }) => !ever.has(machine) && ever.add(machine));
  return turns(record, writes).flatMap(({ first, before }) =>
    firsts
      .filter((write) => before.includes(write.group) && write.start === first.start && write.n > first.n)
      .filter((write) => isPlain(write, record))
      .map((write) => `${write.machine} of ${write.group} was written after ${first.group} had begun`),
  );
}

/** Between a group's last write and the first of a later one lies the bake of the former. */
export function bake(record: Record): string[] {
  const { input } = record.testCase;
  const writes = writesOf(record);
  return turns(record, writes).flatMap(({ first, before }) =>
    before.flatMap((group) => {
      const last = writes.findLast((write) => write.group === group && write.n < first.n && write.retries === 0);
      const own = input.groups?.find((named) => named.group === group)?.bake;
      const ms = msOf(own ?? input.bake ?? '0m');
      const lasted = last === undefined ? Infinity : first.t - last.t;
      return lasted < ms ? [`${first.group} began ${lasted} ms after the last write of ${group}`] : [];
    }),
  );
}
