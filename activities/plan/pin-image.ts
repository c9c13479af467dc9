import { type Change, type ImageName, imageText, parseImage } from '../../src/domain/change.js';
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

/** The digest that machines will show; an index's own digest is none, so one that was written is looked up too. */
export async function pinImage(
  { image }: Change,
  machines: readonly Machine[],
  findDigest: FindDigest,
): Promise<Pinned> {
  if (image === undefined) return {};
  const answer = await findDigest(image.repository, image.digest ?? image.tag ?? 'latest');
  if (answer.kind === 'found') return { pin: answer.digest };
  const text = imageText(image, undefined);
  if (answer.kind === 'unknown') {
    return { problem: `image: the registry ${answer.says} ${text}; push it first, or correct the reference` };
  }
  const pin = digestInFleet(machines, image);
  if (pin !== undefined) return { pin, note: `${answer.says}; pinned to the digest that the fleet runs under ${text}` };
  return { note: `${answer.says}; one machine is updated first, and its digest becomes the pin` };
}
