import type { Phase, Status } from './status.js';

/** `progress` is told to who can edit what he told before, and may get lost; the others are state changes. */
export type NoticeKind =
  'started' | 'paused' | 'waiting' | 'resumed' | 'goingBack' | 'finished' | 'progress' | 'reminder';

/** What the people who watch are told: our own words and numbers, never an env's value or an answer's text. */
export interface Notice {
  /** Of the rollout's notices, from 1 on: with the rollout's name it is the delivery id. */
  readonly number: number;
  readonly kind: NoticeKind;
  /** ISO text. */
  readonly at: string;
  readonly app: string;
  readonly type: string;
  /** `<hash of the change>.<start>`, from its beginning to its end. */
  readonly rollout: string;
  readonly target: string;
  readonly phase: Phase;
  readonly reason: string;
  readonly says: string;
  readonly step: string;
  readonly counts: Status['counts'];
  /** The lines to type, where somebody is asked. */
  readonly canType: readonly string[];
  /** Nobody has to do anything about it: it ends by itself, or something newer has come since. */
  readonly calm?: true;
}

/** What a sink remembers of a rollout between two notices: where its messages are. Ids, never a secret. */
export type Memory = Readonly<Record<string, string>>;

/** What was told last; it travels with the rollout through continue-as-new. */
export interface Told {
  /** The rollout's name from its beginning on: one that turns back marks machines with another, and is the same. */
  readonly rollout: string;
  readonly key: string;
  readonly step: string;
  readonly number: number;
}

/** Somebody has to do something: it is asked once, and reminded of. */
export const isAsking = ({ kind, calm }: Pick<Notice, 'kind' | 'calm'>): boolean =>
  calm !== true && ['paused', 'waiting', 'reminder'].includes(kind);

/** A pause for this reason goes on by itself. */
const CALM_REASONS = ['fly_unavailable'];

/** It is about to end: its end is told, and nothing in between is a question. */
const isStopping = ({ phase, reason }: Status): boolean => phase !== 'done' && ['abort', 'cancel'].includes(reason);

const KINDS: Readonly<Record<Phase, NoticeKind>> = {
  planning: 'progress',
  running: 'resumed',
  baking: 'resumed',
  waiting: 'waiting',
  pausing: 'paused',
  paused: 'paused',
  rollingBack: 'goingBack',
  done: 'finished',
};

/** Two statuses of one key are the same state to who watches: a pause is one, from its first moment to its last. */
function keyOf({ phase, reason, since, step }: Status): string {
  switch (KINDS[phase]) {
    case 'paused':
      return `paused ${reason} ${since}`;
    case 'waiting':
      return `waiting ${step.name}`;
    default:
      return KINDS[phase];
  }
}

function kindOf(status: Status, told: Told | undefined, key: string): NoticeKind {
  if (key === told?.key) return 'progress';
  const kind = KINDS[status.phase];
  return told === undefined && kind === 'resumed' ? 'started' : kind;
}

/**
 * What is to be told of a status, and what has been told then; undefined where there is nothing new.
 * @param at ms.
 */
export function noticeOf(
  status: Status,
  told: Told | undefined,
  at: number,
): { readonly notice: Notice; readonly told: Told } | undefined {
  const key = keyOf(status);
  const { step, app, type, target, phase, reason, message, counts, canType } = status;
  const { rollout } = told ?? status;
  if (isStopping(status) || (key === told?.key && step.name === told.step)) return undefined;
  const number = (told?.number ?? 0) + 1;
  const kind = kindOf(status, told, key);
  const calm = CALM_REASONS.includes(reason) ? { calm: true as const } : {};
  return {
    told: { rollout, key, step: step.name, number },
    notice: {
      number,
      kind,
      at: new Date(at).toISOString(),
      app,
      type,
      rollout,
      target,
      phase,
      reason,
      says: message,
      step: step.name,
      counts,
      canType: isAsking({ kind, ...calm }) || kind === 'finished' ? canType : [],
      ...calm,
    },
  };
}

/** The name under which a delivery is looked up before it is repeated, and told apart where it cannot be. */
export const deliveryOf = ({ rollout, number, kind, at }: Notice): string =>
  `${rollout}/${number}${kind === 'reminder' ? `/reminder ${at}` : ''}`;

/** Who is asked is reminded after these times, ms, the last of them again and again. */
export const REMINDERS_MS = [3_600_000, 4 * 3_600_000, 86_400_000] as const;

/** It is told as what was: the question that it was has an answer by now. */
const overtaken = (notice: Notice): Notice => (isAsking(notice) ? { ...notice, canType: [], calm: true } : notice);

/**
 * Adds to what waits for a sink: progress that nobody has read yet is replaced, a question that is not read yet needs
 * no reminder, and one that something newer has overtaken is none any more.
 */
export function enqueue(waiting: readonly Notice[], notice: Notice): readonly Notice[] {
  if (notice.kind === 'reminder' && waiting.some(isAsking)) return waiting;
  const kept = waiting.filter(({ kind }) => kind !== 'progress' && kind !== 'reminder');
  return [...(notice.kind === 'progress' || notice.kind === 'reminder' ? kept : kept.map(overtaken)), notice];
}
