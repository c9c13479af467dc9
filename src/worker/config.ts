import { isIP } from 'node:net';
import { z } from 'zod';
import { readHostAndPort } from './host-and-port.js';
import { createSecrets, readConfigFile } from './config-file.js';
import { type JudgeAddresses, readJudges } from './judges.js';
import { type MakeSink, readSinks } from './sinks.js';
import { parseDuration } from '../input/duration.js';

const PUBLIC_API = 'https://api.machines.dev';

const BaseUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isBare = url.username === '' && url.password === '' && url.pathname === '/' && url.search + url.hash === '';
  return ['http:', 'https:'].includes(url.protocol) && isBare;
}, "must be scheme, host and port only, like http://127.0.0.1:4280: Fly's own tools drop a path part silently");

const Duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (typeof ms === 'number') return ms;
  context.addIssue({ code: 'custom', message: ms });
  return z.NEVER;
});

/** Where to listen, as `host:port`. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

const Address = z.string().transform((text, context): Listen => {
  const { host, port } = readHostAndPort(text) ?? {};
  if (host !== undefined && port !== undefined) return { host, port };
  context.addIssue({
    code: 'custom',
    message: 'must be host and port to listen on, like 127.0.0.1:9464, or 0.0.0.0:9464 in a container',
  });
  return z.NEVER;
});

/** Fly ends a machine 300 s after its signal at the latest (docs reference/configuration), and the worker needs a rest. */
const LONGEST_GRACE_MS = 240_000;

const Environment = z.object({
  FLY_API_TOKEN: z
    .string({
      error: 'is not set; give the worker a token: fly tokens create deploy -a <app>, or an org token for many apps',
    })
    .trim()
    .min(1, 'is empty; give the worker a token: fly tokens create deploy -a <app>')
    .regex(/^[\x20-\x7e]*$/, 'holds a line break or a letter outside ASCII; copy the token anew'),
  FLY_FLAPS_BASE_URL: BaseUrl.default(PUBLIC_API),
  FLY_APP_NAME: z.string().optional(),
  LAYOVER_REGISTRY_URL: BaseUrl.optional(),
  LAYOVER_POLL_BUSY: Duration.prefault('3s'),
  LAYOVER_POLL_CALM: Duration.prefault('1m'),
  LAYOVER_GRACE: Duration.prefault('60s').refine(
    (ms) => ms <= LONGEST_GRACE_MS,
    'must not be longer than 4m: Fly ends a machine 5 minutes after its signal, whatever it does',
  ),
  LAYOVER_CONFIG: z.string().optional(),
  LAYOVER_HEALTH: Address.optional(),
  LAYOVER_METRICS: Address.refine(
    ({ host }) => isIP(host.replace(/^\[|\]$/g, '')) !== 0,
    'must name an IP address and a port, like 127.0.0.1:9464: names are not looked up here',
  ).optional(),
  LAYOVER_OWN_APP: z
    .enum(['refuse', 'allow'], {
      error: 'must be refuse or allow: whether this worker may roll out the very app it runs in',
    })
    .default('refuse'),
});

/** What a worker needs to know, read once from its environment. Temporal's own `TEMPORAL_*` are read by envconfig. */
export interface WorkerConfig {
  readonly token: string;
  readonly flyUrl: string;
  /** Asked instead of every image's own registry. */
  readonly registryUrl?: string;
  readonly pollMs: { readonly busy: number; readonly calm: number };
  /** Who may be asked whether a rollout goes well. */
  readonly judges: JudgeAddresses;
  /** Who is told of rollouts, by name. */
  readonly sinks: Readonly<Record<string, MakeSink>>;
  /** What a worker that is told to stop gives the updates in flight. */
  readonly graceMs: number;
  /** Where health is answered; left out, nowhere. */
  readonly health?: Listen;
  /** Where Prometheus may scrape; left out, nowhere. */
  readonly metrics?: Listen;
  /** The Fly app this process runs in, unless it may be rolled out all the same. */
  readonly ownApp?: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** The names that are read here; `LAYOVER_*` beyond them are typing errors. */
export const READ_HERE: readonly string[] = Object.keys(Environment.shape);

const withoutSlash = (url: string): string => url.replace(/\/$/, '');

/** One of the two would not come up. */
function clash({ LAYOVER_HEALTH: health, LAYOVER_METRICS: metrics }: Partial<z.output<typeof Environment>>): string[] {
  const isSame = health !== undefined && health.host === metrics?.host && health.port === metrics.port;
  // Port 0 is one of the system's choice, and another each time.
  return isSame && health.port !== 0
    ? ['LAYOVER_METRICS is the address of LAYOVER_HEALTH; give each a port of its own']
    : [];
}

/** Names are read exactly, so a mistyped one would be ignored for ever. */
function typingErrors(env: Env): string[] {
  const known = READ_HERE.filter((name) => name.startsWith('LAYOVER_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('LAYOVER_') && env[name] !== undefined && !known.includes(name))
    .map((name) => `${name} is no setting of the worker; there are ${known.join(', ')}`);
}

/**
 * @param env the environment.
 * @throws Error that names every wrong variable and the way out; no value of a variable is repeated.
 */
export function readConfig(env: Env): WorkerConfig {
  const parsed = Environment.safeParse(env);
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => `${issue.path.join('.')} ${issue.message}`),
    ...typingErrors(env),
    ...clash(parsed.data ?? {}),
  ];
  if (!parsed.success || problems.length > 0) throw new Error(problems.join('\n'));
  const read = parsed.data;
  const file = readConfigFile(read.LAYOVER_CONFIG);
  const secrets = createSecrets(env);
  const [judges, sinks] = [readJudges(file, secrets), readSinks(file, secrets)];
  if (secrets.problems.length > 0) throw new Error(secrets.problems.join('\n'));
  const ownApp = read.LAYOVER_OWN_APP === 'refuse' ? read.FLY_APP_NAME : undefined;
  return {
    token: read.FLY_API_TOKEN,
    flyUrl: withoutSlash(read.FLY_FLAPS_BASE_URL),
    ...(read.LAYOVER_REGISTRY_URL === undefined ? {} : { registryUrl: withoutSlash(read.LAYOVER_REGISTRY_URL) }),
    pollMs: { busy: read.LAYOVER_POLL_BUSY, calm: read.LAYOVER_POLL_CALM },
    graceMs: read.LAYOVER_GRACE,
    judges,
    sinks,
    ...(read.LAYOVER_HEALTH === undefined ? {} : { health: read.LAYOVER_HEALTH }),
    ...(read.LAYOVER_METRICS === undefined ? {} : { metrics: read.LAYOVER_METRICS }),
    ...(ownApp ? { ownApp } : {}),
  };
}
