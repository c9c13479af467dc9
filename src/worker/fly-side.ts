import type { NotifyDeps } from '../../activities/notify.js';
import type { PlanDeps } from '../../activities/plan-rollout.js';
import { realClock } from '../clock.js';
import { createFlyClient } from '../fly/client.js';
import { createLimiter } from '../fly/limiter.js';
import { findDigest } from '../fly/registry.js';
import { undiciTransport } from '../fly/transport.js';
import type { WorkerConfig } from './config.js';

/** What of a plan's needs is Fly's and the registry's side; the worker and `layover plan` share it. */
export type FlySide = Pick<PlanDeps, 'fly' | 'clock' | 'findDigest' | 'ownApp' | 'judges' | 'sinkNames'> &
  Pick<NotifyDeps, 'sinks'>;

/** The Fly client and the registry as the settings say. */
export function flySide({ token, flyUrl, registryUrl, ownApp, judges, sinks }: WorkerConfig): FlySide {
  const transport = undiciTransport();
  const registry = { transport, token, ...(registryUrl === undefined ? {} : { baseUrl: registryUrl }) };
  const limiter = createLimiter(realClock);
  return {
    clock: realClock,
    judges: { transport, ...judges },
    sinkNames: Object.keys(sinks),
    sinks: Object.fromEntries(
      Object.entries(sinks).map(([name, make]) => [name, make({ transport, now: () => realClock.now() })]),
    ),
    fly: createFlyClient({ baseUrl: flyUrl, token, transport, clock: realClock, limiter }),
    findDigest: (repository, tag) => findDigest(repository, tag, registry),
    ...(ownApp === undefined ? {} : { ownApp }),
  };
}
