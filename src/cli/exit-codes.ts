/** How a command ends: scripts key on these, so each means one thing for all commands. */
export const EXIT = { ok: 0, notOk: 1, usage: 2, none: 3, noWorker: 4, away: 5 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What the help says of them. */
export const EXIT_CODES: readonly (readonly [code: ExitCode, means: string])[] = [
  [EXIT.ok, 'as wanted: a plan that may be started, a rollout that runs or has completed'],
  [EXIT.notOk, 'a refused plan, a rollout that ended otherwise, a program that broke'],
  [EXIT.usage, 'the command, its input or a setting is wrong; nothing was asked'],
  [EXIT.none, 'there is no such rollout, or `status --from-fly` finds no such app'],
  [EXIT.noWorker, 'there is a rollout, and no worker answers for it'],
  [EXIT.away, 'Temporal or Fly cannot be reached, or does not let us in'],
];
