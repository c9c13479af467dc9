import { createHash } from 'node:crypto';
import type { ImageRef } from '../fly/wire.js';
import type { ImageSpec } from './scenario.js';

/** An image reference in parts. */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** An image the registry holds; `digest` is that of its linux/amd64 manifest, as machines report it. */
export interface Image {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string;
  readonly spec: ImageSpec;
}

/** A manifest as the registry serves it. */
export interface Manifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly body: string;
}

/** The images of one world. */
export interface ImageStore {
  /** Puts an image under a reference; a tag that exists moves, and its old digest stays pullable. */
  add(ref: string, spec?: ImageSpec): Image;
  /** What a machine that is given `ref` boots; undefined when it cannot be pulled. */
  resolve(ref: string): Image | undefined;
  manifest(repository: string, reference: string): Manifest | undefined;
}

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const PLAIN_IMAGE: ImageSpec = { single: false, reverts: false, failsBoot: false, failsChecks: false, errors: 0 };

/** A share of all machines, drawn by machine and digest: a boot more or less changes nobody's lot. */
function isDrawn(id: string, digest: string, share: number): boolean {
  if (share >= 1) return true;
  return createHash('sha256').update(`${id} ${digest}`).digest().readUInt32BE(0) / 2 ** 32 < share;
}

/** What an image does on a machine: all that it asks for, or nothing where its faults hit others. */
export function specOn(
  image: Image | undefined,
  { id, region }: { readonly id: string; readonly region: string },
): ImageSpec | undefined {
  const hits = image?.spec.hits;
  if (image === undefined || hits === undefined) return image?.spec;
  const isHit = (hits.regions?.includes(region) ?? true) && isDrawn(id, image.digest, hits.share);
  return isHit ? image.spec : PLAIN_IMAGE;
}

/** Splits `[registry/]repository[:tag][@digest]` the way Docker does: no registry means Docker Hub. */
export function parseReference(ref: string): Reference {
  const [name = '', digest] = ref.split('@', 2);
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const rest = hasRegistry ? name.slice(slash + 1) : name;
  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? (digest === undefined ? 'latest' : undefined) : rest.slice(colon + 1);
  if (hasRegistry) return { registry: first, repository: path, tag, digest };
  return { registry: 'docker.io', repository: path.includes('/') ? path : `library/${path}`, tag, digest };
}

/** `image_ref` of a machine that was given `ref` and boots `image` (undefined: it could not be pulled). */
export function imageRefOf(ref: string, image: Image | undefined): ImageRef {
  const { registry, repository, tag, digest } = parseReference(ref);
  return { registry, repository, tag: tag ?? '', digest: image?.digest ?? digest ?? '', labels: {} };
}

/** An empty registry. */
export function createImages(): ImageStore {
  const tags = new Map<string, Image>();
  const digests = new Map<string, Image>();
  // An index digest names the image as well: `docker buildx imagetools inspect` shows people that one.
  const byIndex = (repository: string, digest: string) =>
    [...digests.values()].find((image) => image.repository === repository && indexOf(image).digest === digest);
  const byDigest = (repository: string, digest: string) => {
    const image = digests.get(digest);
    return image?.repository === repository ? image : byIndex(repository, digest);
  };
  return {
    add(ref, spec = PLAIN_IMAGE) {
      const { repository, tag, digest } = parseReference(ref);
      const key = `${repository}:${tag ?? ''}`;
      const generation = tags.has(key) ? `#${digests.size}` : '';
      const image = { repository, tag, digest: digest ?? spec.digest ?? sha256(key + generation), spec };
      if (tag !== undefined) tags.set(key, image);
      digests.set(image.digest, image);
      return image;
    },
    resolve(ref) {
      const { repository, tag, digest } = parseReference(ref);
      return digest === undefined ? tags.get(`${repository}:${tag}`) : byDigest(repository, digest);
    },
    manifest(repository, reference) {
      if (!reference.includes(':')) {
        const image = tags.get(`${repository}:${reference}`);
        return image && (image.spec.single ? manifestOf(image) : indexOf(image));
      }
      const image = byDigest(repository, reference);
      return image && (image.digest === reference ? manifestOf(image) : indexOf(image));
    },
  };
}

// The digest of one manifest is a name of ours, not the hash of this body: scenarios may choose it.
function manifestOf(image: Image): Manifest {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(image.digest), size: 1024 };
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [] });
  return { mediaType: MANIFEST, digest: image.digest, body };
}

// As `docker buildx` pushes them: one entry a platform, and attestations under the platform unknown/unknown.
function indexOf(image: Image): Manifest {
  const entry = (digest: string, os: string, architecture: string) => ({
    mediaType: MANIFEST,
    digest,
    size: 1024,
    platform: { os, architecture },
  });
  const manifests = [
    entry(sha256(`${image.digest} attestation`), 'unknown', 'unknown'),
    entry(sha256(`${image.digest} arm64`), 'linux', 'arm64'),
    entry(image.digest, 'linux', 'amd64'),
  ];
  const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
  return { mediaType: INDEX, digest: sha256(body), body };
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
