import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { Duration } from '../input/fields.js';

export type Env = Readonly<Record<string, string | undefined>>;

/** Whether it is an address that can be called. */
export const isHttp = (text: string): boolean => URL.canParse(text) && new URL(text).protocol.startsWith('http');

const Url = z
  .string('must be text')
  .refine(isHttp, 'must be an http(s) address')
  .transform((text) => text.replace(/\/+$/, ''));

/** The file names the variable; what is in it stays in the environment. */
const From = z
  .string('must be text')
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, which holds it');

/** What Fly's own Prometheus needs: 15 s between two scrapes, and 30 s until VictoriaMetrics shows them. */
const FLY_LAG = '60s';

const Name = z.string().regex(/^[\w-]{1,40}$/, 'must be a name of letters, digits, - and _');

const Sink = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('slack'),
      tokenFrom: From,
      channel: z
        .string('must be text')
        .regex(/^[CG][A-Z0-9]{5,20}$/, 'must be the id of a channel, like C0123ABCDE: an edit takes no name'),
      api: Url.prefault('https://slack.com/api'),
    }),
    z.strictObject({ kind: z.literal('slack-webhook'), urlFrom: From }),
    z.strictObject({
      kind: z.literal('github'),
      tokenFrom: From,
      repositories: z.record(z.string(), z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be "owner/name"')),
      api: Url.prefault('https://api.github.com'),
    }),
    z.strictObject({ kind: z.literal('webhook'), url: Url, secretFrom: From }),
  ],
  'must have a "kind": "slack", "slack-webhook", "github" or "webhook"',
);

const ConfigFile = z.strictObject({
  prometheus: z.strictObject({ url: Url, tokenFrom: From.optional(), lag: Duration.prefault(FLY_LAG) }).optional(),
  gates: z.record(Name, z.strictObject({ url: Url, tokenFrom: From.optional() })).default({}),
  notify: z.record(Name, Sink).default({}),
});

/** The worker's one config file: whom it asks and whom it tells. */
export type ConfigFile = z.output<typeof ConfigFile>;

/** Who is told, as the file says it. */
export type SinkEntry = z.output<typeof Sink>;

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read';
    throw new Error(`LAYOVER_CONFIG ${path} ${why}`, { cause: error });
  }
}

/**
 * Reads the worker's one config file.
 * @param path left out: nobody is asked or told. @throws Error that names everything that is wrong.
 */
export function readConfigFile(path: string | undefined): ConfigFile {
  if (path === undefined) return { gates: {}, notify: {} };
  const parsed = ConfigFile.safeParse(readJson(path));
  if (parsed.success) return parsed.data;
  const says = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'} ${issue.message}`);
  throw new Error(`LAYOVER_CONFIG ${path}: ${says.join('; ')}`);
}

/** Reads what the file takes from the environment, and keeps what is missing. */
export interface Secrets {
  /** Empty where it is not set, which `problems` then tells. */
  get(name: string): string;
  readonly problems: string[];
}

export function createSecrets(env: Env): Secrets {
  const problems: string[] = [];
  return {
    problems,
    get(name) {
      const value = env[name]?.trim();
      if (!value) problems.push(`${name}, which the config takes a secret from, is not set`);
      return value ?? '';
    },
  };
}
