import type { Clock } from '../src/clock.js';
import { inScope } from '../src/domain/steps.js';
import type { GateOrder } from '../src/domain/judging.js';
import type { GateOutcome } from '../src/domain/outcomes.js';
import { targetText } from '../src/domain/change.js';
import { classify } from '../src/domain/table.js';
import type { FlyClient } from '../src/fly/client.js';
import { FlyError } from '../src/fly/errors.js';
import type { Transport } from '../src/fly/transport.js';
import { askHttp, type HttpJudge } from '../src/gates/http.js';
import { askPrometheus, type PrometheusServer } from '../src/gates/prometheus.js';
import type { Answer, Question } from '../src/gates/question.js';
import type { Gate } from '../src/input/types.js';
import { factsOf } from './facts.js';
import type { Again } from './observe-fleet.js';

/** Who may be asked, by the worker's config. */
export interface Judges {
  readonly transport: Transport;
  readonly prometheus?: PrometheusServer;
  readonly http: Readonly<Record<string, HttpJudge>>;
}

export interface JudgeDeps {
  readonly fly: FlyClient;
  readonly clock: Clock;
  readonly judges: Judges;
}

/** A judge is asked at a tenth of the bake's length, within these bounds. */
const LEAST_POLL_MS = 1_000;
const MOST_POLL_MS = 30_000;
const TENTH = 10;

/** A judge that is down at the end of a bake is asked again this often before a person is. */
const MOST_ERRORS_MS = 60_000;

/** An answer looks no further back than this. */
const MOST_WINDOW_MS = 300_000;

/** What of the time since the bake began Prometheus can already tell. */
function windowOf(gate: Gate, from: number, now: number, { prometheus }: Judges): number {
  const lagMs = gate.kind === 'prometheus' ? (prometheus?.lagMs ?? 0) : 0;
  return Math.min(MOST_WINDOW_MS, now - from - lagMs);
}

/** A first look half way through the bake sees enough to be worth it. */
function enoughOf({ gate, from, until }: GateOrder, { prometheus }: Judges): number {
  if (gate.kind !== 'prometheus') return 0;
  return Math.min(MOST_WINDOW_MS, Math.max(LEAST_POLL_MS, (until - from - (prometheus?.lagMs ?? 0)) / 2));
}

/** The machines that are judged: those of the step that work on the new version. */
async function questionOf(order: GateOrder, windowMs: number, { fly }: JudgeDeps): Promise<Question> {
  const { context, scope, step } = order;
  const machines = (await fly.listMachines(context.app))
    .map((machine) => factsOf(machine, context.change))
    .filter((facts) => inScope(scope, facts) && facts.state === 'started')
    .filter((facts) => classify(facts, context).standing === 'atTarget');
  const { hash, start } = context.rollout;
  return {
    app: context.app,
    regions: [...new Set(machines.map(({ region }) => region))].toSorted(),
    machines: machines.map(({ id }) => id).toSorted(),
    windowMs,
    image: targetText(context.change, context.pin) ?? '',
    rollout: `${hash}.${start}`,
    step,
  };
}

/** Gates that this worker could not ask: said before anything is updated. */
export function gateProblems(gates: readonly Gate[], { prometheus, http }: Judges): string[] {
  const names = Object.keys(http);
  return gates.flatMap((gate) => {
    if (gate.kind === 'prometheus')
      return prometheus === undefined
        ? ['gates: the worker’s config (LAYOVER_CONFIG) names no "prometheus" to ask; add its address there']
        : [];
    const name = gate.name.slice('http:'.length);
    return names.includes(name)
      ? []
      : [`gates: the worker’s config (LAYOVER_CONFIG) has no gate "${name}"; it has ${names.join(', ') || 'none'}`];
  });
}

async function ask(gate: Gate, question: Question, { transport, prometheus, http }: Judges): Promise<Answer> {
  if (question.machines.length === 0) return { verdict: 'NONE', says: 'no machine of it works on the new version' };
  if (gate.kind === 'prometheus') {
    if (prometheus === undefined) return { verdict: 'ERROR', says: 'the worker’s config has no "prometheus"' };
    return askPrometheus(gate, question, { server: prometheus, transport });
  }
  const judge = http[gate.name.slice('http:'.length)];
  if (judge === undefined) return { verdict: 'ERROR', says: `the worker’s config has no gate "${gate.name}"` };
  return askHttp(judge, question, transport);
}

/**
 * Asks one gate. It comes back with a FAIL at once, with anything else when that differs from what was said last, and
 * with whatever is said when the bake is over; till then its retries are the poll. A judge that is down at the end is
 * given a minute.
 */
export async function judgeGate(order: GateOrder, deps: JudgeDeps): Promise<GateOutcome | Again> {
  const { gate, from, until, last } = order;
  const now = deps.clock.now();
  const pollMs = Math.min(MOST_POLL_MS, Math.max(LEAST_POLL_MS, (until - from) / TENTH));
  const windowMs = windowOf(gate, from, now, deps.judges);
  const again = (says: string, inMs = pollMs): Again => ({
    kind: 'again',
    says,
    inMs: now < until ? Math.min(inMs, Math.max(1, until - now)) : inMs,
  });
  const enoughMs = enoughOf(order, deps.judges);
  if (windowMs < enoughMs && now < until) return again('too early to say anything', enoughMs - windowMs);
  const { verdict, says } = await answered(order, windowMs, deps);
  const outcome = { name: gate.name, verdict, says, at: now };
  if (verdict === 'FAIL') return outcome;
  if (now < until) return verdict === last ? again(`${verdict}: ${says}`) : outcome;
  return verdict === 'ERROR' && now < until + MOST_ERRORS_MS ? again(`${verdict}: ${says}`) : outcome;
}

/** A Fly that does not list the machines leaves nothing to ask about. */
async function answered(order: GateOrder, windowMs: number, deps: JudgeDeps): Promise<Answer> {
  try {
    return await ask(order.gate, await questionOf(order, Math.max(1_000, windowMs), deps), deps.judges);
  } catch (error) {
    if (error instanceof FlyError) return { verdict: 'ERROR', says: `Fly does not list the machines: ${error.code}` };
    throw error;
  }
}
