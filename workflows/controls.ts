import {
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  setDefaultSignalHandler,
  setHandler,
} from '@temporalio/workflow';
import { type Status, statusOf } from '../src/domain/status.js';
import type { RolloutState } from '../src/domain/state.js';
import { applyVerb, type Verb, type VerbAnswer, verbInputProblem, VERB_RULES, VERBS } from '../src/domain/verbs.js';
import type { Run } from './run.js';

export const statusQuery = defineQuery<Status | PlanningStatus>('status');

/** The answer while the plan is being made. */
export interface PlanningStatus {
  readonly app: string;
  readonly type: string;
  readonly phase: 'planning';
  readonly message: string;
}

/** The status as it is now. */
export function statusNow(run: Run): Status | PlanningStatus {
  if (run.loop === undefined) {
    return {
      app: run.app,
      type: run.type,
      phase: 'planning',
      message: 'reading the app, its machines and the registry',
    };
  }
  const lookingSince = run.loop.lookingSince();
  return statusOf(run.loop.state(), {
    now: Date.now(),
    ...(lookingSince === undefined ? {} : { lookingSince }),
    ...(run.ended === undefined ? {} : { ended: run.ended }),
  });
}

/** A verb by signal: applied, or noted as refused where an operator looks, since a signal has no answer. */
export function takeVerb(run: Run, verb: string, input: unknown): void {
  if (run.loop === undefined) {
    run.pending.push({ verb, input });
    return;
  }
  const state = run.loop.state();
  const known = VERBS.find((name) => name === verb);
  if (known === undefined) {
    const notice = `the signal ${JSON.stringify(verb.slice(0, 80))} is not known here; known: ${VERBS.join(', ')}`;
    run.loop.put({ ...state, notice });
    return;
  }
  const answer = answerTo(run, state, known, input);
  run.loop.put(answer.ok ? answer.state : { ...state, notice: `the signal ${verb} was refused: ${answer.refusal}` });
}

function answerTo({ ended }: Run, state: RolloutState, verb: Verb, input: unknown): VerbAnswer {
  if (ended === undefined) return applyVerb(state, verb, input, Date.now());
  const refusal = `the rollout has ended (${ended.outcome}: ${ended.says}); start the same input again to go on`;
  return { ok: false, refusal };
}

function refuseBefore(run: Run, verb: Verb, input: unknown): void {
  const answer = run.loop && answerTo(run, run.loop.state(), verb, input);
  const refusal = answer === undefined ? verbInputProblem(verb, input) : answer.ok ? undefined : answer.refusal;
  if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal, 'Refused');
}

/**
 * Registers every verb twice from the one table: as a signal, which is stored even while no worker runs, and as an
 * update, which answers with the status or a readable refusal. And the query.
 */
export function registerControls(run: Run): void {
  for (const verb of VERBS) {
    const description = VERB_RULES[verb].describes;
    setHandler(defineSignal<[unknown?]>(verb), (input?: unknown) => takeVerb(run, verb, input), { description });
    setHandler(
      defineUpdate<Status | PlanningStatus, [unknown?]>(verb),
      async (input?: unknown) => {
        await condition(() => run.loop !== undefined);
        refuseBefore(run, verb, input);
        takeVerb(run, verb, input);
        return statusNow(run);
      },
      { description, validator: (input?: unknown) => refuseBefore(run, verb, input) },
    );
  }
  setHandler(statusQuery, () => statusNow(run), {
    description: 'Phase, reason, since, message, counts, machines that are not fine, and what can be typed now.',
  });
  setDefaultSignalHandler((name, input) => takeVerb(run, name, input));
}
