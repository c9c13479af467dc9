import { createHash } from 'node:crypto';
import type { Transport } from './transport.js';
import { ManifestIndex } from './wire.js';

/** Answer of a look-up: the digest machines will run, nothing that they could, or a registry that would not say. */
export type DigestAnswer =
  | { readonly kind: 'found'; readonly digest: string }
  | { readonly kind: 'unknown'; readonly says: string }
  | { readonly kind: 'unreachable'; readonly says: string };

export interface RegistryOptions {
  readonly transport: Transport;
  /** The Fly token: registry.fly.io takes it as a password; it goes to no other registry. */
  readonly token: string;
  /** Asked instead of every registry's own address, so that a simulator can answer. */
  readonly baseUrl?: string;
}

const ACCEPT = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

const FLY_REGISTRY = 'registry.fly.io';

/** A first segment with a dot or a colon, or `localhost`, is a registry; anything else lives on Docker Hub. */
export function placeOf(repository: string): { host: string; path: string } {
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  if (/[.:]/.test(first) || first === 'localhost') return { host: first, path: repository.slice(slash + 1) };
  return { host: 'registry-1.docker.io', path: slash < 0 ? `library/${repository}` : repository };
}

function digestIn(body: string, header: string | undefined): DigestAnswer {
  const json: unknown = JSON.parse(body);
  const index = ManifestIndex.safeParse(json);
  if (!index.success) {
    return { kind: 'found', digest: header ?? `sha256:${createHash('sha256').update(body).digest('hex')}` };
  }
  const entry = index.data.manifests.find((m) => m.platform?.os === 'linux' && m.platform.architecture === 'amd64');
  return entry === undefined
    ? { kind: 'unknown', says: 'has no image for linux/amd64 under' }
    : { kind: 'found', digest: entry.digest };
}

/**
 * The digest behind a tag or a digest: of the linux/amd64 entry where that is an index, since it is what a machine's
 * `image_ref.digest` shows. It never throws: a registry that will not answer is something a plan says.
 */
export async function findDigest(
  repository: string,
  reference: string,
  options: RegistryOptions,
): Promise<DigestAnswer> {
  const { host, path } = placeOf(repository);
  const base = options.baseUrl ?? `https://${host}`;
  const basic = Buffer.from(`x:${options.token.replace(/^(FlyV1|Bearer)\s+/i, '')}`).toString('base64');
  const auth = host === FLY_REGISTRY ? { authorization: `Basic ${basic}` } : {};
  try {
    const answer = await options.transport({
      method: 'GET',
      url: `${base}/v2/${path}/manifests/${encodeURIComponent(reference)}`,
      headers: { accept: ACCEPT, ...auth },
      timeoutMs: 20_000,
    });
    if (answer.status === 404) return { kind: 'unknown', says: 'does not know' };
    if (answer.status !== 200) return { kind: 'unreachable', says: `${host} answered HTTP ${answer.status}` };
    return digestIn(answer.body, answer.headers['docker-content-digest']);
  } catch {
    return { kind: 'unreachable', says: `${host} could not be reached, or its answer could not be read` };
  }
}
