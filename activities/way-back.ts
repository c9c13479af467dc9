import {
  FROM_IMAGE_KEY,
  FROM_KEY,
  hashOfMark,
  imageText,
  markText,
  MARK_KEY,
  parseImage,
  type Before,
} from '../src/domain/change.js';
import { fromText, readFrom } from '../src/domain/from.js';
import { HOLD_KEY } from '../src/domain/hold.js';
import type { Machine, MachineConfig, MachineVersion } from '../src/fly/wire.js';
import type { Update } from './update-machine.js';

/** `whole`: the config of the version it came from; `image`: Fly no longer keeps that, so only its image goes back. */
export type WayBack =
  | { readonly kind: 'whole' | 'image'; readonly config: MachineConfig }
  /** Somebody changed it since: the mark it carries is only copied. */
  | { readonly kind: 'changed' };

/** Flyctl keeps metadata that it does not know, so only the oldest version with a mark was written with it. */
function isOwn({ instance_id, config }: Machine, versions: readonly MachineVersion[]): boolean {
  const mark = config?.metadata?.[MARK_KEY];
  const first = versions.findLast(({ user_config }) => user_config?.metadata?.[MARK_KEY] === mark);
  return first === undefined || first.version === instance_id;
}

/** The image by the digest that it ran then, whatever its tag names today. */
function pinned(config: MachineConfig, ranThen: string | undefined): MachineConfig {
  const digest = ranThen === undefined ? undefined : parseImage(ranThen).digest;
  const hasContainers = (config.containers?.length ?? 0) > 0;
  if (digest === undefined || hasContainers || config.image === undefined) return config;
  return { ...config, image: imageText(parseImage(config.image), digest) };
}

/**
 * What a machine ran before the change, out of Fly's `versions`.
 * @param machine as just read, with the mark of what is taken back.
 */
export async function findWayBack({ app, id, deps }: Update, machine: Machine): Promise<WayBack> {
  const versions = await deps.fly.machineVersions(app, id);
  const metadata = machine.config?.metadata ?? {};
  const from = readFrom(metadata[FROM_KEY]);
  if (from === undefined || !isOwn(machine, versions)) return { kind: 'changed' };
  const image = metadata[FROM_IMAGE_KEY];
  const kept = versions.find(({ version }) => version === from.version)?.user_config;
  if (kept) return { kind: 'whole', config: pinned(kept, image) };
  return image === undefined ? { kind: 'changed' } : { kind: 'image', config: { ...machine.config, image } };
}

/** Whether a way back that is written already had the image alone to go by, as `findWayBack` would have said then. */
export async function wasImageOnly({ app, id, deps, order }: Update): Promise<boolean> {
  const versions = await deps.fly.machineVersions(app, id);
  const hash = order.context.back?.hash;
  const forward = versions.findLast(({ user_config }) => hashOfMark(user_config?.metadata?.[MARK_KEY]) === hash);
  const from = readFrom(forward?.user_config?.metadata?.[FROM_KEY]);
  return from !== undefined && !versions.some(({ version, user_config }) => version === from.version && user_config);
}

/** The config to write: what it was, with the record of the way back, and no hold of then. */
export function configBack(config: MachineConfig, { order }: Update, before: Before): MachineConfig {
  const { rollout } = order.context;
  const { [HOLD_KEY]: _old, ...metadata } = config.metadata ?? {};
  return {
    ...config,
    metadata: {
      ...metadata,
      [MARK_KEY]: markText(rollout, order.n),
      [FROM_KEY]: fromText(before),
      [FROM_IMAGE_KEY]: before.image,
    },
  };
}
