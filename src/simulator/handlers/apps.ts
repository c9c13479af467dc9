import { z } from 'zod';
import { json, refuse, type Answer } from '../answers.js';
import { appOf, bodyOf, type Call } from '../call.js';
import { addApp } from '../fleet.js';
import type { SimApp } from '../world.js';

const CreateApp = z.looseObject({
  name: z.string().optional(),
  app_name: z.string().optional(),
  org_slug: z.string().optional(),
});

/** GET /apps/{app}. */
export function getApp(call: Call): Answer {
  return json(200, view(appOf(call)));
}

/** GET /apps?org_slug=. */
export function listApps(call: Call): Answer {
  const org = call.query.get('org_slug');
  if (!org) throw refuse(400, 'invalid_argument: request does not contain org_slug');
  const apps = [...call.world.apps.values()].filter((app) => app.org === org && !app.foreignOrg);
  return json(200, { total_apps: apps.length, apps: apps.map(view) });
}

/** POST /apps: fly-go sends `name`, the prose docs `app_name`; the answer is a superset of what each decodes. */
export function createApp(call: Call): Answer {
  const { name, app_name: otherName, org_slug: org } = bodyOf(call, CreateApp);
  const wanted = name ?? otherName;
  if (!org) throw refuse(400, 'invalid_argument: request does not contain org_slug');
  if (!wanted) throw refuse(400, 'invalid_argument: request does not contain name');
  if (call.world.apps.has(wanted)) {
    throw refuse(422, 'Validation failed: Name has already been taken', { status: 'name_taken' });
  }
  const app = addApp(call.world, { name: wanted, org });
  return json(201, { ...view(app), token: 'simulated', created_at: call.world.now });
}

/** GET ip_assignments: none, so that flyctl asks no name server (flyctl-traces, what a deploy needs). */
export function listIps(call: Call): Answer {
  appOf(call);
  return json(200, { ips: [] });
}

function view(app: SimApp) {
  const count = app.machines.filter((machine) => machine.state !== 'destroyed').length;
  return {
    id: app.id,
    name: app.name,
    internal_numeric_id: 1,
    network: 'default',
    status: count > 0 ? 'deployed' : 'pending',
    machine_count: count,
    volume_count: 0,
    organization: { name: app.org, slug: app.org, internal_numeric_id: 1 },
    cname_target: `${app.name}.fly.dev`,
    app_role: '',
  };
}
