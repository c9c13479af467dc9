import type { Observation, Remark } from './fleet.js';
import { iso } from './iso.js';
import type { Place } from './pools.js';
import type { RolloutState } from './state.js';

/** A machine that is not fine, or not yet, as a status tells of it. */
export interface MachineNote {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly state:
    | 'failed'
    | 'held'
    | 'in flight'
    | 'resting'
    | 'unknown'
    | 'overdue'
    | 'working'
    | 'unreachable'
    | 'foreign'
    | 'busy';
  readonly says: string;
}

const MOST_MACHINES = 200;

/** A machine is named once, by the first thing to say of it. */
function firstOfEach(notes: readonly MachineNote[]): MachineNote[] {
  const named = new Set<string>();
  return notes.filter(({ id }) => {
    const isNew = !named.has(id);
    named.add(id);
    return isNew;
  });
}

const note = (state: MachineNote['state'], id: string, { region, group }: Place, says: string): MachineNote => ({
  id,
  region,
  group,
  state,
  says,
});

const REMARKED: Readonly<Partial<Record<Remark['standing'], MachineNote['state']>>> = {
  straggler: 'working',
  overdue: 'overdue',
  held: 'held',
  unreachable: 'unreachable',
  foreign: 'foreign',
  busy: 'busy',
};

const HELD = 'Layover may have cordoned or stopped it, and puts that back';
const IN_DOUBT = 'nobody knows whether its last update was written, or left it as it was';

/** Everybody that is not fine, the worst first; each once. */
export function machinesOf(state: RolloutState, seen: Observation): MachineNote[] {
  return firstOfEach([
    ...Object.entries(state.failed).map(([id, f]) =>
      note('failed', id, f, `${f.code}: ${f.says}${Object.hasOwn(state.holds, id) ? `; ${HELD}` : ''}`),
    ),
    ...Object.values(state.resting).map((r) => note('resting', r.id, r, `${r.says}; again at ${iso(r.until)}`)),
    ...Object.values(state.inFlight).map((f) => note('in flight', f.id, f, `since ${iso(f.since)}`)),
    ...Object.entries(state.holds).map(([id, hold]) => note('held', id, hold, HELD)),
    ...Object.entries(state.unknown).map(([id, doubt]) => note('unknown', id, doubt, IN_DOUBT)),
    ...seen.remarks.map((r) => note(REMARKED[r.standing] ?? 'busy', r.id, r, r.says)),
  ]).slice(0, MOST_MACHINES);
}
