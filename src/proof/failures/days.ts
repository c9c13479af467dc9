import type { World } from '../world.js';
import { APP, type Day, type FailureMode, HOUR, MINUTE, NEW, OLD, OTHER, type Part } from './mode.js';
import { runDay } from './run-day.js';

const answer = (status: number, error = 'fault injected') => ({ answer: { status, error } });
const faults = (...all: readonly object[]): Pick<Day, 'scenario'> => ({ scenario: { faults: all } });

const COMPLETED = /^completed: all 12 machines are at target/;
const working = (more: object = {}) => ({ count: 4, region: 'ord', image: OLD, state: 'started', ...more });
const idle = (more: object = {}) => ({ count: 8, region: 'ord', image: OLD, state: 'stopped', ...more });
/** Works on for ever; asked to stop, it takes a minute to put its work away. */
const endless = (more: object = {}) =>
  working({
    job: { lengthMs: 1e10, onStop: { afterMs: 60_000 } },
    config: { stop_config: { timeout: '90s' } },
    ...more,
  });
/** A machine with a check that shows how it does. */
const checked = (spec: object) => ({ scenario: { images: { [OLD]: {}, [NEW]: spec, [OTHER]: {} } } });

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

type Row = readonly [part: Part, fault: string, shows: readonly RegExp[], day: Day];

const FLY: readonly Row[] = [
  [
    'Fly',
    'Fly limits the rate of calls (429) for ten minutes',
    [COMPLETED],
    faults({ on: 'any', skip: 20, share: 0.5, untilMs: 10 * MINUTE, effect: answer(429, 'rate limit exceeded') }),
  ],
  [
    'Fly',
    'Fly answers 5xx for two minutes',
    [COMPLETED],
    faults({ on: 'any', skip: 20, untilMs: 2 * MINUTE, effect: answer(503) }),
  ],
  [
    'Fly',
    'Fly answers 5xx for two hours',
    [/^paused as fly_unavailable: .*goes on by itself/, COMPLETED],
    faults({ on: 'any', skip: 20, untilMs: 2 * HOUR, effect: answer(503) }),
  ],
  [
    'Fly',
    'Fly stops accepting the token (401)',
    [/^paused as fly_auth: .*then resume/, COMPLETED],
    {
      ...faults({ on: 'any', skip: 20, untilMs: HOUR, effect: answer(401) }),
      said: [{ atMs: 2 * HOUR, verb: 'resume' }],
    },
  ],
  [
    'Fly',
    'The token may no longer change machines (403)',
    [/^paused as fly_auth/, COMPLETED],
    {
      ...faults({ on: 'lease', skip: 3, untilMs: HOUR, effect: answer(403) }),
      said: [{ atMs: 2 * HOUR, verb: 'resume' }],
    },
  ],
  [
    'Fly',
    'Fly answers 408 to writes that took effect',
    [COMPLETED],
    faults({ on: 'update', share: 0.5, effect: { late408: true } }),
  ],
  [
    'Fly',
    'Answers to writes are lost',
    [COMPLETED],
    faults({ on: 'update', share: 0.5, effect: { loseAnswer: true } }),
  ],
  [
    'Fly',
    'Connections are cut before writes take effect',
    [COMPLETED],
    faults({ on: 'update', share: 0.5, times: 8, effect: { cut: true } }),
  ],
  [
    'Fly',
    'Fly sends JSON that cannot be read',
    [COMPLETED],
    faults({ on: 'any', skip: 5, share: 0.1, effect: { malformed: true } }),
  ],
  [
    'Fly',
    'Somebody else holds leases for a while (409)',
    [COMPLETED],
    faults({ on: 'lease', times: 30, effect: answer(409, 'aborted: lease currently held by somebody') }),
  ],
  [
    'Fly',
    'Machines are being changed at this moment (409)',
    [COMPLETED],
    faults({
      on: 'update',
      times: 20,
      effect: answer(409, 'aborted: machine is replacing: concurrent update in progress'),
    }),
  ],
  [
    'Fly',
    'A machine’s state does not allow it just now (412)',
    [COMPLETED],
    faults({ on: 'update', times: 20, effect: answer(412, 'failed_precondition: not now') }),
  ],
  [
    'Fly',
    'A list comes back empty',
    [COMPLETED],
    faults({ on: 'list', skip: 2, times: 1, effect: { emptyList: true } }),
  ],
  [
    'Fly',
    'Lists stay empty',
    [/^paused as list_suspect: .*not believed/, /^aborted/],
    { ...faults({ on: 'list', skip: 2, effect: { emptyList: true } }), said: [{ atMs: HOUR, verb: 'abort' }] },
  ],
  [
    'Fly',
    'Lists show half of the machines',
    [COMPLETED],
    faults({ on: 'list', skip: 2, times: 5, effect: { halfList: true } }),
  ],
  [
    'Fly',
    'Lists lag by two minutes',
    [COMPLETED],
    faults({ on: 'list', skip: 1, effect: { staleReadMs: 2 * MINUTE } }),
  ],
  [
    'Fly',
    'A list that lags shows machines that were destroyed',
    [/^completed: all 9 machines are at target/],
    {
      scenario: {
        faults: [{ on: 'list', skip: 1, untilMs: 20 * MINUTE, effect: { staleReadMs: 5 * MINUTE } }],
        at: [0, 1, 2].map((index) => ({ ms: 2_000, do: { destroy: { app: APP, index } } })),
      },
    },
  ],
  [
    'Fly',
    'Fly has no room to start a machine again for a quarter of an hour',
    [COMPLETED],
    {
      machines: [idle(), endless()],
      input: { forceAfter: '30m' },
      ...faults({ on: 'start', untilMs: 45 * MINUTE, effect: answer(412, 'insufficient_capacity: no room') }),
    },
  ],
];

const MACHINES: readonly Row[] = [
  [
    'Machines',
    'The new version cannot come up, and Fly goes back to the old one',
    [/^paused as failures: machine <machine> \(ord\) failed: Fly went back/, /^aborted/],
    { ...checked({ reverts: 1 }), said: [{ atMs: HOUR, verb: 'abort' }] },
  ],
  [
    'Machines',
    'A machine wakes by itself on the new version and exits with an error',
    [/^paused as failures: .*exited with code 1/, /^aborted/],
    {
      scenario: {
        images: { [OLD]: {}, [NEW]: { exits: { afterMs: 5_000, code: 1 } } },
        at: [{ ms: 5 * MINUTE, do: { autostart: { app: APP } } }],
        faults: [
          { on: 'lease', skip: 6, untilMs: 20 * MINUTE, effect: answer(409, 'aborted: lease currently held by x') },
        ],
      },
      said: [{ atMs: HOUR, verb: 'abort' }],
    },
  ],
  [
    'Machines',
    'A machine’s checks do not pass on the new version',
    [/^paused as failures: .*checks do not pass/, /^aborted/],
    {
      machines: [idle({ config: { checks: { alive: { type: 'tcp', port: 80 } } } })],
      ...checked({ failsChecks: true }),
      input: { bootFirst: 1 },
      said: [{ atMs: HOUR, verb: 'abort' }],
    },
  ],
  [
    'Machines',
    'An image that never works, with "bootFirst": it reaches one machine',
    [/^paused as failures/, /^aborted/],
    {
      ...checked({ exits: { afterMs: 3_000, code: 1 } }),
      input: { bootFirst: 1 },
      said: [{ atMs: HOUR, verb: 'abort' }],
    },
  ],
  [
    'Machines',
    'A host is lost for twenty minutes',
    [COMPLETED],
    { machines: [idle({ count: 11 }), idle({ count: 1, host: { lostAtMs: 1_000, backAtMs: 20 * MINUTE } })] },
  ],
  [
    'Machines',
    'A host is lost and does not come back',
    [/^partial: the deadline passed with 1 machine left/],
    { machines: [idle({ count: 11 }), idle({ count: 1, host: { lostAtMs: 1_000 } })] },
  ],
  [
    'Machines',
    'Machines are destroyed meanwhile',
    [/^completed: all 10 machines are at target/],
    { scenario: { at: [3, 9].map((index) => ({ ms: 3_000, do: { destroy: { app: APP, index } } })) } },
  ],
  [
    'Machines',
    'Machines are created from the old image meanwhile',
    [/^completed: all 15 machines are at target/],
    {
      scenario: {
        at: [
          { ms: 3_000, do: { createMachines: { app: APP, count: 3, region: 'ord', image: OLD, state: 'stopped' } } },
        ],
      },
    },
  ],
  [
    'Machines',
    'A machine is started between the look at it and the write to it',
    [COMPLETED],
    {
      cuts: true,
      scenario: {
        switches: { leaseBlocksAutostart: false },
        timing: { bootMs: 100 },
        faults: [{ on: 'update', effect: { delayMs: 2_000 } }],
        at: [1, 2, 3].map((s) => ({ ms: s * 1_000, do: { autostart: { app: APP } } })),
      },
      machines: [idle({ count: 12, job: { lengthMs: 10 * MINUTE } })],
    },
  ],
  [
    'Machines',
    'A machine never stops',
    [/^partial: the deadline passed with 4 machines left/],
    { machines: [idle(), working()] },
  ],
  [
    'Machines',
    'A machine never stops, with "forceAfter"',
    [COMPLETED],
    { machines: [idle(), endless()], input: { forceAfter: '30m' } },
  ],
  [
    'Machines',
    'A job ignores the signal to stop, with "forceAfter"',
    [COMPLETED],
    {
      machines: [
        idle(),
        endless({ job: { lengthMs: 1e10, onStop: 'ignore' }, config: { stop_config: { timeout: '5s' } } }),
      ],
      input: { forceAfter: '30m' },
    },
  ],
  [
    'Machines',
    'Machines rest for two seconds between two jobs',
    [COMPLETED],
    { machines: [idle(), working({ job: { lengthMs: [50 * MINUTE, 70 * MINUTE], idleMs: 2_000 } })] },
  ],
  [
    'Machines',
    'Suspended machines',
    [/^completed: all 10 machines are at target.*; 2 machines left suspended/],
    { machines: [idle({ count: 10 }), idle({ count: 2, state: 'suspended' })] },
  ],
];

const OTHERS: readonly Row[] = [
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

export const DAYS: readonly FailureMode[] = [...FLY, ...MACHINES, ...OTHERS].map(([part, fault, shows, day]) => ({
  part,
  fault,
  shows,
  run: () => runDay(day),
}));
