/** Looks for a text wherever it may hide in what programs keep and say. */

/** Where it was found, and how much was searched. */
export interface Search {
  readonly says: string;
  readonly texts: number;
  readonly bytes: number;
  readonly hits: readonly string[];
}

const AROUND = 60;

/** A text as it is, and inside any base64: three alignments, without the ends that depend on what stands beside it. */
export function disguises(text: string): string[] {
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.from(' '.repeat(shift) + text)
      .toString('base64')
      .slice(4, -4),
  );
  return [text, Buffer.from(text).toString('hex'), ...shifted];
}

/** Every text in a value, bytes read as text; keys too, which may carry one as well. */
export function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString('utf8');
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of value instanceof Map ? value : Object.entries(value)) {
      yield* textsIn(key);
      yield* textsIn(inner);
    }
  }
}

/** A search that goes on as texts come in, by the place they come from. */
export interface Searcher {
  look(place: string, value: unknown): void;
  readonly found: readonly Search[];
}

/** @param text what is looked for, in any of its disguises. */
export function searcherFor(text: string): Searcher {
  const needles = disguises(text);
  const places = new Map<string, { texts: number; bytes: number; hits: Set<string> }>();
  return {
    look(place, value) {
      const search = places.get(place) ?? { texts: 0, bytes: 0, hits: new Set() };
      places.set(place, search);
      for (const here of textsIn(value)) {
        search.texts += 1;
        search.bytes += here.length;
        const at = Math.max(...needles.map((needle) => here.indexOf(needle)));
        if (at >= 0) search.hits.add(here.slice(Math.max(0, at - AROUND), at + text.length + AROUND));
      }
    },
    get found() {
      return [...places].map(([says, { texts, bytes, hits }]) => ({ says, texts, bytes, hits: [...hits] }));
    },
  };
}
