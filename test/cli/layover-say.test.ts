import { describe, expect, test } from 'vitest';
import { plain, sayLength, table } from '../../src/cli/text.js';
import type { Answer, StatusAnswer } from '../../src/cli/ask-status.js';
import type { MachineRecord } from '../../src/cli/from-fly.js';
import type { Outside } from '../../src/cli/outside.js';
import { sayFleet } from '../../src/cli/say-fleet.js';
import { createPicture } from '../../src/cli/screen.js';
import { watchStatus } from '../../src/cli/watch-status.js';

test('a large fleet is shown by its counts and its first machines; every machine that is not well is named', () => {
  const machines: MachineRecord[] = Array.from({ length: 1_000 }, (_, n) => ({
    id: `m${n}`,
    region: 'ord',
    group: 'app',
    state: 'started',
    version: `v${n}`,
    image: 'registry.fly.io/encoder:v1',
    ...(n === 999 ? { failing: 'ran out of memory' } : {}),
  }));
  const lines = sayFleet({ app: 'encoder', machines });
  expect(lines.length).toBeLessThan(220);
  expect(lines).toContain('      1000  registry.fly.io/encoder:v1');
  expect(lines).toContain('  m999 ord app: ran out of memory');
  expect(lines.at(-1)).toBe('  and 800 more (--json has them all)');
});

describe('text that comes from elsewhere', () => {
  test('cannot move the cursor, hide a line or begin a new one', () => {
    expect(plain('a\u001b[2Jb\r\nc\u0007\u009bd')).toBe('a [2Jb c d');
    expect(table(['x'], [['a\u001b[31m\n']])).toEqual(['x', 'a [31m']);
  });

  test.each([
    [0, '0s'],
    [59_999, '59s'],
    [61_000, '1m 1s'],
    [3_600_000, '1h 0m'],
    [90_061_000, '1d 1h'],
    [-5, '0s'],
  ])('%d ms are %s', (ms, says) => {
    expect(sayLength(ms)).toBe(says);
  });
});

describe('a watch on a terminal', () => {
  const status: StatusAnswer = { app: 'encoder', type: 'stoppedSweep', phase: 'running', message: 'waiting for one' };
  const away: Answer = { kind: 'away', says: 'does not answer', final: false };
  const ended: Answer = { kind: 'ended', how: 'COMPLETED', at: '2026-01-01T00:00:00.000Z', says: 'all at target' };

  test('keeps the last status in sight while nobody answers, and says whose it is', async () => {
    const pictures: string[] = [];
    const outside: Outside = {
      env: {},
      clock: { now: () => Date.UTC(2026, 0, 1), sleep: () => Promise.resolve() },
      screen: { isTerminal: true, columns: 200, rows: 60, write: (text) => void pictures.push(text) },
      say: () => undefined,
      complain: () => undefined,
      readStdin: () => Promise.resolve(''),
      untilStopped: () => new AbortController().signal,
    };
    const answers: Answer[] = [{ kind: 'running', status }, away, ended];
    const ask = () => Promise.resolve(answers.shift() ?? ended);
    expect(await watchStatus({ app: 'encoder', address: 'temporal:7233', ask, json: false }, outside)).toBe(0);
    expect(pictures[1]).toMatch(
      /Temporal at temporal:7233 does not answer[^]*as it was at 2026-01-01[^]*waiting for one/,
    );
    expect(pictures[2]).not.toContain('waiting for one');
  });
});

describe('a picture', () => {
  const screen = (columns: number, rows: number) => {
    const written: string[] = [];
    return { written, screen: { isTerminal: true, columns, rows, write: (text: string) => void written.push(text) } };
  };

  test('is drawn over the last one: as far up as that was tall, and what was below it is gone', () => {
    const { screen: on, written } = screen(100, 40);
    const draw = createPicture(on);
    draw(['one', 'two', 'three']);
    draw(['four']);
    expect(written[0]).not.toContain('A');
    expect(written[1]).toBe('\u001b[3A\u001b[2Kfour\n\u001b[0J');
  });

  test('is cut to the terminal, since a line that wraps, or scrolls, could not be drawn over', () => {
    const { screen: on, written } = screen(100, 30);
    createPicture(on)(Array.from({ length: 50 }, () => 'x'.repeat(300)));
    const lines = written[0]?.split('\n') ?? [];
    expect(lines).toHaveLength(30);
    expect(lines[0]).toBe(`\u001b[2K${'x'.repeat(99)}`);
  });
});
