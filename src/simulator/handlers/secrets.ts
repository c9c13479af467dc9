import { z } from 'zod';
import { json, refuse, type Answer } from '../answers.js';
import { appOf, bodyOf, type Call } from '../call.js';
import { secretView, setSecrets } from '../secrets.js';
import { requireSecrets } from '../update.js';
import type { SimApp } from '../world.js';

const Values = z.looseObject({ values: z.record(z.string(), z.string().nullable()) });
const Value = z.looseObject({ value: z.string() });

/** GET secrets: names and digests; values only with `show_secrets`. */
export function listSecrets(call: Call): Answer {
  const app = readApp(call);
  return json(200, { secrets: views(call, app) });
}

/** POST secrets: all in one version; null removes (flyctl internal/appsecrets/secrets.go@ad0172f). */
export function updateSecrets(call: Call): Answer {
  const app = appOf(call);
  setSecrets(call.world, app, bodyOf(call, Values).values);
  return json(200, { secrets: views(call, app), ...versionOf(app) });
}

/** GET secrets/{name}. */
export function getSecret(call: Call): Answer {
  return json(200, viewOf(call, readApp(call)));
}

/** POST secrets/{name}. */
export function setSecret(call: Call): Answer {
  const app = appOf(call);
  setSecrets(call.world, app, { [nameOf(call)]: bodyOf(call, Value).value });
  return json(201, { ...viewOf(call, app), ...versionOf(app) });
}

/** DELETE secrets/{name}. */
export function deleteSecret(call: Call): Answer {
  const app = appOf(call);
  viewOf(call, app);
  setSecrets(call.world, app, { [nameOf(call)]: null });
  return json(200, versionOf(app));
}

/** The app, as new as the reader needs it: `min_version`, which fly-go sends as `version`. */
function readApp(call: Call): SimApp {
  const app = appOf(call);
  const least = Number(call.query.get('min_version') ?? call.query.get('version') ?? '0');
  requireSecrets(call.world, app, least);
  return app;
}

function views(call: Call, app: SimApp) {
  const withValues = call.query.get('show_secrets') === 'true';
  return [...app.secrets.values].map(([name, secret]) => secretView(name, secret, withValues));
}

function viewOf(call: Call, app: SimApp) {
  const name = nameOf(call);
  const secret = app.secrets.values.get(name);
  if (secret === undefined) throw refuse(404, `not_found: secret ${name} not found`);
  return secretView(name, secret, call.query.get('show_secrets') === 'true');
}

// A duplicate with a capital stands in the OpenAPI text, for older clients.
function versionOf({ secrets: { version } }: SimApp) {
  return { version, Version: version };
}

function nameOf(call: Call): string {
  return call.params['key'] ?? '';
}
