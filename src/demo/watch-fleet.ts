import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { createPicture, type Screen } from '../cli/screen.js';
import { rolloutId } from '../domain/names.js';
import type { Status } from '../domain/status.js';
import type { JournalEntry } from '../simulator/journal.js';
import type { MachineTruth } from '../simulator/truth.js';
import { drawFleet } from './draw.js';
import type { Play } from './plays.js';

/** The simulator's own eyes: how the fleet really is, and what really happened. */
export interface Eyes {
  machines(): Promise<readonly MachineTruth[]>;
  journal(): Promise<readonly JournalEntry[]>;
}

export function eyesOf(simulatorUrl: string, app: string): Eyes {
  const read = async <T>(path: string): Promise<T> =>
    (await (await fetch(`${simulatorUrl}/_simulator/${path}`)).json()) as T;
  return { machines: () => read(`machines?app=${app}`), journal: () => read('log') };
}

/** A terminal is drawn again in place; anything else gets a line when the count changes. */
function createShow(screen: Screen) {
  const draw = createPicture(screen);
  let last = '';
  return (lines: readonly string[], headline: string) => {
    if (screen.isTerminal) draw([...lines, '', headline]);
    else if (headline !== last) screen.write(`${headline}\n`);
    last = headline;
  };
}

async function statusOf(client: Client, app: string): Promise<Status | undefined> {
  try {
    return await client.workflow.getHandle(rolloutId(app)).query<Status>('status');
  } catch {
    return undefined;
  }
}

function sayStatus(status: Status | undefined): string {
  if (status === undefined || status.phase === undefined || !('counts' in status)) return '  planning';
  const { counts } = status;
  return `  ${status.phase}: ${counts.atTarget} of ${counts.selected} at target; ${status.message}`;
}

/** Shows the fleet rotating until the rollout has ended, or the signal says stop. */
export async function watchFleet(
  client: Client,
  { eyes, screen, play }: { eyes: Eyes; screen: Screen; play: Pick<Play, 'app' | 'image'> },
  ended: AbortSignal,
): Promise<void> {
  const show = createShow(screen);
  for (;;) {
    const isLast = ended.aborted;
    const machines = await eyes.machines();
    const digest = machines.find((machine) => machine.image.startsWith(play.image))?.digest;
    show(drawFleet(machines, digest, screen.isTerminal), sayStatus(await statusOf(client, play.app)));
    if (isLast) return;
    await delay(500, undefined, { signal: ended }).catch(() => undefined);
  }
}
