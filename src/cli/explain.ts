import { Client, Connection } from '@temporalio/client';
import { appNameProblem, rolloutId } from '../domain/names.js';
import { FlyError } from '../fly/errors.js';
import { readConfig } from '../worker/config.js';
import { flySide } from '../worker/fly-side.js';
import { readTemporal } from '../worker/temporal.js';
import { type Answer, askStatus } from './ask-status.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { type FleetRecord, readFleetRecord } from './from-fly.js';
import type { Outside } from './outside.js';
import { entriesOf, sayExplained } from './say-explained.js';
import { exitOf } from './watch-status.js';

/** Who began a rollout: the workflow that people started, and as whom their program was known. */
export interface Started {
  readonly at: string;
  readonly by: string;
  readonly through: string;
}

/** All that is known of an app's last rollout, from its history and from the machines. */
export interface Known {
  readonly app: string;
  readonly answer: Answer;
  readonly started: Started | undefined;
  /** Left out where the machines could not be asked, with why. */
  readonly fleet: FleetRecord | string;
}

const HISTORY_MS = 10_000;

/** The first event of a workflow's run. */
async function beginningOf(client: Client, workflowId: string, runId: string) {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const [event] = history?.events ?? [];
  const seconds = Number(event?.eventTime?.seconds ?? Number.NaN);
  const at = Number.isNaN(seconds) ? undefined : new Date(seconds * 1_000).toISOString();
  return { at, attributes: event?.workflowExecutionStartedEventAttributes };
}

/** By the first event of whoever people started: a door, or the rollout itself, in its first run. */
async function startedOf(client: Client, app: string): Promise<Started | undefined> {
  const id = rolloutId(app);
  try {
    return await client.connection.withDeadline(Date.now() + HISTORY_MS, async () => {
      const { raw, runId, startTime } = await client.workflow.getHandle(id).describe();
      const first = await beginningOf(client, id, raw.workflowExecutionInfo?.firstRunId || runId);
      const door = first.attributes?.parentWorkflowExecution;
      const through = door?.workflowId ?? id;
      const origin = door?.workflowId ? await beginningOf(client, through, door.runId ?? '') : first;
      return {
        at: origin.at ?? startTime.toISOString(),
        by: origin.attributes?.identity || 'an unnamed client',
        through,
      };
    });
  } catch {
    return undefined;
  }
}

async function fleetOf(app: string, { env }: Outside): Promise<FleetRecord | string> {
  let config;
  try {
    config = readConfig(env);
  } catch (error) {
    const why = error instanceof Error ? ` (${error.message.split('\n')[0]})` : '';
    return `the machines were not asked: that needs the settings of a worker${why}`;
  }
  try {
    return await readFleetRecord(app, flySide(config).fly);
  } catch (error) {
    if (error instanceof FlyError) return `the machines could not be asked: ${error.message}`;
    throw error;
  }
}

/** `layover explain APP`: who did what when and why, from the rollout's history and from the machines. */
export async function explainCommand(
  app: string,
  flags: { readonly json?: boolean },
  outside: Outside,
): Promise<ExitCode> {
  const problem = appNameProblem(app);
  if (problem !== undefined) {
    outside.complain(problem);
    return EXIT.usage;
  }
  let temporal;
  try {
    temporal = readTemporal(outside.env);
  } catch (error) {
    outside.complain(error instanceof Error ? error.message : String(error));
    return EXIT.usage;
  }
  const { address, namespace, connectionOptions } = temporal;
  const connection = Connection.lazy({ ...connectionOptions, address });
  const client = new Client({ connection, namespace });
  try {
    const [answer, started, fleet] = await Promise.all([
      askStatus(client, app),
      startedOf(client, app),
      fleetOf(app, outside),
    ]);
    const known: Known = { app, answer, started, fleet };
    const lines =
      flags.json === true
        ? entriesOf(known, address).map((entry) => JSON.stringify(entry))
        : sayExplained(known, address);
    for (const line of lines) outside.say(line);
    const isTold = answer.kind === 'running' || answer.kind === 'ended';
    // What Temporal has forgotten the machines still tell; who could not ask Temporal does not know.
    return isTold || (answer.kind === 'none' && typeof fleet !== 'string') ? EXIT.ok : exitOf(answer);
  } finally {
    await connection.close();
  }
}
