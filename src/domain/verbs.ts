import { isRestartOnly } from './change.js';
import { write } from './diary.js';
import { total } from './pools.js';
import { unpause } from './pauses.js';
import { stepOf } from './progress.js';
import type { Failure, RolloutState } from './state.js';
import { stopWith, without } from './state.js';
import { beginStep, inScope } from './steps.js';

/** What an operator can say to a rollout. */
export const VERBS = ['pause', 'resume', 'proceed', 'retry', 'rollback', 'abort'] as const;
export type Verb = (typeof VERBS)[number];

/** The one optional argument of every verb; `by` is a note, not an identity. */
export interface VerbInput {
  readonly reason?: string;
  readonly by?: string;
  /** `retry` only: these machines; all failed ones when left out. */
  readonly machines?: readonly string[];
  /** `proceed` only: the wait that it ends, as the status names it. */
  readonly at?: string;
  /** `abort` only, of a rollout that another is to replace: a way back is not cut short. */
  readonly spare?: 'rollback';
}

export type VerbAnswer =
  { readonly ok: true; readonly state: RolloutState } | { readonly ok: false; readonly refusal: string };

interface VerbRule {
  /** Shown in the UI and by `temporal workflow metadata`. */
  readonly describes: string;
  readonly apply: (state: RolloutState, input: VerbInput, now: number) => VerbAnswer;
}

const done = (state: RolloutState): VerbAnswer => ({ ok: true, state });
const refuse = (refusal: string): VerbAnswer => ({ ok: false, refusal });
const note = (input: VerbInput): { by?: string } => (input.by === undefined ? {} : { by: input.by });

function resume(state: RolloutState, now: number): VerbAnswer {
  if (state.pause === undefined) return refuse('not paused, nothing to resume');
  const accepted = Object.entries(state.failed).map(([id, failure]) => [id, { ...failure, accepted: true }] as const);
  const next = unpause(state, now);
  return done({
    ...next,
    failed: Object.fromEntries(accepted),
    ...(state.pause?.code === 'mixed_too_long' ? { acceptedMixed: true } : {}),
    acceptedForeign: state.seen === undefined ? (state.askedForeign ?? 0) : total(state.seen.pools, 'foreign'),
    step: { ...next.step, gates: acceptGates(state) },
    failedInRow: 0,
    queue: [],
    clear: { looks: 0, at: now },
  });
}

/** What a gate that failed, or had nothing to say, paused for is taken as it is; one that could not judge is asked again. */
function acceptGates({ pause, step }: RolloutState): RolloutState['step']['gates'] {
  const isTaken = pause?.code === 'gate_failed' || pause?.code === 'gate_silent';
  const entries = Object.entries(step.gates).map(
    ([name, judgement]) =>
      [name, isTaken && pause.gate === name ? { ...judgement, accepted: true as const } : judgement] as const,
  );
  return Object.fromEntries(entries);
}

/** Ends the wait that it names; a gate of a bake is asked all the same. */
function proceed(state: RolloutState, { at }: VerbInput, now: number): VerbAnswer {
  const step = stepOf(state);
  const isOpen = step.kind !== 'update' && state.turned === undefined;
  const waiting = isOpen && state.step.proceededAt === undefined ? step.name : undefined;
  const what = waiting === undefined ? 'nothing waits for a proceed now' : `what waits now is ${waiting}`;
  if (at === undefined) return refuse(`proceed.at: name the wait that it is to end; ${what}`);
  if (waiting !== at) {
    return state.proceeded.includes(at) ? done(state) : refuse(`${at.slice(0, 80)} is not waiting; ${what}`);
  }
  if (state.pause?.code === 'approval_expired') return refuse(`${at} waited too long; resume asks again, then proceed`);
  const proceeded = [...state.proceeded.filter((name) => name !== at), at];
  return done({ ...state, proceeded, step: { ...state.step, proceededAt: now } });
}

function rollback(state: RolloutState, input: VerbInput, now: number): VerbAnswer {
  if (state.plan.type === 'rollback')
    return refuse('this is a rollback already: to go forward again, abort it and start the input that it takes back');
  if (isRestartOnly(state.plan.context.change))
    return refuse('a restart alone changes nothing that could be taken back; pause or abort it');
  if (state.turned !== undefined) return done(state);
  const turned = { says: input.reason ?? 'asked for', ...note(input), since: now, failed: state.failed };
  return done({ ...unpause(state, now), turned });
}

function abort(state: RolloutState, input: VerbInput, now: number): VerbAnswer {
  const isBack = state.turned !== undefined || state.plan.context.back !== undefined;
  if (input.spare === 'rollback' && isBack) return refuse('it goes back, and a way back is not cut short');
  const stop = { kind: 'abort', says: input.reason ?? 'asked for', ...note(input), since: now } as const;
  return done(stopWith(unpause(state, now), stop));
}

/** Checks that do not pass get their whole time again; other evidence is forgiven up to its own time, which is Fly's. */
const forgivenAt = ({ code, at }: Failure, flyNow: number): number => (code === 'checks' ? flyNow : at);

function retryOne(state: RolloutState, [id, failure]: readonly [string, Failure], now: number): RolloutState {
  return {
    ...state,
    failed: without(state.failed, id),
    unknown: without(state.unknown, id),
    retries: { ...state.retries, [id]: (state.retries[id] ?? 0) + 1 },
    forgiven: { ...state.forgiven, [id]: forgivenAt(failure, now + (state.seen?.aheadMs ?? 0)) },
    clear: { looks: 0, at: 0 },
  };
}

/** It belongs to the entry that is being judged. */
function isOfEntry(state: RolloutState, failure: Failure): boolean {
  const step = stepOf(state);
  return step.kind !== 'update' && inScope(step.scope, failure);
}

/** The entry is updated once more before it is judged, and before anything of the next is written. */
function reopenEntry(state: RolloutState, now: number): RolloutState {
  const index = state.plan.steps.findLastIndex((step, at) => at < state.step.index && step.kind === 'update');
  return index < 0 ? state : { ...state, step: beginStep(index, now) };
}

function retry(state: RolloutState, input: VerbInput, now: number): VerbAnswer {
  const failed = Object.entries(state.failed);
  if (failed.length === 0) return refuse('no machine has failed, nothing to retry');
  const named = input.machines;
  const stranger = named?.find((id) => !Object.hasOwn(state.failed, id));
  if (stranger !== undefined)
    return refuse(
      `machine ${stranger.slice(0, 80)} has not failed; failed: ${failed
        .slice(0, 20)
        .map(([id]) => id)
        .join(', ')}`,
    );
  const again = failed.filter(([id]) => named?.includes(id) ?? true);
  const taken = again.reduce((before, one) => retryOne(before, one, now), state);
  return done(again.some(([, failure]) => isOfEntry(state, failure)) ? reopenEntry(taken, now) : taken);
}

/** One table registers each verb as a signal and as an update, and says when it is refused. */
export const VERB_RULES: Readonly<Record<Verb, VerbRule>> = {
  pause: {
    describes:
      'Stop writing until resume; updates in flight before their write are called back. {"reason":"5xx spike","by":"ann"}',
    apply: (state, input, now) => {
      const pause = { code: 'asked' as const, says: input.reason ?? 'asked for', ...note(input) };
      return done({ ...state, pause: { ...pause, since: state.pause?.since ?? now } });
    },
  },
  resume: {
    describes: 'Go on after a pause; accepts the failures, or the foreign machines, so far. {"by":"ann"}',
    apply: (state, _input, now) => resume(state, now),
  },
  proceed: {
    describes:
      'End the wait that it names: a bake early (its gates are asked all the same), or give an approval. {"at":"ams:approval","by":"ann"}',
    apply: proceed,
  },
  retry: {
    describes:
      'Take failed machines up again and out of the count; does not resume. {"machines":["e2865…"]} or nothing for all',
    apply: retry,
  },
  rollback: {
    describes:
      'Go back: every machine that this change was written to returns to what it ran before. {"reason":"checkout is slow"}',
    apply: rollback,
  },
  abort: {
    describes:
      'Stop for good: call back what was not written, finish what was, end as RolloutAborted. {"reason":"wrong image"}',
    apply: abort,
  },
};

/** What is said is shown wherever a rollout is, and travels with it. */
const MOST_TEXT = 500;
const isShortText = (value: unknown): boolean => typeof value === 'string' && value.length <= MOST_TEXT;

const isIds = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'string');

const MORE_KEYS: Partial<Readonly<Record<Verb, readonly string[]>>> = {
  retry: ['machines'],
  proceed: ['at'],
  abort: ['spare'],
};

function keyProblem(verb: Verb, key: string, value: unknown): string | undefined {
  const known = ['reason', 'by', ...(MORE_KEYS[verb] ?? [])];
  if (!known.includes(key))
    return `${verb}: ${JSON.stringify(key.slice(0, 80))} is not known; it takes ${known.join(', ')}`;
  if (key !== 'machines')
    return isShortText(value) ? undefined : `${verb}.${key}: must be text, ${MOST_TEXT} letters at most`;
  return isIds(value) ? undefined : `${verb}.machines: must be a list of machine ids with at least one entry`;
}

/** What is wrong with a verb's argument, or undefined. */
export function verbInputProblem(verb: Verb, input: unknown): string | undefined {
  if (input === undefined || input === null) return undefined;
  if (typeof input !== 'object' || Array.isArray(input))
    return `${verb} takes one optional JSON object, for example {"reason":"…"}`;
  return Object.entries(input)
    .map(([key, value]) => keyProblem(verb, key, value))
    .find((problem) => problem !== undefined);
}

/** What was said, and what it was about. */
function withSaid(state: RolloutState, verb: Verb, { at, machines, reason, by }: VerbInput, now: number): RolloutState {
  const about = [verb, at, ...(machines?.slice(0, 5) ?? [])].filter((part) => part !== undefined).join(' ');
  const says = reason === undefined ? about : `${about}: ${reason}`;
  const entry = { at: now, says, ...(by === undefined ? {} : { by }) };
  return { ...state, diary: write(state.diary, [entry]) };
}

/** Applies a verb, or says why not; the validator of the update and the signal's handler ask the same question. */
export function applyVerb(state: RolloutState, verb: Verb, input: unknown, now: number): VerbAnswer {
  const problem = verbInputProblem(verb, input);
  if (problem !== undefined) return refuse(problem);
  if (state.stop !== undefined) return refuse(`the rollout is ending (${state.stop.kind}); ${verb} comes too late`);
  const said: VerbInput = input ?? {};
  const answer = VERB_RULES[verb].apply(state, said, now);
  return answer.ok && answer.state !== state ? done(withSaid(answer.state, verb, said, now)) : answer;
}
