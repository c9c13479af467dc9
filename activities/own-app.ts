/** What of the plan's dependencies guards the worker itself. */
export interface OwnAppDeps {
  /** The app whose machines this very process runs on; left out where it may be rolled out. */
  readonly ownApp?: string;
}

/** Why the app may not be rolled out by this worker: the update would stop whoever does it. */
export function ownAppProblem(app: string, { ownApp }: OwnAppDeps): string | undefined {
  if (app !== ownApp) return undefined;
  return `app: "${app}" is the app that this worker runs in, and its update would stop the worker; update it with fly deploy, or set LAYOVER_OWN_APP=allow for the worker`;
}
