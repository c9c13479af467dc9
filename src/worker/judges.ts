import { authorization } from '../fly/client.js';
import type { HttpJudge } from '../gates/http.js';
import type { PrometheusServer } from '../gates/prometheus.js';
import type { ConfigFile, Secrets } from './config-file.js';

/** Who the worker may ask, and where. */
export interface JudgeAddresses {
  readonly prometheus?: PrometheusServer;
  readonly http: Readonly<Record<string, HttpJudge>>;
}

const tokenOf = (name: string | undefined, secrets: Secrets): { authorization?: string } =>
  name === undefined ? {} : { authorization: authorization(secrets.get(name)) };

/** Whom gates ask, with their tokens. */
export function readJudges({ prometheus, gates }: ConfigFile, secrets: Secrets): JudgeAddresses {
  const http = Object.entries(gates).map(
    ([name, { url, tokenFrom }]) => [name, { url, ...tokenOf(tokenFrom, secrets) }] as const,
  );
  return {
    ...(prometheus === undefined
      ? {}
      : { prometheus: { url: prometheus.url, lagMs: prometheus.lag, ...tokenOf(prometheus.tokenFrom, secrets) } }),
    http: Object.fromEntries(http),
  };
}
