/** A seeded stream of numbers: the simulator's only source of chance, so that the same seed gives the same world. */
export interface Random {
  /** The next number in [0, 1). */
  next(): number;
}

/** A range of milliseconds, both ends included. */
export type Span = readonly [min: number, max: number];

/** mulberry32: 32 bits of state, good enough for durations, and cheap enough to give each machine its own stream. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
    },
  };
}

/** A stream of its own for one thing (a machine, a fault), so that what one draws never shifts what another draws. */
export function forkRandom(seed: number, index: number): Random {
  return createRandom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35));
}

/** A whole number of milliseconds out of the span. */
export function draw(random: Random, [min, max]: Span): number {
  return Math.round(min + random.next() * (max - min));
}

/** `length` digits of an alphabet of at most 32; one number of the stream is enough for six of them. */
export function digits(random: Random, alphabet: string, length: number): string {
  let text = '';
  for (let pool = 0; text.length < length; pool = Math.floor(pool / alphabet.length)) {
    if (text.length % 6 === 0) pool = Math.floor(random.next() * 4_294_967_296);
    text += alphabet[pool % alphabet.length];
  }
  return text;
}
