import { type Clock, shiftedClock, virtualClock } from '../clock.js';
import { createFlyClient, type FlyClient } from '../fly/client.js';
import { createLimiter } from '../fly/limiter.js';
import { findDigest } from '../fly/registry.js';
import type { Transport } from '../fly/transport.js';
import { parseScenario } from '../simulator/scenario.js';
import { createSimulator, type Simulator } from '../simulator/simulator.js';
import type { ActivityDeps } from '../../activities/index.js';

/** 2026-01-01, the first moment of every in-process world. */
export const START_MS = Date.UTC(2026, 0, 1);

const FLY_URL = 'http://fly.test';

/** A simulated Fly in this process, on virtual time: whole days pass in milliseconds. */
export interface World {
  readonly clock: Clock;
  readonly simulator: Simulator;
  readonly transport: Transport;
  readonly deps: ActivityDeps;
  /** The same dependencies over another transport: one that dies, or that stalls. */
  depsOver(transport: Transport): ActivityDeps;
}

/** Hands requests to a simulator without a network. */
export function transportTo(simulator: Simulator): Transport {
  return async ({ method, url, headers, body, signal }) => {
    const path = url.slice(FLY_URL.length);
    const request = {
      method,
      url: path,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    };
    const answer = await simulator.handle(request);
    if (answer === 'cut') throw new Error('the connection was cut');
    return answer;
  };
}

/** @param flyAheadMs how far Fly's clock is ahead of the workers'. @param startMs the workers' first moment. */
export function createWorld(scenario: object, flyAheadMs = 0, startMs = START_MS): World {
  const clock = virtualClock(startMs);
  const simulator = createSimulator({ scenario: parseScenario(scenario), clock: shiftedClock(clock, flyAheadMs) });
  const transport = transportTo(simulator);
  const depsOver = (over: Transport): ActivityDeps => {
    const fly: FlyClient = createFlyClient({
      baseUrl: FLY_URL,
      token: 'simulated',
      transport: over,
      clock,
      limiter: createLimiter(clock),
    });
    return {
      fly,
      clock,
      pollMs: { busy: 3_000, calm: 60_000 },
      findDigest: (repository, tag) =>
        findDigest(repository, tag, { transport: over, token: 'simulated', baseUrl: FLY_URL }),
      judges: { transport: over, http: {} },
      sinkNames: [],
      sinks: {},
      attributes: () => Promise.resolve(['FlyApp']),
      isRunning: () => Promise.resolve(false),
      beat: () => Promise.resolve({ cancelRequested: false }),
    };
  };
  return { clock, simulator, transport, deps: depsOver(transport), depsOver };
}
