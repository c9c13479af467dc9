/** The task queue of every Layover worker. */
export const TASK_QUEUE = 'layover';

/** Every machine's update carries the change, and fifty may be sent at once: configuration belongs into the image. */
export const MOST_INPUT_BYTES = 32 * 1024;

/** Bytes of a text in UTF-8, as it travels. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const APP_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

/** The workflow id of the one rollout an app may have. */
export const rolloutId = (app: string): string => `rollout:${app}`;

/** What an operator types to look at a rollout. */
export const statusCommand = (id: string): string => `temporal workflow query --workflow-id ${id} --name status`;

/** Whether a workflow id is one that an app's rollout has. */
export const isRolloutId = (id: string): boolean => id.startsWith(rolloutId(''));

/**
 * What is wrong with an app name, or undefined. Names become part of a workflow id and of a URL path, so anything
 * that is not a plain Fly app name is refused before it is used.
 */
export function appNameProblem(app: unknown): string | undefined {
  if (app === undefined) return 'app: is missing; name the Fly app, for example {"app":"encoder", …}';
  if (typeof app !== 'string') return `app: must be text, not ${app === null ? 'null' : typeof app}`;
  if (APP_NAME.test(app)) return undefined;
  return `app: ${JSON.stringify(app.slice(0, 80))} is no Fly app name (lower-case letters, digits and dashes, at most 63)`;
}

/** Whether an input is one JSON object; a type guard for `shapeProblem`'s first question. */
export const isObject = (input: unknown): input is object =>
  typeof input === 'object' && input !== null && !Array.isArray(input);

/** What is wrong with an input before a single key is read: no object, or too long. */
export function shapeProblem(input: unknown): string | undefined {
  if (!isObject(input)) {
    return 'the input must be one JSON object, for example {"app":"encoder","image":"registry.fly.io/encoder:v42"}';
  }
  const length = bytesOf(JSON.stringify(input));
  if (length <= MOST_INPUT_BYTES) return undefined;
  return `the input is ${length} bytes long; at most ${MOST_INPUT_BYTES} are taken, since every machine's update carries it`;
}

/**
 * What keeps an input from being handed to a rollout at all: its shape, or no usable app name. Everything else is
 * parsed by the plan.
 */
export const inputProblem = (input: unknown): string | undefined =>
  shapeProblem(input) ?? appNameProblem(isObject(input) && 'app' in input ? input.app : undefined);
