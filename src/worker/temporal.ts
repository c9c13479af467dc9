import { createSecureContext } from 'node:tls';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { readHostAndPort } from './host-and-port.js';

/** Where Temporal is, for a worker and for a client alike. */
export type TemporalConfig = ReturnType<typeof loadClientConnectConfig> & {
  readonly address: string;
  readonly namespace: string;
};

type Env = Readonly<Record<string, string | undefined>>;

const BOOLEAN = ['1', 'true', '0', 'false', ''];

interface Rule {
  readonly name: string;
  readonly isWrong: (value: string) => boolean;
  readonly says: string;
}

/**
 * What the SDK's own reader lets through and then ignores, or understands as something else (sdk-typescript 1.24.0,
 * packages/envconfig: a switch is on for `1` and `true` only, and neither the host verification switch nor a codec
 * reaches the connection).
 */
const RULES: readonly Rule[] = [
  {
    name: 'TEMPORAL_ADDRESS',
    isWrong: (value) => readHostAndPort(value) === undefined,
    says: 'must be host and port without a scheme, like 127.0.0.1:7233',
  },
  {
    name: 'TEMPORAL_NAMESPACE',
    isWrong: (value) => value.trim() === '',
    says: 'is empty; leave it out to mean the namespace "default"',
  },
  { name: 'TEMPORAL_TLS', isWrong: (value) => !BOOLEAN.includes(value), says: 'must be true or false' },
  {
    name: 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION',
    isWrong: (value) => !['', '0', 'false'].includes(value),
    says: 'has no effect in this SDK; give the server’s own CA with TEMPORAL_TLS_SERVER_CA_CERT_PATH instead',
  },
  {
    name: 'TEMPORAL_CODEC_ENDPOINT',
    isWrong: (value) => value !== '',
    says: 'is set, and Layover has no payload codec: what the CLI encodes it could not read; unset it',
  },
];

/** Sent as metadata of every call, which takes no other letters; and what it refuses it would repeat in its message. */
const isSendable = (value: string): boolean => /^[\x20-\x7e]*$/.test(value);

/** Variables that travel with every call and cannot, by name. */
const unsendable = (given: Readonly<Record<string, string>>): string[] =>
  Object.entries(given)
    .filter(([name, value]) => /^TEMPORAL_(?:API_KEY|GRPC_META_\w+)$/.test(name) && !isSendable(value))
    .map(([name]) => `${name} holds a line break or a letter outside ASCII; copy it anew, without its end of line`);

/** Each half of a client's certificate by the other: half a pair is passed over in silence. */
const halfPairs = (given: Readonly<Record<string, string>>): string[] => {
  const has = (what: string) => ['PATH', 'DATA'].some((how) => given[`TEMPORAL_TLS_CLIENT_${what}_${how}`]);
  if (has('CERT') === has('KEY')) return [];
  const [there, missing] = has('CERT') ? ['CERT', 'KEY'] : ['KEY', 'CERT'];
  return [`TEMPORAL_TLS_CLIENT_${there}_* is set without TEMPORAL_TLS_CLIENT_${missing}_*; give both, or neither`];
};

/** What TLS makes of the certificates, before the SDK's own core ends the process with a stack trace. */
function tlsProblem({ tls }: ReturnType<typeof loadClientConnectConfig>['connectionOptions']): string | undefined {
  if (typeof tls !== 'object' || tls === null) return undefined;
  const { serverRootCACertificate: ca, clientCertPair: pair } = tls;
  const isBlock = (pem: Uint8Array | undefined) =>
    pem === undefined || Buffer.from(pem).toString().includes('-----BEGIN ');
  try {
    if (![ca, pair?.crt, pair?.key].every(isBlock)) throw new Error('no PEM');
    createSecureContext({
      ...(ca && { ca: Buffer.from(ca) }),
      ...(pair && { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
    });
    return undefined;
  } catch {
    return 'TEMPORAL_TLS_*: a certificate or key is no PEM, or the key is not that of the certificate';
  }
}

/** Of a config file's error its first sentence: what follows may be the line itself, with its key. */
const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** The variables of an environment that have a value. */
const present = (env: Env): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/**
 * Reads `TEMPORAL_*` and the profile file, as the Temporal CLI does.
 * @throws Error that names every wrong variable and the way out; no value is repeated.
 */
export function readTemporal(env: Env): TemporalConfig {
  const given = present(env);
  const wrong = RULES.filter(({ name, isWrong }) => given[name] !== undefined && isWrong(given[name]));
  const problems = [...wrong.map(({ name, says }) => `${name} ${says}`), ...unsendable(given), ...halfPairs(given)];
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const read = load(given);
  if (typeof read === 'string')
    throw new Error(`TEMPORAL_*: the settings of the Temporal connection cannot be used: ${read}`);
  const problem = tlsProblem(read.connectionOptions);
  if (problem !== undefined) throw new Error(problem);
  return {
    ...read,
    address: read.connectionOptions.address ?? 'localhost:7233',
    namespace: read.namespace ?? 'default',
  };
}

/** What the SDK reads, or in one line why it cannot. */
function load(given: Readonly<Record<string, string>>): ReturnType<typeof loadClientConnectConfig> | string {
  try {
    return loadClientConnectConfig({ overrideEnvVars: { ...given } });
  } catch (error) {
    return firstLine(error);
  }
}
