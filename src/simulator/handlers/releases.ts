import { z } from 'zod';
import { json, refuse, type Answer } from '../answers.js';
import { appNamed, appOf, bodyOf, type Call } from '../call.js';
import { iso } from '../machine.js';
import type { Release, SimApp } from '../world.js';

/**
 * What flyctl asks of Fly's web API around a deploy, under /api/v1 (flyctl@ad0172f internal/uiex). Nothing of it changes
 * a machine; a release is a record, and the sweep of anybody else never reads it.
 */
const NewRelease = z.looseObject({
  app_name: z.string(),
  image: z.string().default(''),
  strategy: z.string().default(''),
  definition: z.unknown().optional(),
});
const Patch = z.looseObject({ status: z.string() });

/** POST releases: the next version of the app's releases. */
export function createRelease(call: Call): Answer {
  const { app_name: name, image, strategy, definition } = bodyOf(call, NewRelease);
  const app = appNamed(call, name);
  const version = app.releases.length + 1;
  const id = `rel-${app.name}-${version}`;
  const release: Release = { id, version, image, strategy, definition, createdAt: call.world.now, status: 'pending' };
  app.releases.push(release);
  return json(201, { release: viewOf(app, release) });
}

/** PATCH releases/{id}: must be exactly 200. */
export function patchRelease(call: Call): Answer {
  const { status } = bodyOf(call, Patch);
  for (const app of call.world.apps.values()) {
    const release = app.releases.find(({ id }) => id === call.params['release']);
    if (release === undefined) continue;
    release.status = status;
    return json(200, viewOf(app, release));
  }
  throw refuse(404, 'release not found');
}

/** GET apps/{app}/releases, newest first. */
export function listReleases(call: Call): Answer {
  const app = appOf(call);
  return json(200, { releases: app.releases.toReversed().map((release) => viewOf(app, release)) });
}

/** GET apps/{app}/logs: machines of a simulator say nothing. */
export function listLogs(call: Call): Answer {
  appOf(call);
  return json(200, { data: [], meta: { next_token: '' } });
}

/** POST builds and builds/finish: nothing is built here. */
export function noteBuild(call: Call): Answer {
  const status = call.request.url.endsWith('/finish') ? 'completed' : 'running';
  return json(200, { id: 1, status, wallclock_time_ms: 0 });
}

/** GET organizations/{org}. */
export function getOrganization(call: Call): Answer {
  const slug = call.params['org'] ?? '';
  const names = { slug, raw_slug: slug, name: slug };
  const paid = { paid_plan: true, billing_status: 'CURRENT', billable: true };
  const builder = { remote_builder_image: '', provisions_beta_extensions: false };
  const organization = { id: `org-${slug}`, internal_numeric_id: 1, personal: slug === 'personal', ...names };
  return json(200, { organization: { ...organization, ...paid, ...builder } });
}

function viewOf(app: SimApp, release: Release) {
  const { id, version, image, strategy, status } = release;
  const inProgress = status === 'pending' || status === 'running';
  const state = { status, strategy, stable: true, in_progress: inProgress };
  return {
    id,
    version,
    ...state,
    user: 'somebody',
    created_at: iso(release.createdAt),
    image_ref: image,
    app: app.name,
  };
}
