import type { BlockingHandler, Handler } from './call.js';
import { createApp, getApp, listApps, listIps } from './handlers/apps.js';
import { answerGraphql } from './handlers/graphql.js';
import { deleteLease, getLease, postLease } from './handlers/leases.js';
import * as lifecycle from './handlers/lifecycle.js';
import * as machines from './handlers/machines.js';
import * as metadata from './handlers/metadata.js';
import * as processes from './handlers/processes.js';
import { getManifest } from './handlers/registry.js';
import * as releases from './handlers/releases.js';
import * as secrets from './handlers/secrets.js';
import { waitForState } from './handlers/wait.js';

/** What a path leads to; `op` is its name in journal and faults. */
export interface Route {
  readonly op: string;
  readonly handler: Handler;
  readonly params: Readonly<Record<string, string>>;
}

/** A path that may block instead of being answered at once. */
export interface BlockingRoute {
  readonly op: string;
  readonly blocking: BlockingHandler;
  readonly params: Readonly<Record<string, string>>;
}

const A = '/v1/apps/:app';
const MS = `${A}/machines`;
const M = `${MS}/:machine`;
/** Fly's web API, which flyctl asks beside the Machines API (`FLY_UIEX_BASE_URL`). */
const WEB = '/api/v1';

const TABLE: readonly (readonly [method: string, pattern: string, op: string, handler: Handler])[] = [
  ['GET', '/v1/apps', 'apps', listApps],
  ['POST', '/v1/apps', 'create-app', createApp],
  ['GET', A, 'app', getApp],
  ['GET', `${A}/ip_assignments`, 'ips', listIps],
  ['GET', `${A}/secrets`, 'secrets', secrets.listSecrets],
  ['POST', `${A}/secrets`, 'secrets', secrets.updateSecrets],
  ['GET', `${A}/secrets/:key`, 'secrets', secrets.getSecret],
  ['POST', `${A}/secrets/:key`, 'secrets', secrets.setSecret],
  ['DELETE', `${A}/secrets/:key`, 'secrets', secrets.deleteSecret],
  ['GET', MS, 'list', machines.listMachines],
  ['POST', MS, 'create', machines.createMachine],
  ['GET', M, 'get', machines.getMachine],
  ['POST', M, 'update', machines.updateMachine],
  ['DELETE', M, 'destroy', machines.deleteMachine],
  ['POST', `${M}/start`, 'start', lifecycle.startMachine],
  ['POST', `${M}/stop`, 'stop', lifecycle.stopMachine],
  ['POST', `${M}/suspend`, 'suspend', lifecycle.suspendMachine],
  ['POST', `${M}/restart`, 'restart', lifecycle.restartMachine],
  ['POST', `${M}/signal`, 'signal', processes.signalMachine],
  ['POST', `${M}/cordon`, 'cordon', lifecycle.cordonMachine],
  ['POST', `${M}/uncordon`, 'uncordon', lifecycle.uncordonMachine],
  ['GET', `${M}/lease`, 'look', getLease],
  ['POST', `${M}/lease`, 'lease', postLease],
  ['DELETE', `${M}/lease`, 'release', deleteLease],
  ['GET', `${M}/events`, 'events', machines.listEvents],
  ['GET', `${M}/versions`, 'versions', machines.listVersions],
  ['GET', `${M}/ps`, 'ps', processes.listProcesses],
  ['POST', `${M}/exec`, 'exec', processes.execCommand],
  ['GET', `${M}/memory`, 'memory', processes.getMemory],
  ['PUT', `${M}/memory`, 'memory', processes.limitMemory],
  ['POST', `${M}/memory/reclaim`, 'memory', processes.reclaimMemory],
  ['GET', `${M}/metadata`, 'metadata', metadata.getMetadata],
  ['PUT', `${M}/metadata`, 'metadata', metadata.putMetadata],
  ['PATCH', `${M}/metadata`, 'metadata', metadata.patchMetadata],
  ['GET', `${M}/metadata/:key`, 'metadata', metadata.getMetadataKey],
  ['POST', `${M}/metadata/:key`, 'metadata', metadata.setMetadataKey],
  ['DELETE', `${M}/metadata/:key`, 'metadata', metadata.deleteMetadataKey],
  ['POST', '/graphql', 'graphql', answerGraphql],
  ['POST', `${WEB}/releases`, 'web', releases.createRelease],
  ['PATCH', `${WEB}/releases/:release`, 'web', releases.patchRelease],
  ['GET', `${WEB}/apps/:app/releases`, 'web', releases.listReleases],
  ['GET', `${WEB}/apps/:app/logs`, 'web', releases.listLogs],
  ['POST', `${WEB}/builds`, 'web', releases.noteBuild],
  ['POST', `${WEB}/builds/finish`, 'web', releases.noteBuild],
  ['GET', `${WEB}/organizations/:org`, 'web', releases.getOrganization],
];
const WAIT = `${M}/wait`;

const shapeOf = (method: string, segments: readonly string[]) => `${method} ${segments.length}`;
const byShape = new Map<string, { pattern: readonly string[]; op: string; handler: Handler }[]>();
for (const [method, path, op, handler] of TABLE) {
  const pattern = path.split('/');
  const shape = shapeOf(method, pattern);
  byShape.set(shape, [...(byShape.get(shape) ?? []), { pattern, op, handler }]);
}
const waitPattern = WAIT.split('/');

/** Finds the route of a method and path. */
export function findRoute(method: string, path: string): Route | BlockingRoute | undefined {
  const segments = path.split('/');
  if (segments[1] === 'v2') return registryRoute(method, path);
  const waiting = method === 'GET' ? match(waitPattern, segments) : undefined;
  if (waiting !== undefined) return { op: 'wait', blocking: waitForState, params: waiting };
  for (const { pattern, op, handler } of byShape.get(shapeOf(method, segments)) ?? []) {
    const params = match(pattern, segments);
    if (params !== undefined) return { op, handler, params };
  }
  return undefined;
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [at, wanted] of pattern.entries()) {
    const segment = segments[at] ?? '';
    if (wanted.startsWith(':')) params[wanted.slice(1)] = decoded(segment);
    else if (wanted !== segment) return undefined;
  }
  return params;
}

// A repository's name has any number of segments.
function registryRoute(method: string, path: string): Route | undefined {
  const [, repository, reference] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(path) ?? [];
  if (repository === undefined || reference === undefined) return undefined;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return { op: 'manifest', handler: getManifest, params: { repository, reference: decoded(reference) } };
}

// What is not well encoded is nothing we know, and becomes a 404.
function decoded(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
