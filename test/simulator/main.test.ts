import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSimulator } from '../../src/simulator/main.js';
import { oneMachine } from './support.js';

function streams() {
  const said = { out: '', err: '' };
  const stdout = { write: (text: string) => (said.out += text) };
  const stderr = { write: (text: string) => (said.err += text) };
  return { said, stdout, stderr };
}

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'simulator-')), 'scenario.json');
  writeFileSync(path, text);
  return path;
}

test('the program serves a scenario and says where', async () => {
  const io = streams();
  const listening = await runSimulator(['--scenario', file(JSON.stringify(oneMachine())), '--exit-with-parent'], io);
  expect(io.said.out).toBe(`simulator listening on http://127.0.0.1:${listening?.port}\n`);
  const reply = await fetch(`http://127.0.0.1:${listening?.port}/_simulator/machines`);
  expect(await reply.json()).toHaveLength(1);
  await listening?.close();
});

test('wrong arguments and wrong scenarios are explained', async () => {
  const said = async (args: string[]) => {
    const io = streams();
    expect(await runSimulator(args, io)).toBeUndefined();
    return io.said.err;
  };
  expect(await said([])).toContain('--scenario FILE is missing');
  expect(await said(['--scenario', file('{"sed":1}')])).toContain('(top): Unrecognized key: "sed"');
  expect(await said(['--wrong'])).toContain('usage: ');
});
