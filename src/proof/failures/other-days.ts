import type { World } from '../world.js';
import { APP, type Day, HOUR, MINUTE, NEW, OTHER } from './mode.js';
import { COMPLETED, endless, idle, type Row } from './row.js';

/** Deploys another image to half of the fleet as soon as so many machines are on the new version. */
function deployWhen(machines: number): NonNullable<Day['watch']> {
  let isDone = false;
  return (world) => {
    const fleet = world.simulator.machines(APP);
    if (isDone || fleet.filter(({ image }) => image.startsWith(NEW)).length < machines) return;
    isDone = true;
    for (const { id, image } of fleet)
      if (!image.startsWith(NEW)) control(world, `machines/${id}/deploy`, { image: OTHER });
  };
}

const control = (world: World, path: string, body: object): void =>
  void world.simulator.handle({ method: 'POST', url: `/_simulator/${path}`, headers: {}, body: JSON.stringify(body) });

/** Each attempt of an update dies at the next call, and the one after it goes on. */
function dyingAt(): NonNullable<Day['mishap']> {
  let attempts = 0;
  return () => {
    attempts += 1;
    return attempts % 2 === 1 && attempts < 40
      ? { kind: 'dies', call: 1 + ((attempts >> 1) % 16), after: attempts % 4 === 1 }
      : { kind: 'none' };
  };
}

/** The first machine that is stopped loses its worker then, and every worker that comes after for a while. */
function dyingAfterStop(): NonNullable<Day['mishap']> {
  let attempts = 0;
  return () => {
    attempts += 1;
    if (attempts === 9) return { kind: 'dies', call: 7, after: true };
    return attempts > 12 && attempts < 18 ? { kind: 'dies', call: 2, after: true } : { kind: 'none' };
  };
}
const ALL_AT_ONCE = { forceAfter: '30m', maxUnavailable: '100%', ramp: 'off' };

/** What people and workers do. */
export const OTHER_DAYS: readonly Row[] = [
  [
    'People',
    'Somebody deploys another image at 40 % of the sweep',
    [/^paused as superseded: .*abort gives way/, /^aborted/],
    { watch: deployWhen(5), said: [{ atMs: HOUR, verb: 'abort' }] },
  ],
  [
    'People',
    'Two namespaces roll out two targets on one app',
    [/^paused as superseded/, /^aborted/],
    { also: { input: { image: OTHER }, when: 'meanwhile' }, said: [{ atMs: 2 * HOUR, verb: 'abort' }] },
  ],
  [
    'People',
    'A rollout is aborted while a machine is held and stopping',
    [/^aborted/],
    {
      machines: [idle(), endless()],
      input: { forceAfter: '30m' },
      said: [{ atMs: 30 * MINUTE + 20_000, verb: 'abort' }],
    },
  ],
  [
    'People',
    'A rollout is paused while a machine is held, and resumed',
    [/^paused as asked/, COMPLETED],
    {
      machines: [idle(), endless()],
      input: { forceAfter: '30m' },
      said: [
        { atMs: 30 * MINUTE + 20_000, verb: 'pause' },
        { atMs: HOUR, verb: 'resume' },
      ],
    },
  ],
  [
    'Workers',
    'Workers die at every call of an update, again and again',
    [COMPLETED],
    { machines: [idle(), endless()], input: { forceAfter: '30m' }, mishap: dyingAt() },
  ],
  [
    'Workers',
    'A rollout is terminated while a machine is held, and started again',
    [/^terminated from outside, with [1-9] machines? held/, COMPLETED],
    {
      machines: [idle(), endless()],
      input: ALL_AT_ONCE,
      terminateAtMs: 30 * MINUTE + 50_000,
      mishap: dyingAfterStop(),
      also: { input: ALL_AT_ONCE, when: 'after' },
    },
  ],
  [
    'Workers',
    'The worker’s clock is an hour behind Fly’s',
    [COMPLETED],
    { machines: [idle(), endless()], input: { forceAfter: '30m', bootFirst: 1 }, flyAheadMs: HOUR },
  ],
  [
    'Workers',
    'The worker’s clock is an hour ahead of Fly’s',
    [COMPLETED],
    { machines: [idle(), endless()], input: { forceAfter: '30m', bootFirst: 1 }, flyAheadMs: -HOUR },
  ],
];
