import { z } from 'zod';

/** How long a sweep over idle machines cannot but take, computed from the scenario alone. */

/** Of a scenario, what the floor is made of: read here anew, so that it owes nothing to the code it measures. */
const IdleFleet = z.looseObject({
  timing: z.looseObject({ replaceMs: z.tuple([z.number(), z.number()]) }),
  apps: z.array(
    z.looseObject({
      machines: z.array(z.looseObject({ count: z.number(), region: z.string(), group: z.string().optional() })),
    }),
  ),
});

export interface Floor {
  /** With half of each region's and group's idle machines away at a time, ms. */
  readonly halfMs: number;
  /** The same with no more than so many away in all, ms. */
  readonly cappedMs: number;
}

/**
 * @param scenario a fleet of idle machines. @param cap how many may be away at a time, whatever the fleet.
 * @returns the mean time of a replacement, as often as the slots of the slowest region and group force it in a row.
 */
export function floorOf(scenario: object, cap: number): Floor {
  const { timing, apps } = IdleFleet.parse(scenario);
  const [least, most] = timing.replaceMs;
  const replaceMs = (least + most) / 2;
  const pools = new Map<string, number>();
  for (const { count, region, group = 'app' } of apps.flatMap(({ machines }) => machines)) {
    const pool = `${region} ${group}`;
    pools.set(pool, (pools.get(pool) ?? 0) + count);
  }
  const counts = [...pools.values()];
  const rounds = (machines: number): number => machines / Math.max(1, Math.floor(machines / 2));
  const halfMs = replaceMs * Math.max(0, ...counts.map(rounds));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return { halfMs, cappedMs: Math.max(halfMs, (all * replaceMs) / cap) };
}
