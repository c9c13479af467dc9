/**
 * What we noted on a machine before a cordon or a stop of ours: whoever finds it puts back what it says. It is set by
 * the metadata call, so that it is there before the first of them takes effect, and taken away last.
 */
export interface Hold {
  /** `<hash of the change>.<start>` of who holds it. */
  readonly rollout: string;
  /** The machine that it is about: `fly scale count` copies a machine with its metadata, and a copy is not held. */
  readonly machine: string;
  /** It was working: it ends started, unless it ended itself cleanly. */
  readonly started: boolean;
  /** It was out of the proxy's routing before, and stays so. */
  readonly cordoned: boolean;
}

export const HOLD_KEY = 'layover_hold';

export const holdText = ({ rollout, machine, started, cordoned }: Hold): string =>
  JSON.stringify({ rollout, machine, started, cordoned });

/** Texts in metadata are anybody's; what is repeated elsewhere has the form of a rollout's name. */
const ROLLOUT = /^[\w-]{1,40}\.[\w-]{1,40}$/;

function parse(text: string): Partial<Record<keyof Hold, unknown>> {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {};
  }
}

/** What the metadata of machine `id` says; a text that is no hold of ours, or another machine's, holds nothing. */
export function readHold(id: string, metadata: Readonly<Record<string, string>> | null | undefined): Hold | undefined {
  const { rollout, machine, started, cordoned } = parse(metadata?.[HOLD_KEY] ?? 'null');
  if (typeof rollout !== 'string' || !ROLLOUT.test(rollout)) return undefined;
  if (typeof started !== 'boolean' || typeof cordoned !== 'boolean') return undefined;
  return machine === id ? { rollout, machine: id, started, cordoned } : undefined;
}
