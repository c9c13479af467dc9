import { fromText, readFrom } from './from.js';
import type { EnvChange } from '../input/types.js';

/** A container of a machine: its image stands apart from the machine's own. */
export interface ContainerLike {
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  readonly [key: string]: unknown;
}

/** The parts of a machine's config a change looks at; every other field is carried through untouched. */
export interface ConfigLike {
  readonly image?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | null | undefined;
  readonly containers?: readonly ContainerLike[] | null | undefined;
  readonly [key: string]: unknown;
}

/** An image by name; the digest that machines are to run travels apart, as the plan's pin. */
export interface ImageName {
  /** `registry/repository`. */
  readonly repository: string;
  readonly tag?: string;
  /** As the operator wrote it: it may be that of an index, which no machine shows. */
  readonly digest?: string;
}

/** What is to be different: an image for the machine or for some of its containers, never both. */
export interface Change {
  readonly image?: ImageName;
  /** By the container's name; for machines that have all of them. */
  readonly containers?: Readonly<Record<string, ImageName>>;
  readonly env?: EnvChange;
  /** Machines that work must have started since, Fly's time, ms. */
  readonly startedSince?: number;
}

/** It changes no config: machines are written only to be started anew. */
export const isRestartOnly = (change: Change): boolean => !hasImage(change) && change.env === undefined;

/** Whether an image is part of it, so that a digest decides who is at target. */
export const hasImage = ({ image, containers }: Change): boolean => image !== undefined || containers !== undefined;

const joined = (entries: readonly (readonly [string, string])[]): string =>
  entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `${name}=${text}`)
    .join(',');

/** One text for the digests of several containers, as a pin and a machine's own are compared: `api=sha256:…,log=…`. */
export const joinDigests = (digests: Readonly<Record<string, string>>): string => joined(Object.entries(digests));

/** The images of the containers that a change names, where a machine has them all. */
function namedImages(config: ConfigLike, { containers = {} }: Change): (readonly [string, ImageName])[] | undefined {
  const found = Object.keys(containers).map((name) => {
    const image = config.containers?.find((container) => container.name === name)?.image;
    return image === undefined ? undefined : ([name, parseImage(image)] as const);
  });
  return found.every((one) => one !== undefined) ? found : undefined;
}

/**
 * What a machine with containers runs in those that a change names; undefined where it lacks one. Digests come from
 * the config, which holds the one that was written: Fly shows none for containers.
 */
export function containersOf(config: ConfigLike, change: Change): { digest: string; repository: string } | undefined {
  const images = namedImages(config, change);
  if (images === undefined) return undefined;
  const digests = images.map(([name, image]) => [name, image.digest ?? imageText(image, undefined)] as const);
  const repositories = images.map(([name, image]) => [name, image.repository] as const);
  return { digest: joined(digests), repository: joined(repositories) };
}

/** The repository that a change's image comes from, several containers' in one text; undefined without an image. */
export function repositoryOf({ image, containers }: Change): string | undefined {
  if (containers === undefined) return image?.repository;
  return joined(Object.entries(containers).map(([name, { repository }]) => [name, repository] as const));
}

/** What an operator reads of a change's image, each by its pinned digest; undefined without one. */
export function targetText({ image, containers }: Change, pin: string | undefined): string | undefined {
  if (containers === undefined) return image && imageText(image, pin);
  const entries = Object.entries(containers);
  return joined(entries.map(([name, one]) => [name, imageText(one, pinOf(pin, name))] as const)).replaceAll(',', ', ');
}

/** One container's part of a pin. */
const pinOf = (pin: string | undefined, name: string): string | undefined =>
  pin
    ?.split(',')
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** Who writes: the hash of the change, and the start that carries it. */
export interface RolloutName {
  readonly hash: string;
  readonly start: string;
}

/** The three keys of the record on the machine (design: the machine is its own record). */
export const MARK_KEY = 'layover_rollout';
export const FROM_KEY = 'layover_from';
export const FROM_IMAGE_KEY = 'layover_from_image';

/** By a machine's record: it was at work when the change came. */
export const wasAtWork = (metadata: Readonly<Record<string, string>> | null | undefined): boolean =>
  readFrom(metadata?.[FROM_KEY])?.state === 'started';

/** `<hash of the change>.<start>#<n>`; `n` counts a person's `retry`, not Temporal's attempts. */
export const markText = (rollout: RolloutName, n: number): string => `${rollout.hash}.${rollout.start}#${n}`;

/** The lease's description, by which an older attempt of the same rollout is recognised and fenced off. */
export const leaseText = (rollout: RolloutName): string => `layover ${rollout.hash}.${rollout.start}`;

/** The hash part of a mark, whatever rollout wrote it. */
export function hashOfMark(mark: string | undefined): string | undefined {
  const dot = mark?.indexOf('.') ?? -1;
  return mark === undefined || dot < 1 ? undefined : mark.slice(0, dot);
}

/** The start part of a mark; nothing where there is none. */
export const startOfMark = (mark: string | undefined): string => /\.([^.#]+)#\d+$/.exec(mark ?? '')?.[1] ?? '';

/** Whether this very start of the change wrote the mark, whatever the retry. */
export const isMarkOf = (mark: string | undefined, rollout: RolloutName): boolean =>
  mark?.startsWith(`${rollout.hash}.${rollout.start}#`) ?? false;

/** The reference that a machine's config gets: by the pinned digest wherever it is known, else by the one written. */
export function imageText(image: ImageName, pin: string | undefined): string {
  const digest = pin ?? image.digest;
  const tagged = image.tag === undefined ? image.repository : `${image.repository}:${image.tag}`;
  return digest === undefined ? tagged : `${tagged}@${digest}`;
}

/** Splits `registry/repository[:tag][@digest]`; a colon before the last slash belongs to the registry's port. */
export function parseImage(text: string): ImageName {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? {} : { digest: text.slice(at + 1) };
  const colon = name.lastIndexOf(':');
  if (colon <= name.lastIndexOf('/')) return { repository: name, ...digest };
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1), ...digest };
}

/** The environment after the change. */
export function applyEnv(env: Readonly<Record<string, string>>, change: EnvChange): Record<string, string> {
  const kept = Object.entries(env).filter(([key]) => !Object.hasOwn(change, key));
  const set = Object.entries(change).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...set]);
}

/** Whether the change's env is already there; the image is judged by digest, never by its text. */
export function envMatches(config: ConfigLike, change: Change): boolean {
  const env = config.env ?? {};
  return Object.entries(change.env ?? {}).every(([key, value]) =>
    value === null ? !Object.hasOwn(env, key) : Object.hasOwn(env, key) && env[key] === value,
  );
}

/** What the write needs to know of the machine as it was just read. */
export interface Before {
  readonly version: string;
  readonly state: string;
  /** `registry/repository[:tag]@digest` of what it ran. */
  readonly image: string;
  readonly digest: string | undefined;
  /** Whoever writes updates working machines where they are. */
  readonly inPlace: boolean;
}

/** The images to write: the machine's own where the change has none, so that every write pins one. */
function imagesAfter(
  config: ConfigLike,
  { change, pin, before }: { change: Change; pin: string | undefined; before: Before },
): Pick<ConfigLike, 'image' | 'containers'> {
  const { image, containers } = change;
  // Fly shows no digest of what containers run: their own images stay as they are written.
  if (isRestartOnly(change) && (config.containers ?? []).length > 0) return {};
  if (containers === undefined) {
    const own = () => imageText(parseImage(config.image ?? before.image), before.digest);
    return { image: image === undefined ? own() : imageText(image, pin) };
  }
  const changed = (config.containers ?? []).map((container) => {
    const name = container.name ?? '';
    const wanted = Object.hasOwn(containers, name) ? containers[name] : undefined;
    return wanted === undefined ? container : { ...container, image: imageText(wanted, pinOf(pin, name)) };
  });
  return { containers: changed };
}

/** Whether the image of the change is what it runs; where the change has none, whether its env is what it has. */
function runsIt(
  config: ConfigLike,
  { change, pin, before }: { change: Change; pin: string | undefined; before: Before },
): boolean {
  const { image, containers } = change;
  if (containers !== undefined) return containersOf(config, change)?.digest === pin;
  if (image === undefined) return envMatches(config, change);
  const digest = pin ?? image.digest;
  return config.image === imageText(image, pin) || (digest !== undefined && before.digest === digest);
}

/**
 * The whole config to write: the change applied, the image by digest, and the record. `layover_from` and
 * `layover_from_image` are kept where a rollout of the same change wrote them and its image is still there, so that a
 * way back leads to what ran before the first of them; where another has come since, that is what it leads to.
 */
export function applyChange<C extends ConfigLike>(
  config: C,
  order: { change: Change; pin: string | undefined; rollout: RolloutName; n: number; before: Before },
): C {
  const { change, rollout, before } = order;
  const metadata = config.metadata ?? {};
  const ours = hashOfMark(metadata[MARK_KEY]) === rollout.hash && runsIt(config, order);
  return {
    ...config,
    ...imagesAfter(config, order),
    ...(change.env === undefined ? {} : { env: applyEnv(config.env ?? {}, change.env) }),
    metadata: {
      ...metadata,
      [MARK_KEY]: markText(rollout, order.n),
      [FROM_KEY]: (ours ? metadata[FROM_KEY] : undefined) ?? fromText(before),
      [FROM_IMAGE_KEY]: (ours ? metadata[FROM_IMAGE_KEY] : undefined) ?? before.image,
    },
  };
}
