/** The task queue of every Layover worker. */
export const TASK_QUEUE = 'layover';

/** Inputs are kept in every run's history: configuration by the megabyte belongs into the image. */
export const MOST_INPUT_CHARACTERS = 64 * 1024;

const APP_NAME = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;

/** The workflow id of the one rollout an app may have. */
export const rolloutId = (app: string): string => `rollout:${app}`;

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

/**
 * What keeps an input from being handed to a rollout at all: no object, too long, no usable app name. Everything else
 * is parsed by the plan.
 */
export function inputProblem(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return 'the input must be one JSON object, for example {"app":"encoder","image":"registry.fly.io/encoder:v42"}';
  }
  const length = JSON.stringify(input).length;
  if (length > MOST_INPUT_CHARACTERS) {
    return `the input is ${length} characters long; at most ${MOST_INPUT_CHARACTERS} are taken, since it is kept in the history`;
  }
  return appNameProblem('app' in input ? input.app : undefined);
}
