import { clip } from '../domain/clip.js';
import type { Notice, NoticeKind } from '../domain/notices.js';

const WORDS: Readonly<Record<NoticeKind, string>> = {
  started: 'started',
  progress: 'goes on',
  paused: 'is paused',
  waiting: 'waits for a person',
  resumed: 'goes on',
  goingBack: 'goes back',
  finished: 'has ended',
  reminder: 'still waits for a person',
};

/** In one line: which rollout, and what has become of it. */
export const headline = ({ app, type, kind, reason }: Notice): string =>
  `${type} of ${app} ${WORDS[kind]}${kind === 'finished' ? `: ${reason}` : ''}`;

/** How far it is. */
export function sayCounts({ counts, step }: Notice): string {
  const { atTarget, selected, failed, foreign, left } = counts;
  const more = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(foreign > 0 ? [`${foreign} foreign`] : []),
    ...(left > 0 ? [`${left} left`] : []),
  ];
  return `${[`${atTarget} of ${selected} machines at target`, ...more].join(', ')}; step ${step}`;
}

/** Bounds that every sink keeps with room to spare (Slack: 3,000 characters a section). */
const MOST_TEXT = 1_500;
const MOST_TARGET = 500;

export const saysOf = ({ says }: Notice): string => clip(says, MOST_TEXT);
export const targetOf = ({ target }: Notice): string => clip(target, MOST_TARGET);
