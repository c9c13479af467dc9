import { Command, CommanderError } from 'commander';
import { EXIT, EXIT_CODES } from './exit-codes.js';
import type { DemoFlags } from './demo.js';
import type { Outside } from './outside.js';
import type { PlanFlags } from './plan.js';
import type { SimulateFlags } from './simulate.js';
import type { StatusFlags } from './status.js';

/** A command gives its exit code back; commander itself has no way to. */
type Run = (work: () => Promise<number> | number) => Promise<void>;

const helpOnExit = (): string =>
  ['', 'Exit codes:', ...EXIT_CODES.map(([code, means]) => `  ${code}  ${means}`)].join('\n');

/**
 * The commands. Each is loaded when it is asked for: a schema needs neither Temporal's native core nor a client.
 */
function declare(program: Command, run: Run, outside: Outside): void {
  program
    .command('plan')
    .description('what a rollout would do, without Temporal; writes nothing')
    .argument('<file>', 'the input as JSON, or - for stdin')
    .option('--type <type>', 'the rollout type', 'stoppedSweep')
    .option('--json', 'the report as JSON')
    .action((file: string, flags: PlanFlags) =>
      run(async () => (await import('./plan.js')).planCommand(file, flags, outside)),
    );
  program
    .command('status')
    .description('where the rollout of an app stands')
    .argument('<app>', 'the Fly app')
    .option('--watch', 'until it ends; redrawn on a terminal, else a line for each change')
    .option('--from-fly', 'from the machines themselves, with no Temporal at all')
    .option('--json', 'everything, as JSON (with --watch a line for each change)')
    .action((app: string, flags: StatusFlags) =>
      run(async () => (await import('./status.js')).statusCommand(app, flags, outside)),
    );
  program
    .command('explain')
    .description('who did what when and why, in at most 40 lines: from the last rollout and from the machines')
    .argument('<app>', 'the Fly app')
    .option('--json', 'a line for each thing that happened, and for each machine')
    .action((app: string, flags: { readonly json?: boolean }) =>
      run(async () => (await import('./explain.js')).explainCommand(app, flags, outside)),
    );
  program
    .command('schema')
    .description('the JSON Schema of an input')
    .argument('<type>', 'the rollout type, for example stoppedSweep')
    .action((type: string) => run(async () => (await import('./schema.js')).schemaCommand(type, outside)));
  program
    .command('worker')
    .description('runs a worker; its settings come from the environment')
    .action(() => run(async () => (await import('./worker.js')).workerCommand(outside)));
  program
    .command('simulate')
    .description('a simulated Fly Machines API')
    .requiredOption('--scenario <file>', 'what there is and what goes wrong, as JSON')
    .option('--port <port>', 'to listen on; 0 picks one', '0')
    .option('--host <host>', 'to listen on; 0.0.0.0 in a container', '127.0.0.1')
    .action((flags: SimulateFlags) => run(async () => (await import('./simulate.js')).simulateCommand(flags, outside)));
  program
    .command('demo')
    .description('a Temporal server, a simulated Fly, a worker and one rollout, on this machine')
    .argument('[name]', 'sweep, canary, bad-image or groups', 'sweep')
    .option('--yes', 'gives the approval itself')
    .action((name: string, flags: DemoFlags) =>
      run(async () => (await import('./demo.js')).demoCommand(name, flags, outside)),
    );
}

/** Runs one command line of `layover`. @returns the exit code, one of `EXIT_CODES`. */
export async function runLayover(args: readonly string[], outside: Outside): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command('layover')
    .description('Updates fleets of Fly Machines between flights.')
    .addHelpText('after', helpOnExit)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => outside.say(text.trimEnd()),
      writeErr: (text) => outside.complain(text.trimEnd()),
    });
  declare(
    program,
    async (work) => {
      code = await work();
    },
    outside,
  );
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    outside.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return EXIT.notOk;
  }
  return code;
}
