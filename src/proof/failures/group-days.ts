import { regroup } from '../by-hand.js';
import { servingOf } from '../serving.js';
import type { World } from '../world.js';
import { APP, type Day, HOUR, MINUTE, NEW, OLD } from './mode.js';
import { endless, type Row } from './row.js';

const block = servingOf(OLD);
/** A cluster of three, one a region. */
const ZK = ['ams', 'dfw', 'ord'].map((region) => block('zk', 1, region));
const REST = [block('supervisor', 3, 'ams'), block('conductor', 6, 'ord')];
const FLEET = [...ZK, ...REST];

const BASE = { type: 'processGroup', machines: FLEET } as const;
const bad = (image: object) => ({ scenario: { images: { [OLD]: {}, [NEW]: image } } });
const abortAt = (atMs: number) => ({ atMs, verb: 'abort' as const });

/** Somebody gives the first machine of a group another group, once, so long after the start. */
function moving(from: string, to: string, afterMs: number): NonNullable<Day['watch']> {
  let isDone = false;
  return (world: World, elapsedMs) => {
    const machine = world.simulator.machines(APP).find(({ group }) => group === from);
    if (isDone || elapsedMs < afterMs || machine === undefined) return;
    isDone = true;
    void regroup(world, APP, machine.id, to);
  };
}

/** Process groups: zk of three over three regions, supervisor of three, conductor of six. */
export const GROUP_DAYS: readonly Row[] = [
  [
    'Process groups',
    'A group that is not named, on an image of its own',
    [/^completed: all 9 machines/],
    { ...BASE, input: { groups: ['supervisor', 'conductor'] } },
  ],
  [
    'Process groups',
    'An image whose checks never pass: the next group is not touched',
    [/^paused as failures/, /^aborted/],
    { ...BASE, ...bad({ failsChecks: true }), input: { groups: ['supervisor', 'conductor'] }, said: [abortAt(HOUR)] },
  ],
  [
    'Process groups',
    'An image that fails in the second group only, and `"onFailure": "rollback"`',
    [/^rolledBack/],
    {
      ...BASE,
      ...bad({ failsChecks: true, hits: { regions: ['ord'] } }),
      input: { groups: ['supervisor', 'conductor'], onFailure: 'rollback' },
    },
  ],
  [
    'Process groups',
    'A cluster of three that is `"whole"`, and one of it on a host that is lost for twenty minutes',
    [/^completed: all 3 machines/],
    {
      ...BASE,
      machines: [
        ...ZK.slice(0, 2),
        block('zk', 1, 'ord', { host: { lostAtMs: 1_000, backAtMs: 20 * MINUTE } }),
        ...REST,
      ],
      input: { groups: [{ group: 'zk', whole: true }] },
    },
  ],
  [
    'Process groups',
    'A cluster of three that is `"whole"`, and one of it on a host that does not come back',
    [/^paused as/, /^aborted/],
    {
      ...BASE,
      machines: [...ZK.slice(0, 2), block('zk', 1, 'ord', { host: { lostAtMs: 1_000 } }), ...REST],
      input: { groups: [{ group: 'zk', whole: true }] },
      said: [{ atMs: HOUR, verb: 'resume' }, abortAt(3 * HOUR)],
    },
  ],
  [
    'Process groups',
    'A cluster with `"maxUnavailable": 1`, and one of it that has crashed before: it comes first, and is started',
    [/^completed: all 3 machines/],
    {
      ...BASE,
      machines: [...ZK.slice(0, 2), block('zk', 1, 'ord', { config: { restart: { policy: 'no' } } }), ...REST],
      scenario: { at: [{ ms: 1_000, do: { exit: { group: 'zk', region: 'ord', code: 1 } } }] },
      input: { groups: [{ group: 'zk', maxUnavailable: 1 }] },
      said: [abortAt(3 * HOUR)],
    },
  ],
  [
    'Process groups',
    'A machine moves to a group that nobody named before its turn',
    [/^completed: all 8 machines/],
    { ...BASE, input: { groups: ['supervisor', 'conductor'] }, watch: moving('conductor', 'zk', MINUTE) },
  ],
  [
    'Process groups',
    'A machine moves into a group that is done already: it comes late',
    [/^completed: all 10 machines/],
    {
      ...BASE,
      input: { groups: ['supervisor', 'approval', 'conductor'] },
      said: [{ atMs: 40 * MINUTE, verb: 'proceed', input: { at: 'supervisor:approval' } }],
      watch: moving('zk', 'supervisor', 20 * MINUTE),
    },
  ],
  [
    'Process groups',
    '`"idleOnly"` over machines that never rest',
    [/^partial/],
    {
      ...BASE,
      machines: [...ZK, block('supervisor', 3, 'ams'), endless({ count: 6, group: 'conductor' })],
      input: { groups: ['supervisor', { group: 'conductor', idleOnly: true, deadline: '2h' }] },
    },
  ],
  [
    'Process groups',
    'A secret is set in the middle of a restart for secrets, and the same is started again after it',
    [/^partial: a secret was set meanwhile/, /^completed: all 9 machines/],
    {
      ...BASE,
      scenario: {
        apps: [{ name: APP, machines: FLEET, secrets: { TOKEN: 'a' } }],
        at: [{ ms: 90_000, do: { secrets: { app: APP, values: { TOKEN: 'b' } } } }],
      },
      input: { image: undefined, restart: 'secrets', groups: ['supervisor', 'conductor'] },
      also: { input: { image: undefined, restart: 'secrets', groups: ['supervisor', 'conductor'] }, when: 'after' },
    },
  ],
  [
    'Process groups',
    'Two versions side by side for longer than `"maxMixed"`',
    [/^paused as mixed_too_long/, /^completed: all 9 machines/],
    {
      ...BASE,
      input: { groups: ['supervisor', 'approval', 'conductor'], maxMixed: '1h' },
      said: [
        { atMs: 2 * HOUR, verb: 'resume' },
        { atMs: 3 * HOUR, verb: 'proceed', input: { at: 'supervisor:approval' } },
      ],
    },
  ],
];
