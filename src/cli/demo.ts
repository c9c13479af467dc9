import { relative } from 'node:path';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { drawLegend } from '../demo/draw.js';
import { countDemo, isGood, sayDemo } from '../demo/report.js';
import { DEMO_APP, DEMO_IMAGE, demoScenario } from '../demo/scenario.js';
import { type Eyes, eyesOf, type Screen, watchFleet } from '../demo/watch-fleet.js';
import { rolloutId, TASK_QUEUE } from '../domain/names.js';
import { killPrograms } from '../setup/program.js';
import { startSimulator, startTemporal, startWorker, type TemporalServer } from '../setup/stack.js';

/** `npm run demo`: a real Temporal server, a simulated Fly with sixty machines, a worker, and one sweep to its report. */

const screen: Screen = {
  isTerminal: process.stdout.isTTY,
  columns: process.stdout.columns,
  write: (text) => process.stdout.write(text),
};
const say = (line = ''): void => screen.write(`${line}\n`);
const DOOR = 'demo-sweep';

/** The same line an operator would type, with the address of this demo's server. */
function commandLine({ cli, address }: TemporalServer, command: string): string {
  const program = relative(process.cwd(), cli);
  return `${(program.startsWith('..') ? cli : program).replace(/-[\d.]+$/, '')} ${command} --address ${address}`;
}

function sayCommands(temporal: TemporalServer): void {
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

async function startSweep(client: Client, temporal: TemporalServer) {
  const input = { app: DEMO_APP, image: DEMO_IMAGE };
  say('Starting the sweep, as you would:');
  const start = `workflow start --task-queue ${TASK_QUEUE} --type stoppedSweep --workflow-id ${DOOR} --input '${JSON.stringify(input)}'`;
  say(`  ${commandLine(temporal, start)}`);
  return client.workflow.start('stoppedSweep', { taskQueue: TASK_QUEUE, workflowId: DOOR, args: [input] });
}

/** Watches until the sweep has ended; true when Temporal says Completed. */
async function follow(client: Client, temporal: TemporalServer, eyes: Eyes): Promise<boolean> {
  const handle = await startSweep(client, temporal);
  sayCommands(temporal);
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

async function main(): Promise<number> {
  say('Layover demo: starting a Temporal dev server, a simulated Fly and a worker (nothing leaves this machine)');
  const [temporal, simulator] = await Promise.all([startTemporal({ ui: true }), startSimulator(demoScenario())]);
  await startWorker({ temporalAddress: temporal.address, flyUrl: simulator.url });
  const connection = await Connection.connect({ address: temporal.address });
  const eyes = eyesOf(simulator.url);
  const isCompleted = await follow(new Client({ connection }), temporal, eyes);
  const figures = countDemo(await eyes.machines(), await eyes.journal());
  await connection.close();
  say();
  say(`The sweep ${isCompleted ? 'completed' : 'did not complete'}. Counted by the simulator:`);
  for (const line of sayDemo(figures)) say(line);
  return isCompleted && isGood(figures) ? 0 : 1;
}

function stopOn(signal: NodeJS.Signals, code: number): void {
  process.once(signal, () => {
    say(`\nstopping (${signal})`);
    void killPrograms().finally(() => process.exit(code));
  });
}

stopOn('SIGINT', 130);
stopOn('SIGTERM', 143);
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await killPrograms();
}
