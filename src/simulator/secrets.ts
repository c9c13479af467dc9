import { createHash } from 'node:crypto';
import { iso } from './machine.js';
import type { SimApp, World } from './world.js';

interface Secret {
  readonly value: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The secrets of an app; `version` grows by one with each change, whatever it names. */
export interface Secrets {
  version: number;
  readonly values: Map<string, Secret>;
}

/** The secrets an app begins with: version 1, or 0 when there are none. */
export function createSecrets(values: Readonly<Record<string, string>>, now: number): Secrets {
  const entries = Object.entries(values).map(([name, value]): [string, Secret] => [
    name,
    { value, createdAt: now, updatedAt: now },
  ]);
  return { version: entries.length > 0 ? 1 : 0, values: new Map(entries) };
}

/** Sets secrets, or removes those that are null; machines that run keep what they booted with. */
export function setSecrets(world: World, app: SimApp, values: Readonly<Record<string, string | null>>): void {
  const { secrets } = app;
  for (const [name, value] of Object.entries(values)) {
    const before = secrets.values.get(name);
    if (value === null) secrets.values.delete(name);
    else secrets.values.set(name, { value, createdAt: before?.createdAt ?? world.now, updatedAt: world.now });
  }
  secrets.version += 1;
  const by = world.cause && { by: world.cause };
  world.journal.happening(world.now, { kind: 'secrets-set', app: app.name, secretsVersion: secrets.version, ...by });
}

/** A secret as the API shows it: never its value, unless asked for. */
export function secretView(name: string, secret: Secret, withValue: boolean) {
  const digest = createHash('sha256').update(`${name}=${secret.value}`).digest('hex').slice(0, 16);
  const [created, updated] = [iso(secret.createdAt), iso(secret.updatedAt)];
  return { name, digest, created_at: created, updated_at: updated, ...(withValue && { value: secret.value }) };
}
