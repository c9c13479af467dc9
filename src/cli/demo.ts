import { relative } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { drawLegend } from '../demo/draw.js';
import { isPlayName, type Play, PLAYS } from '../demo/plays.js';
import { type Eyes, eyesOf, watchFleet } from '../demo/watch-fleet.js';
import { rolloutId, TASK_QUEUE } from '../domain/names.js';
import { temporalCli } from '../setup/binaries.js';
import { killPrograms } from '../setup/program.js';
import { startSimulator, startTemporal, startWorker, type TemporalServer } from '../setup/stack.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';
import type { Screen } from './screen.js';

type Say = (line?: string) => void;

/** The screen, lines on it, and what is shown. */
interface Stage {
  readonly screen: Screen;
  readonly say: Say;
  readonly play: Play;
  /** Gives the approval itself, where nobody sits at a second terminal. */
  readonly approves: boolean;
}

/** The same line an operator would type, with the address of this demo's server. */
function commandLine({ cli, address }: TemporalServer, command: string): string {
  const program = relative(process.cwd(), cli);
  return `${(program.startsWith('..') ? cli : program).replace(/-[\d.]+$/, '')} ${command} --address ${address}`;
}

const approval = (wait: string): string => JSON.stringify({ at: wait });

function sayCommands(temporal: TemporalServer, { play, say }: Stage): void {
  const id = rolloutId(play.app);
  const signal = `workflow signal --workflow-id ${id} --name`;
  say();
  say(`Temporal UI: ${temporal.uiUrl}/namespaces/default/workflows/${id}`);
  if (play.approval !== undefined) {
    say('It waits for your yes after its first step. Give it from a second terminal:');
    say(`  ${commandLine(temporal, `${signal} proceed --input '${approval(play.approval)}'`)}`);
  }
  say('Steer it from a second terminal:');
  say(`  ${commandLine(temporal, `${signal} pause --input '{"reason":"a look"}'`)}`);
  say(`  ${commandLine(temporal, `${signal} resume`)}`);
  say(`  ${commandLine(temporal, `workflow query --workflow-id ${id} --name status`)}`);
  say(`  ${commandLine(temporal, `workflow metadata --workflow-id ${id}`)}`);
  say();
}

async function start(client: Client, temporal: TemporalServer, { play, say }: Stage) {
  const door = `demo-${play.app}`;
  say(`Starting the ${play.type}, as you would:`);
  const command = `workflow start --task-queue ${TASK_QUEUE} --type ${play.type} --workflow-id ${door} --input '${JSON.stringify(play.input)}'`;
  say(`  ${commandLine(temporal, command)}`);
  return client.workflow.start(play.type, { taskQueue: TASK_QUEUE, workflowId: door, args: [play.input] });
}

/** Gives the yes as soon as it is waited for. */
async function approve(client: Client, { app, approval: wait }: Play, ended: AbortSignal): Promise<void> {
  const room = client.workflow.getHandle(rolloutId(app));
  while (!ended.aborted) {
    const status = await room.query<{ phase?: string }>('status').catch(() => undefined);
    if (status?.phase === 'waiting') return room.signal('proceed', { at: wait, by: 'the demo' });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const endOf = (error: unknown): string =>
  error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure
    ? (error.cause.type ?? 'Failed')
    : 'Failed';

/** Watches until the rollout has ended; how Temporal says that it did. */
async function follow(client: Client, temporal: TemporalServer, eyes: Eyes, stage: Stage): Promise<string> {
  const { screen, say, play } = stage;
  const handle = await start(client, temporal, stage);
  sayCommands(temporal, stage);
  say(drawLegend(screen.isTerminal));
  say();
  const ended = new AbortController();
  const result = handle
    .result()
    .then(() => 'Completed')
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
      say(`  ${error.cause?.message ?? error.message}`);
      return endOf(error);
    })
    .finally(() => ended.abort());
  const approving = stage.approves && play.approval !== undefined ? approve(client, play, ended.signal) : undefined;
  await watchFleet(client, { eyes, screen, play }, ended.signal);
  await approving;
  return result;
}

async function runDemo(stage: Stage): Promise<ExitCode> {
  const { say, play } = stage;
  say((await temporalCli()).says);
  say('Layover demo: starting a Temporal dev server, a simulated Fly and a worker (nothing leaves this machine)');
  const [temporal, simulator] = await Promise.all([startTemporal({ ui: true }), startSimulator(play.scenario())]);
  await startWorker({ temporalAddress: temporal.address, flyUrl: simulator.url });
  const connection = await Connection.connect({ address: temporal.address });
  const eyes = eyesOf(simulator.url, play.app);
  const end = await follow(new Client({ connection }), temporal, eyes, stage);
  const { lines, isGood } = play.count(await eyes.machines(), await eyes.journal());
  await connection.close();
  say();
  say(
    `The rollout ended ${end}${end === play.ends ? '' : `, which it should not: ${play.ends} was meant`}. Counted by the simulator:`,
  );
  for (const line of lines) say(line);
  return end === play.ends && isGood ? EXIT.ok : EXIT.notOk;
}

function stopOn(signal: NodeJS.Signals, code: number, say: Say): void {
  process.once(signal, () => {
    say(`\nstopping (${signal})`);
    void killPrograms().finally(() => process.exit(code));
  });
}

export interface DemoFlags {
  readonly yes?: boolean;
}

/**
 * `layover demo [sweep | canary | bad-image | groups]`: a real Temporal server, a simulated Fly, a worker, and one rollout to its
 * report. It leaves no program behind, also when it is stopped.
 */
export async function demoCommand(name: string, flags: DemoFlags, outside: Outside): Promise<ExitCode> {
  const { screen } = outside;
  const say: Say = (line = '') => screen.write(`${line}\n`);
  if (!isPlayName(name)) {
    outside.complain(`there is no demo ${JSON.stringify(name)}; there is ${Object.keys(PLAYS).join(', ')}`);
    return EXIT.usage;
  }
  stopOn('SIGHUP', 129, say);
  stopOn('SIGINT', 130, say);
  stopOn('SIGQUIT', 131, say);
  stopOn('SIGTERM', 143, say);
  try {
    return await runDemo({ screen, say, play: PLAYS[name], approves: flags.yes === true });
  } finally {
    await killPrograms();
  }
}
