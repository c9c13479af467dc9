import type { Clock } from '../src/clock.js';
import type { FlyClient } from '../src/fly/client.js';
import type { Machine } from '../src/fly/wire.js';

export type FleetList =
  | { readonly kind: 'list'; readonly machines: readonly Machine[] }
  | { readonly kind: 'suspect'; readonly machines: readonly Machine[]; readonly expected: number };

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 2_000;

/**
 * Lists an app's machines and does not believe a list that is suddenly empty or halved: Fly serves lists from a
 * replicated store, and an incident in April 2026 let them come back empty. The app's own `machine_count` is the
 * second witness, asked only when the list is shorter than `expected` (0 = nothing is expected: always asked).
 */
export async function listFleet(
  app: string,
  expected: number,
  deps: { fly: FlyClient; clock: Clock },
): Promise<FleetList> {
  for (let look = 1; ; look += 1) {
    const machines = await deps.fly.listMachines(app);
    if (expected > 0 && machines.length * 2 >= expected) return { kind: 'list', machines };
    const counted = (await deps.fly.getApp(app)).machine_count ?? machines.length;
    if (machines.length * 2 >= counted) return { kind: 'list', machines };
    if (look === LOOKS) return { kind: 'suspect', machines, expected: counted };
    await deps.clock.sleep(BETWEEN_LOOKS_MS);
  }
}
