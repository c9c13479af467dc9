import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { authorization } from '../fly/client.js';
import { Duration } from '../input/fields.js';
import type { HttpJudge } from '../gates/http.js';
import type { PrometheusServer } from '../gates/prometheus.js';

/** Who the worker may ask, and where. */
export interface JudgeAddresses {
  readonly prometheus?: PrometheusServer;
  readonly http: Readonly<Record<string, HttpJudge>>;
}

type Env = Readonly<Record<string, string | undefined>>;

const Url = z
  .string('must be text')
  .refine((text) => URL.canParse(text) && new URL(text).protocol.startsWith('http'), 'must be an http(s) address')
  .transform((text) => text.replace(/\/+$/, ''));

const TokenFrom = z
  .string('must be text')
  .regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable, which holds the token')
  .optional();

/** What Fly's own Prometheus needs: 15 s between two scrapes, and 30 s until VictoriaMetrics shows them. */
const FLY_LAG = '60s';

const Config = z.strictObject({
  prometheus: z.strictObject({ url: Url, tokenFrom: TokenFrom, lag: Duration.prefault(FLY_LAG) }).optional(),
  gates: z
    .record(
      z.string().regex(/^[\w-]{1,40}$/, 'must be a name of letters, digits, - and _'),
      z.strictObject({ url: Url, tokenFrom: TokenFrom }),
    )
    .default({}),
});

function tokenOf(name: string | undefined, env: Env, problems: string[]): { authorization?: string } {
  if (name === undefined) return {};
  const token = env[name]?.trim();
  if (token) return { authorization: authorization(token) };
  problems.push(`${name}, which the config takes a token from, is not set`);
  return {};
}

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
 * @param path left out: no gate can be asked. @param env tokens are there and never in the file.
 * @throws Error that names everything that is wrong, and no token.
 */
export function readJudges(path: string | undefined, env: Env): JudgeAddresses {
  if (path === undefined) return { http: {} };
  const parsed = Config.safeParse(readJson(path));
  if (!parsed.success) {
    const says = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'} ${issue.message}`);
    throw new Error(`LAYOVER_CONFIG ${path}: ${says.join('; ')}`);
  }
  const problems: string[] = [];
  const { prometheus, gates } = parsed.data;
  const http = Object.entries(gates).map(
    ([name, { url, tokenFrom }]) => [name, { url, ...tokenOf(tokenFrom, env, problems) }] as const,
  );
  const server =
    prometheus === undefined
      ? {}
      : {
          prometheus: {
            url: prometheus.url,
            lagMs: prometheus.lag,
            ...tokenOf(prometheus.tokenFrom, env, problems),
          },
        };
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return { ...server, http: Object.fromEntries(http) };
}
