import type { Change } from './change.js';
import { firstOf } from './clip.js';
import type { PlanSection } from './plan-report.js';
import { releasesOf, type Surveyed } from './survey.js';

/**
 * What Fly's own record goes on saying. Releases are made by flyctl, outside the Machines API (flyctl @ad0172f
 * internal/uiex/releases.go), and `fly secrets list` judges a machine by the release named in its metadata.
 */
export function flyBelief(fleet: readonly Surveyed[], { image }: Change): PlanSection {
  const releases = releasesOf(fleet).map(({ name, machines }) => `${name} (${machines.length})`);
  const isImage = image !== undefined;
  const lines = [
    `The app's latest release stays that of the last fly deploy: a rollout makes none.${releases.length === 0 ? '' : ` Machines name release ${firstOf(releases, 5)}.`}`,
    `fly scale count creates machines as that release has them, with the old ${isImage ? 'image' : 'env'}. While the sweep runs, it finds and updates them; after its end nobody does.`,
    'fly deploy of anything writes every managed machine: during the rollout those machines count as foreign, after it the change is undone where the deploy does not carry it.',
    'fly secrets list goes by the release that machines name: it may call secrets staged that they have.',
  ];
  return { title: 'What Fly goes on believing', lines, rows: [] };
}
