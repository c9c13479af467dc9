import type { Brief } from './sink.js';

/** Slack's three special characters (docs, formatting text). */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const commands = ({ canType }: Brief): string[] =>
  canType.length === 0 ? [] : ['What you can type now:', `\`\`\`${escaped(canType.join('\n'))}\`\`\``];

const title = ({ headline, says }: Brief): string[] => [`*${escaped(headline)}*`, escaped(says)];

/** A notice as a message of its own. */
export const messageOf = (notice: Brief): string =>
  [...title(notice), escaped(notice.progress), `target: \`${escaped(notice.target)}\``, ...commands(notice)].join('\n');

/** The one message of a rollout, as it is now: what is asked stands in its thread. */
export const boardOf = (notice: Brief): string =>
  [
    ...title(notice),
    escaped(notice.progress),
    `target: \`${escaped(notice.target)}\`  rollout: \`${escaped(notice.rollout)}\``,
  ].join('\n');

/** A state change in the thread. */
export const replyOf = (notice: Brief): string => [...title(notice), ...commands(notice)].join('\n');
