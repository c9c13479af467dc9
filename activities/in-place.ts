import { judge } from '../src/domain/verdict.js';
import type { UpdateEnd, UpdateOutcome } from '../src/domain/outcomes.js';
import type { Machine, MachineConfig } from '../src/fly/wire.js';
import { factsOf } from './facts.js';
import { heldBack } from './held-back.js';
import { STALE_READ } from './read-machine.js';
import { readHeld, takeOut } from './take-out.js';
import { compare } from './settle.js';
import { standingOf } from './standing-of.js';
import type { Update } from './update-machine.js';

/** Between two looks at what may call a drain back. */
const DRAIN_STEP_MS = 1_000;

/** Out of the proxy's routing for as long as it takes, or why not. */
export type Drained = { readonly kind: 'drained'; readonly machine: Machine } | UpdateOutcome;

/**
 * Takes a working machine out of the proxy's routing and lets it end what it serves. What it finds changed by then it
 * leaves; the caller puts right.
 */
export async function drain(update: Update, machine: Machine, ms: number): Promise<Drained> {
  const { deps, attempt, lease } = update;
  const called = await takeOut(update, machine, 'it drains before its update');
  if (called !== undefined) return called;
  attempt.say('drains');
  const end = deps.clock.now() + ms;
  while (deps.clock.now() < end && !attempt.cancelled.aborted) {
    await deps.clock.sleep(Math.min(DRAIN_STEP_MS, Math.max(1, end - deps.clock.now())));
    await lease.fresh().catch(() => undefined);
  }
  const back = await heldBack(attempt);
  if (back !== undefined) return back;
  const fresh = await readHeld(update);
  if (fresh === undefined) return { ...STALE_READ, inDoubt: false };
  const standing = standingOf(update, fresh);
  const isStill = standing === 'due' || standing === 'ready';
  return isStill ? { kind: 'drained', machine: fresh } : { kind: 'left', standing, inDoubt: false };
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Go's way to write a duration, as Fly's configs have it: `15s`, `1m0s`. */
function msOf(text: unknown): number {
  const parts = typeof text === 'string' ? [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)] : [];
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0), 0);
}

const LEAST_POLL_MS = 1_000;
const MOST_POLL_MS = 15_000;
/** The first results come soon after a boot, whatever the interval. */
const FIRST_POLL_MS = 3_000;

/** The checks' own interval: sooner they say nothing new. Undefined where it has none. */
export function pollMsOf(config: MachineConfig | null | undefined): number | undefined {
  const own = Object.values(config?.checks ?? {});
  const served = (config?.services ?? []).flatMap(({ checks }) => checks ?? []);
  if (own.length + served.length === 0) return undefined;
  const intervals = [...own, ...served].map((check) => msOf((check as { interval?: unknown }).interval));
  const least = Math.min(...intervals.filter((ms) => ms > 0), MOST_POLL_MS);
  return Math.max(LEAST_POLL_MS, least);
}

/**
 * After its update a machine that works shows whether its checks pass. One without checks is watched by the looks at
 * the fleet; so is one whose rollout calls back meanwhile.
 * @param pollMs see `pollMsOf`.
 */
export async function watchHealth(
  update: Update,
  version: string,
  { ended, pollMs }: { ended: UpdateEnd<'updated'>; pollMs: number | undefined },
): Promise<UpdateOutcome> {
  const { deps, attempt, lease } = update;
  attempt.say('waits for its checks to pass');
  if (pollMs !== undefined) await deps.clock.sleep(Math.min(pollMs, FIRST_POLL_MS));
  for (;;) {
    const shown = await lookOnce(update, version, ended);
    if (shown !== undefined) return shown;
    if (pollMs === undefined || attempt.cancelled.aborted) return { ...ended, started: true };
    await deps.clock.sleep(pollMs);
    await lease.fresh().catch(() => undefined);
  }
}

/** What it shows by now; undefined while its checks may still pass. */
async function lookOnce(
  update: Update,
  version: string,
  ended: UpdateEnd<'updated'>,
): Promise<UpdateOutcome | undefined> {
  const { app, id, deps, order } = update;
  const machine = await deps.fly.getMachine(app, id);
  if (machine.instance_id !== version) {
    const elsewhere = await compare(update, version);
    if (elsewhere !== undefined && elsewhere.kind !== 'settled') return elsewhere;
  }
  const facts = factsOf(machine, order.context.change);
  const verdict = judge(facts, order.context, deps.fly.now());
  switch (verdict.kind) {
    case 'failed':
      return { ...verdict.evidence, kind: 'failed', interrupted: false };
    case 'idle':
      return ended;
    case 'verified':
      return { ...ended, started: true, passed: true };
    case 'passed':
      return facts.checksConfigured > 0 ? { ...ended, started: true, passed: true } : undefined;
    case 'settling':
      return undefined;
  }
}
