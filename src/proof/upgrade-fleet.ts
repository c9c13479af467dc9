import { appNames, digestOf, type FleetShape, fleetScenario, forceAfterMs, imageOf } from './kill-fleet.js';

/** A fleet whose sweep waits for its machines, and one whose machines never stop and are stopped. */

export const FORCED_APP = 'endless';
const FORCED_IMAGE = `registry.fly.io/${FORCED_APP}`;
export const FORCED_DIGEST = `sha256:${'f'.repeat(64)}`;
export const FORCE_AFTER_MS = 3_000;

export const upgradeShape = (machines: number): FleetShape => ({ seed: 11, apps: 1, machines, longestJobMs: 6_000 });

/** Each works on after the signal until it is killed: so long it is held, cordoned and being stopped. */
const endless = (count: number): object => ({
  count,
  image: `${FORCED_IMAGE}:v1`,
  state: 'started',
  config: { stop_config: { timeout: '3s' } },
  job: { lengthMs: 1_000_000_000, onStop: 'ignore' },
});

/** As `fleetScenario` writes it. */
interface Written {
  readonly apps: readonly object[];
  readonly images: object;
}

/** @param forced machines that never stop. */
export function upgradeScenario(shape: FleetShape, forced: number): object {
  const fleet = fleetScenario(shape, 'latency') as Written;
  return {
    ...fleet,
    images: { ...fleet.images, [`${FORCED_IMAGE}:v1`]: {}, [`${FORCED_IMAGE}:v2`]: { digest: FORCED_DIGEST } },
    apps: [...fleet.apps, { name: FORCED_APP, machines: [endless(forced)] }],
  };
}

const ENV = { CHANGE: '1' };

export interface Ordered {
  readonly app: string;
  readonly name: string;
  readonly input: object;
  readonly digest: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The sweep that waits. */
export function patientOrder(shape: FleetShape): Ordered {
  const [app = ''] = appNames(shape);
  return {
    app,
    name: app,
    input: { app, image: imageOf(app, 1), env: ENV, forceAfter: `${forceAfterMs(shape) / 1_000}s` },
    digest: digestOf(app, 1),
    env: ENV,
  };
}

/** The sweep that stops machines, two of three at a time. */
export const forcedOrder: Ordered = {
  app: FORCED_APP,
  name: FORCED_APP,
  input: {
    app: FORCED_APP,
    image: `${FORCED_IMAGE}:v2`,
    forceAfter: `${FORCE_AFTER_MS / 1_000}s`,
    maxUnavailable: '66%',
    healthy: { for: '1s' },
  },
  digest: FORCED_DIGEST,
  env: {},
};
