import type { Change } from './change.js';
import { firstOf } from './clip.js';
import type { PlanSection } from './plan-report.js';
import { releasesOf, type Surveyed } from './survey.js';

/**
 * What Fly's own record goes on saying. Releases are made by flyctl, outside the Machines API (flyctl @ad0172f
 * internal/uiex/releases.go). `fly scale count` copies the whole config of the first machine listed of a process group,
 * metadata and all, and takes the latest complete release only for a group that has none (flyctl @da6830b
 * internal/command/scale/count_machines.go computeActions). `fly deploy` writes each managed machine anew from fly.toml
 * (flyctl @07d0529 internal/command/deploy/machines_launchinput.go launchInputForUpdate). `fly secrets list` judges a
 * machine by the release that its metadata names.
 */
export function flyBelief(fleet: readonly Surveyed[], { image, env }: Change): PlanSection {
  const releases = releasesOf(fleet).map(({ name, machines }) => `${name} (${machines.length})`);
  const old = [image && 'image', env && 'env'].filter((part) => part !== undefined).join(' and ');
  const lines = [
    `The app's latest release stays that of the last fly deploy: a rollout makes none.${releases.length === 0 ? '' : ` Machines name release ${firstOf(releases, 5)}.`}`,
    `fly scale count copies the machine that it finds first in a process group, old or new, and takes the latest release where a group has none: so it may create machines with the old ${old}. While the sweep runs, it finds and updates them; after its end nobody does.`,
    'fly deploy of anything writes every managed machine from fly.toml: during the rollout those machines count as foreign, after it the change is undone where the deploy does not carry it.',
    'fly secrets list goes by the release that machines name: it may call secrets staged that they have.',
  ];
  return { title: 'What Fly goes on believing', lines, rows: [] };
}
