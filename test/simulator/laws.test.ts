import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MachineTruth } from '../../src/simulator/truth.js';
import { isHappening, lab, type Lab, M1, V1, V2 } from './support.js';

const LEASE_S = 4;

/** What may be done to a machine, by the API, by its world and by its proxy. */
const API = [
  'start',
  'stop',
  'suspend',
  'restart',
  'cordon',
  'uncordon',
  'signal',
  'lease',
  'update',
  'destroy',
] as const;
const WORLD = ['autostart', 'autostop', 'exit', 'lose-snapshot', 'lose-host', 'restore-host', 'deploy'] as const;
const Step = fc.record({
  verb: fc.constantFrom(...API, ...WORLD),
  waitMs: fc.integer({ min: 0, max: 8000 }),
});
type Step = typeof Step extends fc.Arbitrary<infer T> ? T : never;

const Case = fc.record({
  seed: fc.nat(),
  onStop: fc.constantFrom(undefined, 'ignore' as const, { afterMs: [0, 7000] as [number, number], exitCode: 0 }),
  exitCode: fc.constantFrom(0, 1),
  idle: fc.boolean(),
  policy: fc.constantFrom('no', 'on-failure', 'always'),
  reverts: fc.constantFrom(0, 0.5),
  blocks: fc.boolean(),
  steps: fc.array(Step, { minLength: 1, maxLength: 25 }),
});
type Case = typeof Case extends fc.Arbitrary<infer T> ? T : never;

async function run({ seed, onStop, exitCode, idle, policy, reverts, blocks, steps }: Case): Promise<Lab> {
  const job = { lengthMs: [1000, 20_000] as [number, number], exitCode, ...(onStop && { onStop }) };
  const config = { restart: { policy }, stop_config: { timeout: '3s' } };
  const world = lab({
    seed,
    images: { [V1]: {}, [V2]: { reverts } },
    switches: { leaseBlocksAutostart: blocks, leaseBlocksAutostop: blocks },
    apps: [
      {
        name: 'encoder',
        machines: [{ ids: [M1], image: V1, config, job: { ...job, ...(idle && { idleMs: [500, 9000] }) } }],
      },
    ],
  });
  for (const step of steps) {
    await take(world, step, config);
    await world.after(step.waitMs);
  }
  await world.raw('POST', `/_simulator/machines/${M1}/restore-host`);
  return world;
}

async function take(world: Lab, { verb }: Step, config: object): Promise<void> {
  const me = `/machines/${M1}`;
  if (verb === 'destroy') await world.call('DELETE', `${me}?force=true`);
  else if (verb === 'update') await world.update({ ...config, image: V2 });
  else if (verb === 'lease') await world.call('POST', `${me}/lease`, { ttl: LEASE_S });
  else if (verb === 'signal') await world.call('POST', `${me}/signal`, { signal: 9 });
  else if (verb === 'deploy') await world.raw('POST', `/_simulator${me}/deploy`, { image: V2 });
  else if ((API as readonly string[]).includes(verb)) await world.call('POST', `${me}/${verb}`);
  else await world.raw('POST', `/_simulator${me}/${verb}`);
}

/** What may follow what in the life of a machine's jobs. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  '': ['job-started'],
  'job-started': ['job-ended', 'job-cut', 'job-paused'],
  'job-paused': ['job-resumed', 'job-cut'],
  'job-resumed': ['job-ended', 'job-cut', 'job-paused'],
  'job-ended': ['job-started'],
  'job-cut': ['job-started'],
};

const WITH_WORK = ['started', 'stopping', 'restarting'];
const WITH_MEMORY = ['suspending', 'suspended', 'starting'];

/** Where the journal says of the machine's jobs what cannot be, and where it ends otherwise than the machine is. */
function brokenJobs({ sim }: Lab): string[] {
  const broken: string[] = [];
  let last = '';
  for (const { n, kind } of sim.journal.entries().filter((entry) => entry.kind.startsWith('job-'))) {
    if (NEXT[last]?.includes(kind) !== true) broken.push(`entry ${n}: ${kind} after ${last || 'nothing'}`);
    last = kind;
  }
  return [...broken, ...sim.machines().flatMap((machine) => contradictions(machine, last))];
}

/** What a machine cannot be after the last word about its jobs. */
function contradictions({ state, working, ...truth }: MachineTruth, last: string): string[] {
  const snapshot = truth.snapshot === true;
  const runs = last === 'job-started' || last === 'job-resumed';
  return [
    ...(working === runs ? [] : [`working is ${working} after ${last}`]),
    ...(!working || WITH_WORK.includes(state) ? [] : [`at work while ${state}`]),
    ...(last !== 'job-paused' || snapshot ? [] : ['a paused job has no memory']),
    ...(!snapshot || WITH_MEMORY.includes(state) ? [] : [`memory is kept while ${state}`]),
  ];
}

/** Starts by the proxy while the machine was cordoned, or leased where a lease blocks them. */
function wrongStarts({ sim }: Lab, blocks: boolean): string[] {
  const wrong: string[] = [];
  let cordoned = false;
  let leasedUntil = 0;
  for (const entry of sim.journal.entries()) {
    if (isHappening(entry)) {
      const held = cordoned || (blocks && entry.t < leasedUntil);
      if (entry.kind === 'autostart' && held) wrong.push(`entry ${entry.n}`);
    } else if (entry.status === 200 && (entry.op === 'cordon' || entry.op === 'uncordon')) {
      cordoned = entry.op === 'cordon';
    } else if (entry.op === 'lease' && entry.status === 201) {
      leasedUntil = entry.t + LEASE_S * 1000;
    }
  }
  return wrong;
}

test('whatever is done to it, each job of a machine ends or is cut exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(Case, async (one) => {
      expect(brokenJobs(await run(one))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('the proxy never starts a cordoned machine, nor a leased one where a lease blocks it', async () => {
  await fc.assert(
    fc.asyncProperty(Case, async (one) => {
      const world = await run({ ...one, idle: true });
      await world.after(60_000);
      expect(wrongStarts(world, one.blocks)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('left alone, every machine comes to a state that lasts', async () => {
  await fc.assert(
    fc.asyncProperty(Case, async (one) => {
      const world = await run({ ...one, idle: false, policy: 'no' });
      await world.after(60_000);
      const state = world.sim.machines()[0]?.state ?? 'destroyed';
      expect(['started', 'stopped', 'suspended', 'failed', 'created', 'destroyed']).toContain(state);
    }),
    { numRuns: 300 },
  );
});
