import { hashOfMark, type RolloutName } from './change.js';
import type { Parts } from './differences.js';
import { groupBy } from './group-by.js';
import { type Hold, HOLD_KEY, readHold } from './hold.js';
import type { MachineFacts, Standing } from './machine.js';

/** What a plan tells of a machine beside the table's facts. */
export interface Traits {
  /** `repository:tag@digest`; undefined where no config can be read. */
  readonly image: string | undefined;
  readonly cordoned: boolean;
  /** What makes it rest: Fly's proxy, the end of its program, or nothing, since that is started again. */
  readonly rests: 'by autostop' | 'by itself' | 'never';
  /** It has services. */
  readonly serves: boolean;
  /** One of its services asks for machines that are never stopped, `min_machines_running`. */
  readonly keptRunning: boolean;
  readonly parts: Parts;
}

/** A machine with all that a plan knows of it. */
export interface Surveyed extends Traits {
  readonly machine: MachineFacts;
  readonly standing: Standing;
  readonly because: string;
}

/** Machines that have something in common. */
export interface Kin {
  readonly name: string;
  readonly machines: readonly MachineFacts[];
}

/** The machines by a name, the most numerous first; those without one are passed over. */
export function byName(fleet: readonly Surveyed[], nameOf: (one: Surveyed) => string | undefined): Kin[] {
  const named = fleet.flatMap((one) => {
    const name = nameOf(one);
    return name === undefined ? [] : [{ name, machine: one.machine }];
  });
  return [...groupBy(named, ({ name }) => name)]
    .map(([name, kin]) => ({ name, machines: kin.map(({ machine }) => machine) }))
    .toSorted((a, b) => b.machines.length - a.machines.length || (a.name < b.name ? -1 : 1));
}

/** What runs in the fleet now. */
export const imagesOf = (fleet: readonly Surveyed[]): Kin[] =>
  byName(
    fleet.filter(({ standing }) => standing !== 'gone'),
    ({ image, machine }) => image ?? (machine.readable ? 'no image shown' : 'hidden by a host that is not ok'),
  );

/** Who started this very change before: the marks on the machines without their count of retries. */
export const earlierStartsOf = (fleet: readonly Surveyed[], { hash }: RolloutName): Kin[] =>
  byName(fleet, ({ machine: { mark } }) => (hashOfMark(mark) === hash ? mark?.replace(/#\d+$/, '') : undefined));

/** Started machines that nothing makes rest: no service stops them, and a program that ends is started again. */
export const tireless = (fleet: readonly Surveyed[]): Surveyed[] =>
  fleet.filter(({ standing, rests }) => standing === 'straggler' && rests === 'never');

/** Started machines with services that no proxy stops: they rest only when their program ends. */
export const mayNotRest = (fleet: readonly Surveyed[]): Surveyed[] =>
  fleet.filter(({ standing, rests, serves }) => standing === 'straggler' && serves && rests === 'by itself');

/**
 * Started machines that autostop may pass over: it leaves `min_machines_running` of them in the primary region (Fly's
 * documents, reference/fly-proxy-autostop-autostart).
 */
export const keptRunning = (fleet: readonly Surveyed[]): Surveyed[] =>
  fleet.filter((one) => one.standing === 'straggler' && one.rests === 'by autostop' && one.keptRunning);

/** A note on a machine that a rollout cordoned or stopped, and could not put right. */
export interface Held {
  readonly machine: MachineFacts;
  /** Undefined where the note cannot be read, or came with a copy of another machine: nothing is put back by it. */
  readonly left: Hold | undefined;
  readonly standing: Standing;
}

/** Holds that somebody left, whatever became of the rollout. */
export const holdsOf = (fleet: readonly Surveyed[]): Held[] =>
  fleet.flatMap(({ machine, standing }) => {
    const isNoted = machine.metadata[HOLD_KEY] !== undefined && standing !== 'gone';
    return isNoted ? [{ machine, standing, left: readHold(machine.id, machine.metadata) }] : [];
  });

/** The numbers of Fly's releases that flyctl wrote on the machines (flyctl @ad0172f, `fly_release_version`). */
export const releasesOf = (fleet: readonly Surveyed[]): Kin[] =>
  byName(fleet, ({ machine, standing }) => {
    const release = machine.metadata['fly_release_version'];
    return standing !== 'gone' && /^\d{1,9}$/.test(release ?? '') ? release : undefined;
  });
