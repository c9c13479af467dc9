import type { Machine } from '../fly/wire.js';
import { groupOf, render } from './machine.js';
import type { SimMachine, World } from './world.js';

/** A machine as it really is: what no list shows. */
export interface MachineTruth {
  readonly app: string;
  readonly id: string;
  readonly region: string;
  readonly group: string;
  readonly state: string;
  readonly version: string;
  /** `config.image` as written, and the digest that really runs. */
  readonly image: string;
  readonly digest: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly cordoned: boolean;
  readonly host: 'ok' | 'unreachable';
  /** The version of the app's secrets it booted with; absent = without. */
  readonly secretsVersion?: number;
  /** It still has the memory it was suspended with: a start goes on where it was. */
  readonly snapshot?: true;
  /** Its process runs and means to end by itself at `endsAt`. */
  readonly working: boolean;
  readonly endsAt?: number;
  readonly lease?: { readonly nonce: string; readonly description: string; readonly expiresAt: number };
  /** As the API shows it. */
  readonly machine: Machine;
}

/** All machines (of one app), destroyed ones included while they can be read. */
export function truths(world: World, app?: string): readonly MachineTruth[] {
  const machines = [...world.machines.values()];
  return machines.filter((machine) => app === undefined || machine.app === app).map(truthOf);
}

function truthOf(machine: SimMachine): MachineTruth {
  const { lease, run } = machine;
  return {
    app: machine.app,
    id: machine.id,
    region: machine.region,
    group: groupOf(machine.config),
    state: machine.state,
    version: machine.version,
    image: machine.config.image ?? '',
    digest: machine.imageRef.digest ?? '',
    metadata: machine.config.metadata ?? {},
    cordoned: machine.cordoned,
    host: machine.host,
    ...(machine.secretsVersion > 0 && { secretsVersion: machine.secretsVersion }),
    ...(machine.snapshot && { snapshot: true }),
    working: run !== undefined,
    ...(run && { endsAt: run.endsAt }),
    ...(lease && { lease: { nonce: lease.nonce, description: lease.description, expiresAt: lease.expiresAt } }),
    machine: render(machine),
  };
}
