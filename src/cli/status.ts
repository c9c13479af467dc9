import { Client, Connection } from '@temporalio/client';
import { appNameProblem } from '../domain/names.js';
import { readTemporal, type TemporalConfig } from '../worker/temporal.js';
import { askStatus } from './ask-status.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { fleetCommand } from './from-fly.js';
import type { Outside } from './outside.js';
import { sayAnswer } from './say-status.js';
import { exitOf, watchStatus } from './watch-status.js';

export interface StatusFlags {
  readonly watch?: boolean;
  readonly fromFly?: boolean;
  readonly json?: boolean;
}

function flagProblem(app: string, { watch, fromFly }: StatusFlags): string | undefined {
  if (watch === true && fromFly === true) return '--watch asks Temporal; --from-fly looks once: choose one';
  return appNameProblem(app);
}

/** `layover status APP`: where the app's rollout stands, by the rollout itself or (`--from-fly`) by its machines. */
export async function statusCommand(app: string, flags: StatusFlags, outside: Outside): Promise<ExitCode> {
  const problem = flagProblem(app, flags);
  if (problem !== undefined) {
    outside.complain(problem);
    return EXIT.usage;
  }
  if (flags.fromFly === true) return fleetCommand(app, flags.json === true, outside);
  let temporal: TemporalConfig;
  try {
    temporal = readTemporal(outside.env);
  } catch (error) {
    outside.complain(error instanceof Error ? error.message : String(error));
    return EXIT.usage;
  }
  return askTemporal(app, flags, temporal, outside);
}

async function askTemporal(
  app: string,
  { watch, json }: StatusFlags,
  temporal: TemporalConfig,
  outside: Outside,
): Promise<ExitCode> {
  const { address, namespace, connectionOptions } = temporal;
  // Lazily: a server that is away is an answer of each question, not the end of the command.
  const connection = Connection.lazy({ ...connectionOptions, address });
  const client = new Client({ connection, namespace });
  const ask = () => askStatus(client, app);
  try {
    if (watch === true) return await watchStatus({ app, address, ask, json: json === true }, outside);
    const answer = await ask();
    if (json === true) outside.say(JSON.stringify(answer, null, 2));
    else {
      const tell = answer.kind === 'running' || answer.kind === 'ended' ? outside.say : outside.complain;
      for (const line of sayAnswer(answer, app, { now: outside.clock.now(), address })) tell(line);
    }
    return exitOf(answer);
  } finally {
    await connection.close();
  }
}
