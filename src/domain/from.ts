/** What a machine was before the first write of a change, as its record says. */
export interface From {
  readonly version: string;
  readonly state: string;
  /** It may go back while it works: whoever wrote it updates working machines where they are. */
  readonly inPlace: boolean;
}

const IN_PLACE = 'in-place';

/** `<version> <state>`, with ` in-place` where working machines are updated where they are. */
export const fromText = ({ version, state, inPlace }: From): string =>
  `${version} ${state}${inPlace ? ` ${IN_PLACE}` : ''}`;

/** What the metadata says; undefined where there is nothing, or somebody else's text. */
export function readFrom(text: string | undefined): From | undefined {
  const [version, state, how, ...more] = text?.split(' ') ?? [];
  if (!version || !state || more.length > 0 || (how !== undefined && how !== IN_PLACE)) return undefined;
  return { version, state, inPlace: how === IN_PLACE };
}
