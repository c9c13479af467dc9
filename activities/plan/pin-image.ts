import { type Change, type ImageName, imageText, joinDigests, parseImage } from '../../src/domain/change.js';
import type { DigestAnswer } from '../../src/fly/registry.js';
import type { Machine } from '../../src/fly/wire.js';

/** The digest that machines are to run, what there is to say of it, or why there can be none. */
export interface Pinned {
  readonly pin?: string;
  readonly note?: string;
  readonly problem?: string;
}

/** Looks a tag or a digest up in the image's registry. */
export type FindDigest = (repository: string, reference: string) => Promise<DigestAnswer>;

/** What the fleet itself shows of the wanted image: the second-best witness when the registry is silent. */
function digestInFleet(machines: readonly Machine[], image: ImageName): string | undefined {
  const digests = machines.flatMap(({ config, image_ref }) => {
    const own = parseImage(config?.image ?? '');
    const digest = image_ref?.digest;
    if (!digest || own.repository !== image.repository) return [];
    const isWritten = digest === image.digest || own.digest === image.digest;
    return (image.digest === undefined ? own.tag === image.tag : isWritten) ? [digest] : [];
  });
  const [only, other] = [...new Set(digests)];
  return other === undefined ? only : undefined;
}

/** An index's own digest is none that a machine will show, so one that was written is looked up too. */
const lookUp = (image: ImageName, findDigest: FindDigest): Promise<DigestAnswer> =>
  findDigest(image.repository, image.digest ?? image.tag ?? 'latest');

const sayUnknown = (path: string, says: string, text: string): string =>
  `${path}: the registry ${says} ${text}; push it first, or correct the reference`;

/** The digests that machines will show for a change's image, or for its containers' images together. */
export async function pinChange(
  { image, containers }: Change,
  machines: readonly Machine[],
  findDigest: FindDigest,
): Promise<Pinned> {
  if (containers !== undefined) return pinContainers(containers, findDigest);
  return image === undefined ? {} : pinImage(image, machines, findDigest);
}

/** Fly shows no digest of a container's image: what the registry does not tell, nobody does. */
async function pinContainers(containers: NonNullable<Change['containers']>, findDigest: FindDigest): Promise<Pinned> {
  const digests: Record<string, string> = {};
  for (const [name, image] of Object.entries(containers)) {
    const answer = await lookUp(image, findDigest);
    const text = imageText(image, undefined);
    if (answer.kind === 'unknown') return { problem: sayUnknown(`image.${name}`, answer.says, text) };
    if (answer.kind === 'unreachable' && image.digest === undefined) {
      const way = 'write the digest yourself (…@sha256:…), or give the worker access to that registry';
      return { problem: `image.${name}: ${answer.says}, and Fly shows no digest of a container's image; ${way}` };
    }
    digests[name] = answer.kind === 'found' ? answer.digest : (image.digest ?? '');
  }
  return { pin: joinDigests(digests) };
}

async function pinImage(image: ImageName, machines: readonly Machine[], findDigest: FindDigest): Promise<Pinned> {
  const answer = await lookUp(image, findDigest);
  if (answer.kind === 'found') return { pin: answer.digest };
  const text = imageText(image, undefined);
  if (answer.kind === 'unknown') return { problem: sayUnknown('image', answer.says, text) };
  const pin = digestInFleet(machines, image);
  if (pin !== undefined) return { pin, note: `${answer.says}; pinned to the digest that the fleet runs under ${text}` };
  return { note: `${answer.says}; one machine is updated first, and its digest becomes the pin` };
}
