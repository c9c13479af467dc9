import { digits, type Random } from './random.js';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const HEX = '0123456789abcdef';
const ADJECTIVES = ['quiet', 'bold', 'lively', 'summer', 'autumn', 'late', 'long', 'cold', 'misty', 'silent'];
const NOUNS = ['river', 'field', 'leaf', 'wave', 'sun', 'hill', 'smoke', 'bird', 'night', 'cloud'];

/** Makes the identifiers of one world. */
export interface Ids {
  /** A ULID whose time part is `nowMs`; later ones of the same millisecond sort after earlier ones. */
  ulid(nowMs: number): string;
  /** 14 hex digits, like Fly's. */
  machineId(): string;
  machineName(): string;
  nonce(): string;
  /** A short opaque value for the affinity cookie. */
  affinity(): string;
}

/** The identifiers of one world, all out of its seed. */
export function createIds(random: Random): Ids {
  let minted = 0;
  return {
    ulid(nowMs) {
      minted += 1;
      return base32(nowMs, 10) + base32(minted, 4) + digits(random, CROCKFORD, 12);
    },
    machineId: () => digits(random, HEX, 14),
    machineName: () => `${pick(random, ADJECTIVES)}-${pick(random, NOUNS)}-${digits(random, '0123456789', 4)}`,
    nonce: () => digits(random, HEX, 12),
    affinity: () => digits(random, HEX, 16),
  };
}

/** Fly shows the owner of a lease as `<uuid>@tokens.fly.io`; ours follows from the token, so a token keeps its name. */
export function ownerOf(token: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < token.length; i += 1) hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193) >>> 0;
  const hex = hash.toString(16).padStart(8, '0');
  return `${hex}-0000-4000-8000-0000${hex}@tokens.fly.io`;
}

function base32(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) text = CROCKFORD[rest % 32] + text;
  return text;
}

function pick(random: Random, words: readonly string[]): string {
  return words[Math.floor(random.next() * words.length)] ?? '';
}
