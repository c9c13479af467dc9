import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exclusively } from '../../src/setup/lock.mjs';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layover-lock-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('under one lock no two pieces of work overlap, and nothing is left of it', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all([1, 2, 3, 4, 5].map(() => exclusively(join(folder, 'a.lock'), work)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('work that throws gives the lock back', async () => {
  const lock = join(folder, 'b.lock');
  await expect(exclusively(lock, () => Promise.reject(new Error('broke')))).rejects.toThrow('broke');
  expect(await exclusively(lock, () => Promise.resolve('next'))).toBe('next');
});
