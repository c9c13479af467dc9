import { clip } from './clip.js';
import { deliveryOf, isAsking, type Notice, type NoticeKind } from './notices.js';

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
const headline = ({ app, type, kind, reason }: Notice): string =>
  `${type} of ${app} ${WORDS[kind]}${kind === 'finished' ? `: ${reason}` : ''}`;

/** How far it is. */
function sayCounts({ counts, step }: Notice): string {
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

/** A notice in words, under the name that tells a repetition apart. */
export const briefOf = (notice: Notice) => ({
  ...notice,
  delivery: deliveryOf(notice),
  asks: isAsking(notice),
  headline: headline(notice),
  says: clip(notice.says, MOST_TEXT),
  target: clip(notice.target, MOST_TARGET),
  progress: sayCounts(notice),
});
