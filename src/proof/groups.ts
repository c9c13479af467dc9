import { createRandom } from '../simulator/random.js';
import { type Figure, figure } from './judge.js';
import { drive } from './drive.js';
import { byHand } from './by-hand.js';
import { servingOf } from './serving.js';
import { createWorld, type World } from './world.js';

/** Process groups and restarts in process, on virtual time: what `prove groups` counts. */

const APP = 'storm';
const OLD = `registry.fly.io/${APP}:v1`;
const NEW = `registry.fly.io/${APP}:v2`;
const MINUTE = 60_000;
const REGIONS = ['ams', 'dfw', 'ord'];
const GROUPS = ['zk', 'supervisor', 'conductor'];

const block = servingOf(OLD);

/** Three zk, one a region; four supervisors; six conductors. */
export const cluster = (seed: number): World =>
  createWorld({
    seed,
    images: { [OLD]: {}, [NEW]: {} },
    apps: [
      {
        name: APP,
        machines: [
          ...REGIONS.map((region) => block('zk', 1, region)),
          block('supervisor', 4, 'ams'),
          ...REGIONS.map((region) => block('conductor', 2, region)),
        ],
      },
    ],
  });

interface Write {
  readonly t: number;
  readonly machine: string;
  readonly group: string;
}

const writesIn = (world: World): Write[] => {
  const groups = new Map(world.simulator.machines(APP).map(({ id, group }) => [id, group]));
  return world.simulator.journal.entries().flatMap((entry) => {
    if (entry.kind !== 'call' || entry.op !== 'update' || entry.status !== 200) return [];
    const machine = entry.machine ?? '';
    return [{ t: entry.t, machine, group: groups.get(machine) ?? 'app' }];
  });
};

/** The groups that were written to, in turns. */
const turnsIn = (writes: readonly Write[]): string[] =>
  writes.map(({ group }) => group).filter((group, index, all) => group !== all[index - 1]);

const bring = (world: World, groups: readonly unknown[]) =>
  drive(world, { type: 'processGroup', start: 'g', input: { app: APP, image: NEW, bake: '1m', ramp: 'off', groups } });

function shuffled(random: ReturnType<typeof createRandom>): string[] {
  const order = GROUPS.map((group) => ({ group, at: random.next() })).toSorted((a, b) => a.at - b.at);
  return order.slice(0, 1 + Math.floor(random.next() * GROUPS.length)).map(({ group }) => group);
}

/** Random orders of groups, some of them left out: each keeps its order, and what is left out gets no write. */
async function orders(count: number): Promise<Figure[]> {
  const random = createRandom(count);
  const broken: string[] = [];
  const touched: string[] = [];
  let writes = 0;
  for (let seed = 0; seed < count; seed += 1) {
    const named = shuffled(random);
    const world = cluster(seed);
    await bring(world, named);
    const made = writesIn(world);
    writes += made.length;
    if (turnsIn(made).join() !== named.join()) broken.push(`${named.join()}: ${turnsIn(made).join()}`);
    touched.push(...made.filter(({ group }) => !named.includes(group)).map(({ machine }) => machine));
  }
  return [
    figure('random orders of groups that were not kept', broken, count, 'rollouts'),
    figure('writes to groups that nobody named', touched, writes, 'writes'),
  ];
}

/** Held on: from its first passing check after a write, for so long. */
function passedAt(world: World, { t, machine }: Write): number {
  const passing = world.simulator.journal
    .entries()
    .find((entry) => entry.kind === 'checks' && entry.machine === machine && entry.t > t && entry.checks === 'passing');
  return passing?.t ?? Infinity;
}

/** A cluster over three regions, one at a time: the next only when the last has been healthy for its time. */
async function oneAtATime(own: object, says: string): Promise<Figure> {
  const world = cluster(1);
  await bring(world, [{ group: 'zk', healthy: { for: '1m' }, ...own }]);
  const made = writesIn(world);
  const early = made.filter((write, index) => {
    const before = made[index - 1];
    return before !== undefined && write.t < passedAt(world, before) + MINUTE;
  });
  const short = made.length === REGIONS.length ? [] : [`${made.length} writes`];
  return figure(says, [...early.map(({ machine }) => machine), ...short], made.length, 'updates of zk');
}

/** 60 machines, half of them stopped, when a secret was set since: who works starts anew, and nobody twice. */
async function secrets(): Promise<Figure[]> {
  const machines = [block('app', 30, 'ams'), block('app', 30, 'ams', { state: 'stopped', running: false })];
  const app = { name: APP, machines, secrets: { TOKEN: 'old' } };
  const world = createWorld({ seed: 5, images: { [OLD]: {}, [NEW]: {} }, apps: [app] });
  await world.clock.sleep(30 * MINUTE);
  await byHand(world, `${APP}/secrets`, { values: { TOKEN: 'new' } });
  await world.clock.sleep(5 * MINUTE);
  const stopped = new Set(world.simulator.machines(APP).flatMap(({ id, state }) => (state === 'stopped' ? [id] : [])));
  let mostAway = 0;
  const start = (name: string) =>
    drive(world, {
      type: 'processGroup',
      start: name,
      input: { app: APP, restart: 'secrets', groups: ['app'], bake: '1m', maxUnavailable: '20%' },
      watch: () => {
        const away = world.simulator.machines(APP).filter(({ id, state }) => !stopped.has(id) && state !== 'started');
        mostAway = Math.max(mostAway, away.length);
      },
    });
  await start('a');
  const first = writesIn(world);
  await start('b');
  const again = writesIn(world).slice(first.length);
  const old = world.simulator
    .machines(APP)
    .filter(({ state, secretsVersion }) => state === 'started' && secretsVersion !== 2);
  const idOf = ({ machine }: Write): string => machine;
  return [
    figure(
      'writes to stopped machines for new secrets',
      first.filter(({ machine }) => stopped.has(machine)).map(idOf),
      first.length,
      'writes',
    ),
    figure(
      'working machines that still run with old secrets',
      old.map(({ id }) => id),
      30,
      'working machines',
    ),
    figure(
      'moments with more than 6 of 30 away',
      mostAway > 6 ? [`${mostAway} away`] : [],
      mostAway,
      'away at the most',
    ),
    figure('writes when the same restart is started again', again.map(idOf), first.length, 'writes before'),
  ];
}

/** All that `prove groups` shows of process groups and restarts. @param count random orders. */
export async function proveGroups(count: number): Promise<Figure[]> {
  return [
    ...(await orders(count)),
    await oneAtATime({ maxUnavailable: 1 }, 'zk updated while another was away, by a count of its own'),
    await oneAtATime({ whole: true }, 'zk updated while another was away, as a whole'),
    ...(await secrets()),
  ];
}
