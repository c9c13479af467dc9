import type { UpdateOrder } from '../domain/orders.js';
import type { RolloutState } from '../domain/state.js';
import type { MachineTruth } from '../simulator/truth.js';
import type { CaseGroup, CaseInput } from './fleets.js';
import type { Breach } from './laws.js';

/** How many machines may be away at once, by a second hand. */

interface Place {
  readonly region: string;
  readonly group: string;
}

/** The machines at the last look. */
export interface Seen {
  readonly idle: readonly Place[];
  /** At work, or held by us, or in our hands while meant to be at work. */
  readonly up: readonly Place[];
  /** Ever seen at work. */
  readonly worked: ReadonlySet<string>;
  /** Somebody destroyed them: whatever is tried on them takes nobody away. */
  readonly gone: ReadonlySet<string>;
}

export const NOTHING_SEEN: Seen = { idle: [], up: [], worked: new Set(), gone: new Set() };

const IDLE = ['stopped', 'created', 'failed', 'suspended', 'replacing'];

const GONE = ['destroying', 'destroyed'];

/** A process group's working machines go from one version to the next without being idle in between. */
export function look(machines: readonly MachineTruth[], before: Seen, { groups }: CaseInput): Seen {
  const isUp = ({ id, state, metadata }: MachineTruth) =>
    state === 'started' || 'layover_hold' in metadata || (groups !== undefined && before.worked.has(id));
  const up = machines.filter(isUp);
  return {
    idle: machines.filter(({ state }) => IDLE.includes(state)),
    up,
    worked: new Set([...before.worked, ...up.map(({ id }) => id)]),
    gone: new Set([...before.gone, ...machines.filter(({ state }) => GONE.includes(state)).map(({ id }) => id)]),
  };
}

const ruleOf = ({ groups }: CaseInput, { group }: Place): Omit<CaseGroup, 'group'> =>
  groups?.find((named) => named.group === group) ?? {};

/** A group with a number of its own is one, whatever its regions. */
function isNear(one: Place, other: Place, input: CaseInput): boolean {
  const { whole, maxUnavailable } = ruleOf(input, one);
  const isAcross = whole === true || maxUnavailable !== undefined;
  return one.group === other.group && (isAcross || one.region === other.region);
}

/** As many of those that are up may be away. */
function roomOf(input: CaseInput, one: Place, up: number): number {
  const own = ruleOf(input, one);
  const most = own.maxUnavailable ?? (own.whole === true ? 1 : (input.maxUnavailable ?? '33%'));
  if (typeof most === 'number') return most;
  return Math.max(1, Math.ceil((Number(most.slice(0, -1)) / 100) * up));
}

/** What is wrong with the updates in flight, at the moment that one more began. */
export function crowded({ machine }: UpdateOrder, { inFlight }: RolloutState, seen: Seen, input: CaseInput): Breach[] {
  const flights = Object.values(inFlight);
  const place = `${machine.region} ${machine.group}`;
  const near = flights.filter((flight) => isNear(machine, flight, input));
  const away = near.filter(({ id, working }) => working !== undefined && !seen.gone.has(id)).length;
  const room = roomOf(input, machine, seen.up.filter((one) => isNear(machine, one, input)).length);
  const here = flights.filter(({ region, group }) => region === machine.region && group === machine.group);
  const flying = here.filter(({ working, restore, crashed }) => !working && !restore && !crashed).length;
  const idle = seen.idle.filter(({ region, group }) => region === machine.region && group === machine.group).length;
  const isBesides = ruleOf(input, machine).whole === true && near.length > 1;
  return [
    ...(away > room ? [{ law: 'room', says: `${away} of ${place} away where ${room} may be` } as const] : []),
    ...(isBesides ? [{ law: 'room', says: `${near.length} of ${place} in flight, which is whole` } as const] : []),
    ...(flying > Math.max(1, Math.floor(idle / 2))
      ? [{ law: 'half', says: `${flying} of ${idle} idle machines of ${place} in flight` } as const]
      : []),
  ];
}
