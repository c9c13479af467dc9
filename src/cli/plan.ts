import { readFile } from 'node:fs/promises';
import { Refused } from '../../activities/plan/refused.js';
import { planRollout } from '../../activities/plan-rollout.js';
import { sayPlan } from '../domain/say-plan.js';
import { FlyError } from '../fly/errors.js';
import { INPUT_TYPES, isInputType } from '../input/types.js';
import { readConfig, type WorkerConfig } from '../worker/config.js';
import { flySide } from '../worker/fly-side.js';
import { WANTED } from '../worker/attribute-names.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import type { Outside } from './outside.js';
import { plain } from './text.js';

export interface PlanFlags {
  readonly type: string;
  readonly json?: boolean;
}

/** A start that carries no rollout: marks of real ones begin with a time. */
const START = 'plan';

const sayError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`${file} cannot be read; name a file with one JSON object, or - for stdin`, { cause });
  }
}

async function readInput(file: string, outside: Outside): Promise<unknown> {
  const text = file === '-' ? await outside.readStdin() : await readText(file);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const name = file === '-' ? 'stdin' : file;
    throw new Error(`${name} is no JSON: ${sayError(error)}; write one object, like {"app":"encoder","image":"…"}`, {
      cause: error,
    });
  }
}

function refuse(problems: readonly string[], isJson: boolean, outside: Outside): ExitCode {
  if (isJson) outside.say(JSON.stringify({ refused: problems }, null, 2));
  outside.complain(`refused: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}`);
  for (const problem of problems) outside.complain(`  ${problem}`);
  return EXIT.notOk;
}

async function makePlan(input: unknown, type: string, config: WorkerConfig) {
  // What a namespace has nobody was asked, so nothing is said of it.
  const deps = { ...flySide(config), attributes: () => Promise.resolve(WANTED) };
  return (await planRollout({ type, input, start: START }, deps)).report;
}

/**
 * `layover plan FILE`: what a rollout of this input would do, by the very plan that a rollout makes first, and without
 * Temporal. It reads from Fly and the registry, and writes nothing.
 * @param file a path, or `-` for stdin.
 */
export async function planCommand(file: string, flags: PlanFlags, outside: Outside): Promise<ExitCode> {
  const isJson = flags.json === true;
  if (!isInputType(flags.type)) {
    outside.complain(`--type: there is no type ${JSON.stringify(flags.type)}; there is ${INPUT_TYPES.join(', ')}`);
    return EXIT.usage;
  }
  let input: unknown;
  let config: WorkerConfig;
  try {
    config = readConfig(outside.env);
    input = await readInput(file, outside);
  } catch (error) {
    outside.complain(sayError(error));
    return EXIT.usage;
  }
  try {
    const report = await makePlan(input, flags.type, config);
    for (const line of isJson ? [JSON.stringify(report, null, 2)] : sayPlan(report).map(plain)) outside.say(line);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof Refused) return refuse(error.problems, isJson, outside);
    if (!(error instanceof FlyError)) throw error;
    outside.complain(`the plan could not be made: ${error.message}`);
    return EXIT.away;
  }
}
