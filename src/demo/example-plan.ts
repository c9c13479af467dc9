import { planRollout } from '../../activities/plan-rollout.js';
import { holdText } from '../domain/hold.js';
import type { PlanReport } from '../domain/plan-report.js';
import { createWorld } from '../proof/world.js';
import type { ScenarioInput } from '../simulator/scenario.js';

const OLDER = 'registry.fly.io/encoder:v40';
const OLD = 'registry.fly.io/encoder:v41';
const NEW = 'registry.fly.io/encoder:v42';

/** The hash of the change to v42, as the plan computes it: an earlier start of it has left its mark on two machines. */
const EARLIER = '09c86c570995.4f1c22aa';

/** Another rollout's worker died while it had stopped this one. */
const HELD = '566977dc8823ef';

type Block = NonNullable<NonNullable<ScenarioInput['apps']>[number]['machines']>[number];

const release = { fly_release_version: '41' };
const worker = { group: 'worker', image: OLD, env: { LOG: 'info', QUEUE: 'jobs' }, metadata: release };
const web = {
  group: 'web',
  image: OLD,
  metadata: release,
  config: { services: [{ protocol: 'tcp', internal_port: 8080, autostop: 'suspend', autostart: true }] },
};

/** Nineteen machines with a little of everything that a plan tells. */
const MACHINES: readonly Block[] = [
  { ...worker, region: 'ams', count: 4, state: 'stopped' },
  { ...worker, region: 'ams', count: 2, image: NEW, state: 'stopped', metadata: { layover_rollout: `${EARLIER}#0` } },
  { ...worker, region: 'iad', count: 3, state: 'started', job: { lengthMs: 600_000 } },
  { ...worker, region: 'iad', count: 1, state: 'stopped', image: OLDER, env: { LOG: 'debug' } },
  { ...worker, region: 'iad', count: 1, state: 'started', config: { restart: { policy: 'always' } } },
  {
    ...worker,
    region: 'iad',
    ids: [HELD],
    state: 'stopped',
    cordoned: true,
    metadata: {
      ...release,
      layover_hold: holdText({ rollout: '0d9a7c51e2f4.91ab03cd', machine: HELD, started: true, cordoned: false }),
    },
  },
  { ...web, region: 'iad', count: 3, state: 'started' },
  { ...web, region: 'iad', count: 1, state: 'suspended' },
  { region: 'iad', count: 1, image: OLD, state: 'stopped', managed: false },
  { region: 'iad', count: 1, image: OLD, state: 'stopped', group: 'fly_app_release_command' },
  { ...worker, region: 'syd', count: 1, state: 'stopped', host: { lostAtMs: 0 } },
];

/** The plan that docs/plan.md explains, made by the real plan activity on a simulated Fly. */
export async function examplePlan(): Promise<PlanReport> {
  const world = createWorld({
    seed: 7,
    images: { [OLDER]: {}, [OLD]: {}, [NEW]: {} },
    apps: [{ name: 'encoder', machines: MACHINES }],
  });
  await world.clock.sleep(1_000);
  const order = { type: 'stoppedSweep', input: { app: 'encoder', image: NEW }, start: 'c0ffee00' };
  return (await planRollout(order, world.deps)).report;
}
