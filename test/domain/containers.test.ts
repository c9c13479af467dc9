import { describe, expect, test } from 'vitest';
import {
  applyChange,
  type Change,
  containersOf,
  hasImage,
  joinDigests,
  parseImage,
  repositoryOf,
  targetText,
} from '../../src/domain/change.js';

const sha = (letter: string) => `sha256:${letter.repeat(64)}`;
const change: Change = {
  containers: { log: parseImage('registry.fly.io/log:v2'), api: parseImage('registry.fly.io/api:v2') },
};
const config = {
  image: 'registry.fly.io/pilot:v1',
  containers: [
    { name: 'api', image: 'registry.fly.io/api:v1', cmd: ['serve'] },
    { name: 'log', image: `registry.fly.io/log:v1@${sha('1')}` },
    { name: 'side', image: 'docker.io/library/redis:7' },
  ],
};
const pin = joinDigests({ log: sha('b'), api: sha('a') });
const written = applyChange(config, {
  change,
  pin,
  rollout: { hash: 'abcdef012345', start: 'first' },
  n: 0,
  before: { version: 'v', state: 'stopped', image: 'registry.fly.io/pilot:v1', digest: sha('9'), inPlace: false },
});

describe('a change of containers', () => {
  test('has an image, and one text for its repositories, its digests and its target', () => {
    expect(hasImage(change)).toBe(true);
    expect(repositoryOf(change)).toBe('api=registry.fly.io/api,log=registry.fly.io/log');
    expect(pin).toBe(`api=${sha('a')},log=${sha('b')}`);
    const target = `api=registry.fly.io/api:v2@${sha('a')}, log=registry.fly.io/log:v2@${sha('b')}`;
    expect(targetText(change, pin)).toBe(target);
  });

  test('writes the named ones by digest, and neither the others nor the machine’s own image', () => {
    expect(written.containers).toEqual([
      { name: 'api', image: `registry.fly.io/api:v2@${sha('a')}`, cmd: ['serve'] },
      { name: 'log', image: `registry.fly.io/log:v2@${sha('b')}` },
      { name: 'side', image: 'docker.io/library/redis:7' },
    ]);
    expect(written.image).toBe('registry.fly.io/pilot:v1');
  });

  test('what was written shows the pin, and what was there before shows another', () => {
    expect(containersOf(written, change)).toEqual({ digest: pin, repository: repositoryOf(change) });
    expect(containersOf(config, change)?.digest).not.toBe(pin);
  });

  test('a machine that lacks one of them shows nothing', () => {
    expect(containersOf({ containers: [{ name: 'api', image: 'registry.fly.io/api:v1' }] }, change)).toBeUndefined();
    expect(containersOf({}, change)).toBeUndefined();
  });
});
