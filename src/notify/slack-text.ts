import type { Notice } from '../domain/notices.js';
import { headline, sayCounts, saysOf, targetOf } from './texts.js';

/** Slack's three special characters (docs, formatting text). */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const commands = ({ canType }: Notice): string[] =>
  canType.length === 0 ? [] : ['What you can type now:', `\`\`\`${escaped(canType.join('\n'))}\`\`\``];

/** A notice as a message of its own. */
export const messageOf = (notice: Notice): string =>
  [
    `*${escaped(headline(notice))}*`,
    escaped(saysOf(notice)),
    escaped(sayCounts(notice)),
    `target: \`${escaped(targetOf(notice))}\``,
    ...commands(notice),
  ].join('\n');

/** The one message of a rollout, as it is now: what is asked stands in its thread. */
export const boardOf = (notice: Notice): string =>
  [
    `*${escaped(headline(notice))}*`,
    escaped(saysOf(notice)),
    escaped(sayCounts(notice)),
    `target: \`${escaped(targetOf(notice))}\`  rollout: \`${notice.rollout}\``,
  ].join('\n');

/** A state change in the thread. */
export const replyOf = (notice: Notice): string =>
  [`*${escaped(headline(notice))}*`, escaped(saysOf(notice)), ...commands(notice)].join('\n');
