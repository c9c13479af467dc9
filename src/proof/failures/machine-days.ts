import { APP, HOUR, MINUTE, NEW, OLD, OTHER } from './mode.js';
import { answer, COMPLETED, endless, idle, type Row, working } from './row.js';

/** A machine with a check that shows how it does. */
const checked = (spec: object) => ({ scenario: { images: { [OLD]: {}, [NEW]: spec, [OTHER]: {} } } });

/** What machines and images do. */
export const MACHINE_DAYS: readonly Row[] = [
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
