import type { Answer } from './ask-status.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';
import { sayAnswer, sayStatusLine } from './say-status.js';
import { createPicture } from './screen.js';
import { plain } from './text.js';

const EVERY_MS = 1_000;

/** Whoever has just started a rollout looks before its door has opened it. */
const PATIENCE_MS = 5_000;

/** How a command that has looked at a rollout ends. */
export function exitOf(answer: Answer): ExitCode {
  switch (answer.kind) {
    case 'running':
      return EXIT.ok;
    case 'ended':
      return answer.how === 'COMPLETED' ? EXIT.ok : EXIT.notOk;
    case 'no worker':
      return EXIT.noWorker;
    case 'none':
      return EXIT.none;
    case 'away':
      return EXIT.away;
  }
}

/** What is worth a new line where lines cannot be drawn over: not that a second has passed. */
function newsOf(answer: Answer): string {
  if (answer.kind !== 'running') return answer.kind;
  const { phase, message, counts } = answer.status;
  return JSON.stringify([phase, message, counts]);
}

function lineOf(answer: Answer, now: number, address: string): string {
  switch (answer.kind) {
    case 'running':
      return sayStatusLine(answer.status, now);
    case 'ended':
      return `ended ${answer.how}: ${plain(answer.says.split('\n')[0] ?? '')}`;
    case 'no worker':
      return 'no worker answers; the rollout goes on where it was as soon as one polls';
    case 'none':
      return 'there is no rollout';
    case 'away':
      return `Temporal at ${address} ${plain(answer.says)}`;
  }
}

export interface Watched {
  readonly app: string;
  readonly address: string;
  readonly ask: () => Promise<Answer>;
  /** Each change as one JSON line instead of text. */
  readonly json: boolean;
}

/** Nobody answers just now: what was last known stays in sight. */
const isGap = ({ kind }: Answer): boolean => kind === 'away' || kind === 'no worker';

/** Shows an answer, if it is news where it is shown. */
function createShow({ app, address, json }: Watched, { screen, say, clock }: Outside): (answer: Answer) => void {
  const draw = createPicture(screen);
  let last = '';
  let known: string[] = [];
  return (answer) => {
    const now = clock.now();
    if (screen.isTerminal && !json) {
      const lines = sayAnswer(answer, app, { now, address });
      if (answer.kind === 'running') known = ['', `as it was at ${new Date(now).toISOString()}:`, '', ...lines];
      return draw(isGap(answer) ? [...lines, ...known] : lines);
    }
    const news = newsOf(answer);
    if (news === last) return;
    last = news;
    if (json) say(JSON.stringify(answer));
    else say(`${new Date(now).toISOString()} ${lineOf(answer, now, address)}`);
  };
}

/** Nothing follows: the rollout has ended, there is none, or asking again is of no use. */
const isLast = (answer: Answer, watchedMs: number): boolean =>
  answer.kind === 'ended' ||
  (answer.kind === 'none' && watchedMs > PATIENCE_MS) ||
  (answer.kind === 'away' && answer.final);

/**
 * Looks once a second until the rollout ends. A server or a worker that is away is said, and asked again: the watch
 * lives as long as the rollout. Ctrl-C ends the watch and not the rollout.
 */
export async function watchStatus(watched: Watched, outside: Outside): Promise<ExitCode> {
  const stopped = outside.untilStopped();
  const isStopped = new Promise<undefined>((resolve) => {
    stopped.addEventListener('abort', () => resolve(undefined), { once: true });
    if (stopped.aborted) resolve(undefined);
  });
  const show = createShow(watched, outside);
  const since = outside.clock.now();
  for (;;) {
    // An answer that does not come for seconds does not hold up a Ctrl-C.
    const answer = await Promise.race([watched.ask(), isStopped]);
    if (answer === undefined) return EXIT.ok;
    show(answer);
    if (isLast(answer, outside.clock.now() - since) || stopped.aborted) return exitOf(answer);
    await outside.clock.sleep(EVERY_MS, stopped).catch(() => undefined);
    if (stopped.aborted) return exitOf(answer);
  }
}
