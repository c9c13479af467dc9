import { isRestartOnly } from './change.js';
import { healthyOf, IDLE, type MachineFacts, type RolloutContext } from './machine.js';

/** Why a machine failed: a closed list, so that counts and alerts can key on it. */
export type FailureCode =
  'reverted' | 'rejected' | 'not_settled' | 'crash_loop' | 'exit_code' | 'out_of_memory' | 'checks';

export interface Evidence {
  readonly code: FailureCode;
  /** Our own words: never check output, never a response body. */
  readonly says: string;
  /** Fly's time of the evidence, ms; evidence up to a forgiven time does not count again. */
  readonly at: number;
}

/** `idle`: it has not run the new version yet, so nothing is known of it. */
export type Verdict =
  | { readonly kind: 'idle' | 'settling' | 'passed' | 'verified' }
  | { readonly kind: 'failed'; readonly evidence: Evidence };

const failed = (code: FailureCode, says: string, at: number): Verdict => ({
  kind: 'failed',
  evidence: { code, says, at },
});

/** A machine without checks that was stopped on request, as the proxy does, after it had run for long enough. */
function ranLongEnough({ startedAt, exit }: MachineFacts['life'], machine: MachineFacts, forMs: number): boolean {
  if (startedAt === undefined || exit === undefined || machine.checksConfigured > 0) return false;
  return exit.requested && !exit.oom && !exit.looping && exit.at - startedAt >= forMs;
}

function judgeExit(exit: NonNullable<MachineFacts['life']['exit']>): Verdict | undefined {
  if (exit.requested) return undefined;
  if (exit.oom) return failed('out_of_memory', 'ran out of memory on the new version', exit.at);
  if (exit.looping && exit.code !== 0) {
    return failed('crash_loop', `exits with code ${exit.code} again and again on the new version`, exit.at);
  }
  return exit.code === 0
    ? { kind: 'verified' }
    : failed('exit_code', `exited with code ${exit.code} on the new version`, exit.at);
}

/** Checks named in one evidence: it travels with every status, and an observation carries many. */
const MOST_NAMES = 5;

/** @param from they have `withinMs` from here on. */
function judgeChecks(machine: MachineFacts, from: number, now: number, withinMs: number): Verdict {
  const bad = machine.checks.filter((check) => check.status !== 'passing');
  const missing = machine.checksConfigured - machine.checks.length;
  if (bad.length === 0 && missing <= 0) return { kind: 'passed' };
  if (now - from < withinMs) return { kind: 'settling' };
  const named = bad.slice(0, MOST_NAMES).map((check) => `${check.name} ${check.status}`);
  const more = bad.length > MOST_NAMES ? ` and ${bad.length - MOST_NAMES} more` : '';
  const says =
    bad.length === 0 ? `${missing} checks have not reported` : `checks do not pass: ${named.join(', ')}${more}`;
  return failed('checks', says, now);
}

/** Of a restart alone: what it did before the time that it asks for is about no start of it. */
export function hasRunBefore({ life: { startedAt, exit } }: MachineFacts, { change }: RolloutContext): boolean {
  const { startedSince } = change;
  return startedSince !== undefined && isRestartOnly(change) && (startedAt ?? exit?.at ?? 0) < startedSince;
}

/**
 * Judges a machine that is at target by what it has done on its version. No checks configured means that health is
 * exit events, never a vacuous pass.
 * @param now Fly's time as well as we know it, ms.
 * @param forgiven evidence up to this time does not count, ms.
 */
export function judge(machine: MachineFacts, context: RolloutContext, now: number, forgiven = 0): Verdict {
  if (IDLE.includes(machine.state) && hasRunBefore(machine, context)) return { kind: 'idle' };
  const { startedAt, exit } = machine.life;
  const lastExit =
    exit !== undefined && (startedAt === undefined || exit.at >= startedAt || exit.looping) ? exit : undefined;
  const byExit = lastExit && judgeExit(lastExit);
  if (byExit !== undefined) return byExit;
  return startedAt === undefined
    ? { kind: 'idle' }
    : judgeRun(machine, healthyOf(context, machine), { startedAt, now, forgiven });
}

/** It works, and has for `healthy.for`: since its start, and since its checks last changed. */
export function hasHeldOn(machine: MachineFacts, { forMs }: RolloutContext['healthy'], flyNow: number): boolean {
  const since = Math.max(
    machine.life.startedAt ?? machine.lastStartAt ?? 0,
    ...machine.checks.map((check) => check.since),
  );
  return machine.state === 'started' && flyNow - since >= forMs;
}

/** What its newest run shows, which has not ended, or ended on request. */
function judgeRun(
  machine: MachineFacts,
  { forMs, withinMs }: RolloutContext['healthy'],
  { startedAt, now, forgiven }: { startedAt: number; now: number; forgiven: number },
): Verdict {
  if (['suspended', 'created', 'failed'].includes(machine.state)) return { kind: 'idle' };
  if (machine.state === 'stopped') return { kind: ranLongEnough(machine.life, machine, forMs) ? 'verified' : 'idle' };
  if (machine.state !== 'started') return { kind: 'settling' };
  if (machine.checksConfigured > 0) return judgeChecks(machine, Math.max(startedAt, forgiven), now, withinMs);
  return { kind: now - startedAt >= forMs ? 'verified' : 'settling' };
}
