import { FROM_KEY, hashOfMark, startOfMark } from '../../src/domain/change.js';
import { readFrom } from '../../src/domain/from.js';
import type { MachineFacts, RolloutContext } from '../../src/domain/machine.js';
import { backContext, forwardHash, isBackHash } from '../../src/domain/turn.js';
import type { BackInput } from '../../src/input/types.js';
import { Refused } from './refused.js';

/** A rollout as its marks show it. */
interface Found {
  readonly hash: string;
  readonly machines: number;
  /** The newest of its starts: they sort by the time of their plan. */
  readonly start: string;
}

function foundOn(facts: readonly MachineFacts[]): Found[] {
  const byHash = new Map<string, Found>();
  for (const { mark } of facts) {
    const hash = hashOfMark(mark);
    if (hash === undefined) continue;
    const { machines = 0, start = '' } = byHash.get(hash) ?? {};
    const own = startOfMark(mark);
    byHash.set(hash, { hash, machines: machines + 1, start: own > start ? own : start });
  }
  return [...byHash.values()].toSorted((a, b) => (a.start > b.start ? -1 : 1));
}

const sayFound = (found: readonly Found[]): string =>
  found.length === 0
    ? 'no machine carries the mark of a rollout'
    : `there are marks of ${found.map(({ hash, machines }) => `${hash} (${machines} machines)`).join(', ')}`;

/**
 * The hash of the change that is taken back. The latest is the one that was started last, taken back already or not;
 * never the newest version in the fleet: who clones a machine, or changes one by hand, copies the mark of an older
 * rollout to a newer version.
 */
function hashToTakeBack({ app, rollout }: BackInput, facts: readonly MachineFacts[]): string {
  const found = foundOn(facts);
  const forward = found.filter(({ hash }) => !isBackHash(hash));
  const named = rollout === 'latest' ? found[0]?.hash : rollout.split('.')[0];
  const hash = named && forwardHash(named);
  if (hash !== undefined && forward.some((one) => one.hash === hash)) return hash;
  if (found.some((one) => isBackHash(one.hash) && forwardHash(one.hash) === hash))
    throw new Refused([
      `rollout: what there was of "${app}" to take back was taken back already, and a rollback is not rolled back; to go forward again start the input that it took back`,
    ]);
  throw new Refused([
    `rollout: no machine of "${app}" carries the mark of ${rollout === 'latest' ? 'a rollout' : rollout}; ${sayFound(forward)}`,
  ]);
}

/**
 * The context of a rollback, from the machines' own records alone: no workflow of the rollout need exist any more.
 * @throws Refused where no machine carries the mark of what is to be taken back.
 */
export function settleBack(input: BackInput, facts: readonly MachineFacts[], start: string): RolloutContext {
  const hash = hashToTakeBack(input, facts);
  const own = facts.filter(({ mark }) => hashOfMark(mark) === hash);
  const isInPlace = input.force || own.some(({ metadata }) => readFrom(metadata[FROM_KEY])?.inPlace === true);
  const forward: RolloutContext = {
    app: input.app,
    rollout: { hash, start },
    change: {},
    origins: [],
    cut: [],
    unread: [],
    selection: {},
    unmanaged: 'include',
    suspended: 'leave',
    allowOtherRepository: true,
    healthy: { forMs: 10_000, withinMs: 300_000 },
    maxUnavailable: { share: 0.5 },
    ...(isInPlace ? { inPlace: true } : {}),
  };
  return backContext(forward, input.force);
}
