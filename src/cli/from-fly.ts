import { factsOf } from '../../activities/facts.js';
import { FROM_IMAGE_KEY, FROM_KEY, MARK_KEY } from '../domain/change.js';
import { HOLD_KEY } from '../domain/hold.js';
import type { MachineFacts } from '../domain/machine.js';
import { type FlyClient } from '../fly/client.js';
import { FlyError } from '../fly/errors.js';
import type { Machine } from '../fly/wire.js';
import { readConfig, type WorkerConfig } from '../worker/config.js';
import { flySide } from '../worker/fly-side.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';
import { sayFleet } from './say-fleet.js';

/** A machine by its own record. */
export interface MachineRecord {
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly state: string;
  readonly version: string;
  readonly image: string;
  readonly digest?: string;
  /** Which rollout wrote it last, from which version and image. */
  readonly rollout?: string;
  readonly from?: string;
  readonly fromImage?: string;
  readonly hold?: string;
  /** Why it is not well, in our words. */
  readonly failing?: string;
  /** Last outputs of its checks that do not pass. */
  readonly checks?: readonly { readonly name: string; readonly status: string; readonly output: string }[];
}

/** Everything there is to say of an app without Temporal. */
export interface FleetRecord {
  readonly app: string;
  readonly machines: readonly MachineRecord[];
}

function failingOf({ state, hostOk, life, checks }: MachineFacts): string | undefined {
  if (!hostOk) return 'its host is not ok';
  const { exit } = life;
  if (exit !== undefined && !exit.requested && exit.oom) return 'ran out of memory';
  if (exit !== undefined && !exit.requested && exit.code !== 0)
    return exit.looping ? `exits with code ${exit.code} again and again` : `exited with code ${exit.code}`;
  const bad = checks.filter(({ status }) => status !== 'passing');
  if (state === 'started' && bad.length > 0) return `${bad.length} of ${checks.length} checks do not pass`;
  return state === 'failed' ? 'Fly calls it failed' : undefined;
}

/** Only what is there: left out is not the same as empty. */
const present = <K extends string>(fields: Readonly<Record<K, string | undefined>>): { [key in K]?: string } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')) as {
    [key in K]?: string;
  };

function recordOf(machine: Machine): MachineRecord {
  const facts = factsOf(machine, {});
  const { metadata } = facts;
  const bad = (machine.checks ?? []).filter(({ status }) => status !== 'passing');
  const { repository, tag } = machine.image_ref ?? {};
  const image = machine.config?.image ?? `${repository ?? ''}:${tag ?? ''}`;
  return {
    id: facts.id,
    region: facts.region,
    group: facts.group,
    state: facts.state,
    version: facts.version,
    image: image.split('@')[0] ?? image,
    ...present({
      digest: facts.digest,
      rollout: metadata[MARK_KEY],
      from: metadata[FROM_KEY],
      fromImage: metadata[FROM_IMAGE_KEY],
      hold: metadata[HOLD_KEY],
      failing: failingOf(facts),
    }),
    ...(bad.length === 0
      ? {}
      : { checks: bad.map(({ name, status, output }) => ({ name, status, output: output ?? '' })) }),
  };
}

/** Reads an app's machines; one list and nothing else. @throws FlyError */
export async function readFleetRecord(app: string, fly: FlyClient): Promise<FleetRecord> {
  const machines = await fly.listMachines(app);
  return { app, machines: machines.map(recordOf).toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** `layover status APP --from-fly`: what the machines themselves say, with no Temporal at all. */
export async function fleetCommand(app: string, isJson: boolean, outside: Outside): Promise<ExitCode> {
  let config: WorkerConfig;
  try {
    config = readConfig(outside.env);
  } catch (error) {
    outside.complain(error instanceof Error ? error.message : String(error));
    return EXIT.usage;
  }
  try {
    const fleet = await readFleetRecord(app, flySide(config).fly);
    for (const line of isJson ? [JSON.stringify(fleet, null, 2)] : sayFleet(fleet)) outside.say(line);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof FlyError)) throw error;
    outside.complain(error.message);
    return error.code === 'not_found' ? EXIT.none : EXIT.away;
  }
}
