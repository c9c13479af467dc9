import { type Day, OLD, type Part } from './mode.js';

/** A day in one line: its title, what the operator has to see, and how it goes. */
export type Row = readonly [part: Part, fault: string, shows: readonly RegExp[], day: Day];

export const answer = (status: number, error = 'fault injected') => ({ answer: { status, error } });
export const faults = (...all: readonly object[]): Pick<Day, 'scenario'> => ({ scenario: { faults: all } });

export const COMPLETED = /^completed: all 12 machines are at target/;
export const working = (more: object = {}) => ({ count: 4, region: 'ord', image: OLD, state: 'started', ...more });
export const idle = (more: object = {}) => ({ count: 8, region: 'ord', image: OLD, state: 'stopped', ...more });
/** Works on for ever; asked to stop, it takes a minute to put its work away. */
export const endless = (more: object = {}) =>
  working({
    job: { lengthMs: 1e10, onStop: { afterMs: 60_000 } },
    config: { stop_config: { timeout: '90s' } },
    ...more,
  });
