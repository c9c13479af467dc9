import { APP, HOUR, MINUTE } from './mode.js';
import { answer, COMPLETED, endless, faults, idle, type Row } from './row.js';

/** Fly at its worst. */
export const FLY_DAYS: readonly Row[] = [
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
