import { CANARY_DAYS } from './canary-days.js';
import { FLY_DAYS } from './fly-days.js';
import { GROUP_DAYS } from './group-days.js';
import { MACHINE_DAYS } from './machine-days.js';
import type { FailureMode } from './mode.js';
import { OTHER_DAYS } from './other-days.js';
import { runDay } from './run-day.js';

export const DAYS: readonly FailureMode[] = [
  ...FLY_DAYS,
  ...MACHINE_DAYS,
  ...OTHER_DAYS,
  ...CANARY_DAYS,
  ...GROUP_DAYS,
].map(([part, fault, shows, day]) => ({
  part,
  fault,
  shows,
  run: () => runDay(day),
}));
