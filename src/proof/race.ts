import { statusOf } from '../domain/status.js';
import type { Transport } from '../fly/transport.js';
import { drive } from './drive.js';
import { createWorld, type World } from './world.js';

const APP = 'race';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const REGIONS = ['ams', 'iad', 'ord', 'syd'];

/** A machine that is started boots within this. */
const BOOTED_MS = 500;

export interface RaceFigures {
  /** The proxy tried to start each machine after it was read and before it was written. */
  readonly raced: number;
  readonly jobsCut: number;
  readonly reported: number;
  /** Cut and not named in the report, or named and not cut. */
  readonly misreported: number;
  /** Machines whose job was cut and that do not run at the end. */
  readonly leftStopped: number;
  readonly outcome: string;
}

/** Before each write goes out the proxy gets a request for that machine. */
function racing(world: World): { world: World; raced: Set<string> } {
  const raced = new Set<string>();
  const transport: Transport = async (request) => {
    const id = request.method === 'POST' ? /\/machines\/([0-9a-f]{14})$/.exec(request.url)?.[1] : undefined;
    if (id !== undefined && !raced.has(id)) {
      raced.add(id);
      const url = `/_simulator/machines/${id}/autostart`;
      await world.simulator.handle({ method: 'POST', url, headers: {}, body: '{}' });
      await world.clock.sleep(BOOTED_MS);
    }
    return world.transport(request);
  };
  return { world: { ...world, transport, deps: world.depsOver(transport) }, raced };
}

/** The types that wait for working machines, each with what it takes to bring the same change. */
export const RACERS = {
  stoppedSweep: { deadline: '12h' },
  processGroup: { groups: [{ group: 'app', idleOnly: true }], bake: '1m' },
} as const;

/**
 * One rollout over machines that all start between the look at them and the write to them.
 * @param leaseBlocksAutostart whether a lease keeps Fly's proxy from starting a machine: UNCONFIRMED at Fly, so both.
 */
export async function proveRace(
  machines: number,
  leaseBlocksAutostart: boolean,
  type: keyof typeof RACERS = 'stoppedSweep',
): Promise<RaceFigures> {
  const job = { lengthMs: 3_600_000 };
  const blocks = REGIONS.map((region) => ({
    count: Math.ceil(machines / REGIONS.length),
    region,
    image: OLD,
    state: 'stopped',
    job,
  }));
  const { world, raced } = racing(
    createWorld({
      seed: 1,
      switches: { leaseBlocksAutostart },
      timing: { bootMs: 50, pullMs: 50 },
      images: { [OLD]: {}, [NEW]: {} },
      apps: [{ name: APP, machines: blocks }],
    }),
  );
  const input = { app: APP, image: NEW, ...RACERS[type] };
  const { end, state } = await drive(world, { type, input, start: 'race' });
  const cut = new Set(
    world.simulator.journal.entries().flatMap((entry) => (entry.kind === 'job-cut' ? [entry.machine ?? ''] : [])),
  );
  const reported = new Set(statusOf(state, { now: world.clock.now() }).interrupted);
  const running = world.simulator.machines(APP).filter(({ state: now }) => now === 'started');
  const runs = new Set(running.map(({ id }) => id));
  return {
    raced: raced.size,
    jobsCut: cut.size,
    reported: reported.size,
    misreported: [...new Set([...cut, ...reported])].filter((id) => cut.has(id) !== reported.has(id)).length,
    leftStopped: [...cut].filter((id) => !runs.has(id)).length,
    outcome: end.kind === 'finish' ? end.outcome : end.kind,
  };
}

/** One line a figure. */
export const sayRace = (figures: RaceFigures): string[] => [
  `machines that the proxy wanted to start between look and write: ${figures.raced}`,
  `jobs cut: ${figures.jobsCut}`,
  `machines reported as met at work: ${figures.reported}`,
  `cut and not reported, or reported and not cut: ${figures.misreported}`,
  `cut and not running at the end: ${figures.leftStopped}`,
  `the rollout: ${figures.outcome}`,
];

/** Whether every race went as promised, with a lease that keeps the proxy away and with one that does not. */
export const isFair = (figures: RaceFigures, leaseBlocksAutostart: boolean): boolean =>
  figures.outcome === 'completed' &&
  figures.misreported + figures.leftStopped === 0 &&
  (leaseBlocksAutostart ? figures.jobsCut === 0 : figures.jobsCut > 0);
