import { TASK_QUEUE } from '../domain/names.js';
import type { TokenScope } from '../fly/token-scope.js';
import type { Listen, WorkerConfig } from './config.js';
import type { TemporalConfig } from './temporal.js';

/** Apps named one by one; the rest is counted. */
const MOST_APPS = 10;

function sayScope(scope: TokenScope | undefined): string {
  if (scope === undefined) return 'every app its token may write (Fly does not say which)';
  const { apps, organisations } = scope;
  const of = organisations.length === 0 ? '' : ` of ${organisations.join(', ')}`;
  if (apps.length === 0) return `every app${of} its token may write`;
  const more = apps.length > MOST_APPS ? ` and ${apps.length - MOST_APPS} more` : '';
  return `the apps ${apps.slice(0, MOST_APPS).join(', ')}${more}${of} its token may write`;
}

const sayListen = (what: string, listen: Listen | undefined): string =>
  listen === undefined ? `no ${what}` : `${what} on ${listen.host}:${listen.port}`;

/** The one line a worker says when it is ready: what it is connected to, and what it may do there. */
export function startLine(config: WorkerConfig, temporal: TemporalConfig, scope: TokenScope | undefined): string {
  const tls = temporal.connectionOptions.tls ? 'TLS' : 'plain text';
  const own = config.ownApp === undefined ? '' : `, never its own app ${config.ownApp}`;
  return [
    `layover worker: Temporal ${temporal.address} (${tls}) namespace ${temporal.namespace} queue ${TASK_QUEUE}`,
    `Fly ${config.flyUrl}`,
    `updates machines of ${sayScope(scope)}${own}`,
    `${sayListen('health', config.health)}, ${sayListen('metrics', config.metrics)}, ${config.graceMs / 1_000} s of grace`,
  ].join('; ');
}
