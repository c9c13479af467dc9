import { z } from 'zod';
import { parseDuration } from '../input/duration.js';

const PUBLIC_API = 'https://api.machines.dev';

const BaseUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol.startsWith('http') && url.pathname === '/' && url.search === '';
}, "must be scheme, host and port only, like http://127.0.0.1:4280: Fly's own tools drop a path part silently");

const Duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (typeof ms === 'number') return ms;
  context.addIssue({ code: 'custom', message: ms });
  return z.NEVER;
});

const Environment = z.object({
  FLY_API_TOKEN: z
    .string({
      error: 'is not set; give the worker a token: fly tokens create deploy -a <app>, or an org token for many apps',
    })
    .trim()
    .min(1, 'is empty; give the worker a token: fly tokens create deploy -a <app>'),
  FLY_FLAPS_BASE_URL: BaseUrl.default(PUBLIC_API),
  LAYOVER_REGISTRY_URL: BaseUrl.optional(),
  LAYOVER_POLL_BUSY: Duration.prefault('3s'),
  LAYOVER_POLL_CALM: Duration.prefault('1m'),
});

/** What a worker needs to know, read once from its environment. Temporal's own `TEMPORAL_*` are read by envconfig. */
export interface WorkerConfig {
  readonly token: string;
  readonly flyUrl: string;
  /** Asked instead of every image's own registry. */
  readonly registryUrl?: string;
  readonly pollMs: { readonly busy: number; readonly calm: number };
}

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/**
 * @param env the environment.
 * @throws Error that names every wrong variable and the way out; no value of a variable is repeated.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): WorkerConfig {
  const parsed = Environment.safeParse(env);
  if (!parsed.success) {
    throw new Error(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'));
  }
  const read = parsed.data;
  return {
    token: read.FLY_API_TOKEN,
    flyUrl: withoutSlash(read.FLY_FLAPS_BASE_URL),
    ...(read.LAYOVER_REGISTRY_URL === undefined ? {} : { registryUrl: withoutSlash(read.LAYOVER_REGISTRY_URL) }),
    pollMs: { busy: read.LAYOVER_POLL_BUSY, calm: read.LAYOVER_POLL_CALM },
  };
}
