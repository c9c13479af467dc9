/** The fleet of the proof of days: machines that start and stop at random, some that never stop, some made meanwhile. */

export interface DaysShape {
  readonly machines: number;
  /** The sweep's deadline; everything else is a share of it. */
  readonly hours: number;
  readonly seed: number;
}

export const DAYS_APP = 'days';
const IMAGE = `registry.fly.io/${DAYS_APP}`;
const OLD = `${IMAGE}:v1`;
export const DAYS_DIGEST = `sha256:${'d'.repeat(64)}`;

const HOUR = 3_600_000;
const REGIONS = ['ams', 'iad', 'ord', 'syd'];

/** Who never stops has had his time after a third of it. */
export const forceAfterHours = ({ hours }: DaysShape): number => Math.floor(hours / 3);

/** When machines are made, as shares of the whole: the last that never stops has had its time just before the end. */
const BORN_AT = [1 / 12, 2 / 9, 7 / 18, 11 / 18];

export const daysInput = (shape: DaysShape): object => ({
  app: DAYS_APP,
  image: `${IMAGE}:v2`,
  deadline: `${shape.hours}h`,
  forceAfter: `${forceAfterHours(shape)}h`,
});

/** A job takes an eighth of the whole at most, well under `forceAfter`: only one that never ends may be stopped. */
const jobOf = ({ hours }: DaysShape): object => ({
  lengthMs: [HOUR / 3, (hours / 8) * HOUR],
  idleMs: [HOUR / 6, (hours / 14) * HOUR],
});

/** Three ways to take a stop: ended at once, worked on until killed, put away first. */
const ENDLESS = [{}, { onStop: 'ignore' }, { onStop: { afterMs: 2_000, exitCode: 0 } }];
const endless = (at: number): object => ({
  state: 'started',
  job: { lengthMs: 1_000_000 * HOUR, ...ENDLESS[at % ENDLESS.length] },
});

const place = (at: number): object => ({
  region: REGIONS[at % REGIONS.length],
  group: at % 3 === 0 ? 'batch' : 'encode',
  image: OLD,
});

/** A tenth never stops, a tenth is never woken, the rest is at work three times out of four and goes on by itself. */
function lifeOf(shape: DaysShape, at: number): object {
  if (at % 10 === 0) return endless(at / 10);
  if (at % 10 === 1) return { state: 'stopped' };
  return { state: at % 4 === 0 ? 'stopped' : 'started', job: jobOf(shape) };
}

/** A tenth of the fleet is made meanwhile, at four times, each with one that never stops. */
function births(shape: DaysShape): object[] {
  const each = Math.ceil(shape.machines / 10 / BORN_AT.length);
  const lives = [endless(0), { state: 'started', job: jobOf(shape) }, { state: 'stopped' }];
  return BORN_AT.flatMap((share, time) =>
    Array.from({ length: each }, (_, at) => ({
      ms: Math.round(share * shape.hours * HOUR),
      do: { createMachines: { app: DAYS_APP, ...place(time + at), ...lives[Math.min(at, 1 + (at % 2))] } },
    })),
  );
}

export const daysScenario = (shape: DaysShape): object => ({
  seed: shape.seed,
  images: { [OLD]: {}, [`${IMAGE}:v2`]: { digest: DAYS_DIGEST } },
  apps: [
    {
      name: DAYS_APP,
      machines: Array.from({ length: shape.machines }, (_, at) => ({ ...place(at), ...lifeOf(shape, at) })),
    },
  ],
  at: births(shape),
});
