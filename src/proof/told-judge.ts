import { type Figure, figure } from './judge.js';

/** A thing that a sink has, with the delivery that made it. */
export interface Made {
  readonly where: 'Slack' | 'GitHub';
  readonly delivery: string;
}

/** A state change as a webhook was told of it; repetitions are allowed there. */
export interface ToldOf {
  readonly rollout: string;
  readonly number: number;
  readonly kind: string;
}

export interface ToldCase {
  readonly made: readonly Made[];
  readonly webhook: readonly ToldOf[];
  /** Numbers of the state changes that have a message in Slack, by rollout; the start is the first message itself. */
  readonly slack: ReadonlyMap<string, ReadonlySet<number>>;
  /** Rollouts that a person's yes was given to. */
  readonly approved: readonly string[];
  /** Marks on writes, without their retries: each rollout that wrote began, and has ended by now. */
  readonly written: readonly string[];
}

/** The same thing made again is a question asked twice. */
function madeTwice(where: Made['where'], made: readonly Made[]): Figure {
  const here = made.filter((one) => one.where === where).map(({ delivery }) => delivery);
  const twice = here.filter((delivery, index) => here.indexOf(delivery) !== index);
  return figure(`messages made twice at ${where}`, twice, here.length, 'messages');
}

/** What must have been told of a rollout, and was not. */
function lostOf(rollout: string, { webhook, slack, approved }: ToldCase): string[] {
  const told = webhook.filter((one) => one.rollout === rollout);
  const kinds = new Set(told.map(({ kind }) => kind));
  const [first] = told.toSorted((a, b) => a.number - b.number);
  const there = slack.get(rollout) ?? new Set();
  const lacking = told.filter(({ number, kind }) => kind !== 'started' && !there.has(number));
  return [
    ...(first?.number === 1 ? [] : [`${rollout}: its beginning`]),
    ...(kinds.has('finished') ? [] : [`${rollout}: its end`]),
    ...(approved.includes(rollout) && !kinds.has('waiting') ? [`${rollout}: what it asked`] : []),
    ...lacking.map(({ number, kind }) => `${rollout}: ${kind} ${number} at Slack`),
  ];
}

const startOf = (rollout: string): string => rollout.slice(rollout.indexOf('.') + 1);

/**
 * The rollouts that wrote, by the names under which they were told of. No two rollouts have the same start: one that
 * turns back marks machines with another hash, though it may have written none on its way forward.
 */
function namesOf({ written, webhook }: ToldCase): string[] {
  const told = webhook.map(({ rollout }) => rollout);
  const names = written.map((mark) => told.find((rollout) => startOf(rollout) === startOf(mark)) ?? mark);
  return [...new Set(names)];
}

/** What was told twice, and what never. */
export function judgeTold(evidence: ToldCase): Figure[] {
  const lost = namesOf(evidence).flatMap((rollout) => lostOf(rollout, evidence));
  return [
    madeTwice('Slack', evidence.made),
    madeTwice('GitHub', evidence.made),
    figure('state changes lost', lost, evidence.webhook.length, 'deliveries to a webhook'),
  ];
}
