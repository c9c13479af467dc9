import type { MachineFacts, RolloutContext } from './machine.js';

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

function judgeChecks(machine: MachineFacts, startedAt: number, now: number, withinMs: number): Verdict {
  const bad = machine.checks.filter((check) => check.status !== 'passing');
  const missing = machine.checksConfigured - machine.checks.length;
  if (bad.length === 0 && missing <= 0) return { kind: 'passed' };
  if (now - startedAt < withinMs) return { kind: 'settling' };
  const named = bad.slice(0, MOST_NAMES).map((check) => `${check.name} ${check.status}`);
  const more = bad.length > MOST_NAMES ? ` and ${bad.length - MOST_NAMES} more` : '';
  const says =
    bad.length === 0 ? `${missing} checks have not reported` : `checks do not pass: ${named.join(', ')}${more}`;
  const at = bad.reduce((latest, check) => Math.max(latest, check.since), startedAt);
  return failed('checks', says, at);
}

/**
 * Judges a machine that is at target by what it has done on its version. No checks configured means that health is
 * exit events, never a vacuous pass.
 * @param now Fly's time as well as we know it, ms.
 */
export function judge(machine: MachineFacts, context: RolloutContext, now: number): Verdict {
  const { startedAt, exit } = machine.life;
  const lastExit =
    exit !== undefined && (startedAt === undefined || exit.at >= startedAt || exit.looping) ? exit : undefined;
  const byExit = lastExit && judgeExit(lastExit);
  if (byExit !== undefined) return byExit;
  if (startedAt === undefined) return { kind: 'idle' };
  if (machine.state !== 'started') return { kind: machine.state === 'stopped' ? 'idle' : 'settling' };
  if (machine.checksConfigured > 0) return judgeChecks(machine, startedAt, now, context.healthy.withinMs);
  return { kind: now - startedAt >= context.healthy.forMs ? 'verified' : 'settling' };
}
