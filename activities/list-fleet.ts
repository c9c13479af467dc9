import type { Clock } from '../src/clock.js';
import type { Expected } from '../src/domain/look.js';
import type { FlyClient } from '../src/fly/client.js';
import type { Machine } from '../src/fly/wire.js';

export type FleetList =
  /** `whole`: as long as expected, or as the app itself counts; a shorter one never proves that nothing is left. */
  | {
      readonly kind: 'list';
      readonly machines: readonly Machine[];
      readonly whole: boolean;
      /** How many more the app counts. */
      readonly unlisted: number;
    }
  | { readonly kind: 'suspect'; readonly machines: readonly Machine[]; readonly expected: number };

function compare(shown: number, counted: number, { unlisted: allowed, trustedAt }: Expected, now: number) {
  const unlisted = Math.max(0, counted - shown);
  const whole = unlisted === 0 || (unlisted <= allowed && now >= trustedAt);
  return { unlisted, whole, isBelieved: shown * 2 >= counted - allowed };
}

const LOOKS = 3;
const BETWEEN_LOOKS_MS = 2_000;

/**
 * Lists an app's machines and does not believe a list that is suddenly empty or halved: Fly serves lists from a
 * replicated store, and an incident in April 2026 let them come back empty. The app's own `machine_count` is the
 * second witness, asked only when the list is shorter than expected. Where nothing is known yet (0 expected, the plan)
 * it is always asked, and a list that stays shorter than it three times is taken as it is. Whether the count holds
 * machines that no list shows is UNCONFIRMED, so a difference as at the plan is allowed, once it has held for a while.
 */
export async function listFleet(
  app: string,
  expected: Expected,
  deps: { fly: FlyClient; clock: Clock },
): Promise<FleetList> {
  for (let look = 1; ; look += 1) {
    const machines = await deps.fly.listMachines(app);
    const { listed } = expected;
    if (listed > 0 && expected.unlisted === 0 && machines.length >= listed)
      return { kind: 'list', machines, whole: true, unlisted: 0 };
    const counted = (await deps.fly.getApp(app)).machine_count ?? Math.max(listed, machines.length);
    const { unlisted, whole, isBelieved } = compare(machines.length, counted, expected, deps.clock.now());
    if (whole || (isBelieved && (listed > 0 || look === LOOKS))) return { kind: 'list', machines, whole, unlisted };
    if (look === LOOKS) return { kind: 'suspect', machines, expected: counted };
    await deps.clock.sleep(BETWEEN_LOOKS_MS);
  }
}
