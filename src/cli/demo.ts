import { relative } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { drawLegend } from '../demo/draw.js';
import { countDemo, isGood, sayDemo } from '../demo/report.js';
import { DEMO_APP, DEMO_IMAGE, demoScenario } from '../demo/scenario.js';
import { type Eyes, eyesOf, watchFleet } from '../demo/watch-fleet.js';
import { rolloutId, TASK_QUEUE } from '../domain/names.js';
import { temporalCli } from '../setup/binaries.js';
import { killPrograms } from '../setup/program.js';
import { startSimulator, startTemporal, startWorker, type TemporalServer } from '../setup/stack.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Screen } from './screen.js';

const DOOR = 'demo-sweep';

type Say = (line?: string) => void;

/** The screen, and lines on it. */
interface Stage {
  readonly screen: Screen;
  readonly say: Say;
}

/** The same line an operator would type, with the address of this demo's server. */
function commandLine({ cli, address }: TemporalServer, command: string): string {
  const program = relative(process.cwd(), cli);
  return `${(program.startsWith('..') ? cli : program).replace(/-[\d.]+$/, '')} ${command} --address ${address}`;
}

function sayCommands(temporal: TemporalServer, say: Say): void {
  const id = rolloutId(DEMO_APP);
  say();
  say(`Temporal UI: ${temporal.uiUrl}/namespaces/default/workflows/${id}`);
  say('Steer it from a second terminal:');
  say(`  ${commandLine(temporal, `workflow signal --workflow-id ${id} --name pause --input '{"reason":"a look"}'`)}`);
  say(`  ${commandLine(temporal, `workflow signal --workflow-id ${id} --name resume`)}`);
  say(`  ${commandLine(temporal, `workflow query --workflow-id ${id} --name status`)}`);
  say(`  ${commandLine(temporal, `workflow metadata --workflow-id ${id}`)}`);
  say();
}

async function startSweep(client: Client, temporal: TemporalServer, say: Say) {
  const input = { app: DEMO_APP, image: DEMO_IMAGE };
  say('Starting the sweep, as you would:');
  const start = `workflow start --task-queue ${TASK_QUEUE} --type stoppedSweep --workflow-id ${DOOR} --input '${JSON.stringify(input)}'`;
  say(`  ${commandLine(temporal, start)}`);
  return client.workflow.start('stoppedSweep', { taskQueue: TASK_QUEUE, workflowId: DOOR, args: [input] });
}

/** Watches until the sweep has ended; true when Temporal says Completed. */
async function follow(client: Client, temporal: TemporalServer, eyes: Eyes, { screen, say }: Stage): Promise<boolean> {
  const handle = await startSweep(client, temporal, say);
  sayCommands(temporal, say);
  say(drawLegend(screen.isTerminal));
  say();
  const ended = new AbortController();
  const result = handle
    .result()
    .then(() => true)
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
      say(`  ${error.cause?.message ?? error.message}`);
      return false;
    })
    .finally(() => ended.abort());
  await watchFleet(client, eyes, screen, ended.signal);
  return result;
}

async function runDemo(stage: Stage): Promise<ExitCode> {
  const { say } = stage;
  say((await temporalCli()).says);
  say('Layover demo: starting a Temporal dev server, a simulated Fly and a worker (nothing leaves this machine)');
  const [temporal, simulator] = await Promise.all([startTemporal({ ui: true }), startSimulator(demoScenario())]);
  await startWorker({ temporalAddress: temporal.address, flyUrl: simulator.url });
  const connection = await Connection.connect({ address: temporal.address });
  const eyes = eyesOf(simulator.url);
  const isCompleted = await follow(new Client({ connection }), temporal, eyes, stage);
  const figures = countDemo(await eyes.machines(), await eyes.journal());
  await connection.close();
  say();
  say(`The sweep ${isCompleted ? 'completed' : 'did not complete'}. Counted by the simulator:`);
  for (const line of sayDemo(figures)) say(line);
  return isCompleted && isGood(figures) ? EXIT.ok : EXIT.notOk;
}

function stopOn(signal: NodeJS.Signals, code: number, say: Say): void {
  process.once(signal, () => {
    say(`\nstopping (${signal})`);
    void killPrograms().finally(() => process.exit(code));
  });
}

/**
 * `layover demo`: a real Temporal server, a simulated Fly with sixty machines, a worker, and one sweep to its report.
 * It leaves no program behind, also when it is stopped.
 */
export async function demoCommand(screen: Screen): Promise<ExitCode> {
  const say: Say = (line = '') => screen.write(`${line}\n`);
  stopOn('SIGINT', 130, say);
  stopOn('SIGTERM', 143, say);
  try {
    return await runDemo({ screen, say });
  } finally {
    await killPrograms();
  }
}
