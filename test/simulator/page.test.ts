import { expect, test } from 'vitest';
import { virtualClock } from '../../src/clock.js';
import { Action, EFFECTS, FAULT_OPS, parseScenario, Timing } from '../../src/simulator/scenario.js';
import { createSimulator } from '../../src/simulator/simulator.js';
import { textOf } from '../house/files.js';
import { lab, M1, oneMachine } from './support.js';

const page = textOf('docs/simulator.md');
/** A section of the page, by its heading. */
const section = (heading: string) => page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
const missing = (words: readonly string[], text: string) =>
  words.filter((word) => !new RegExp(`\\b${word}\\b`).test(text));

test('docs/simulator.md names every duration with its default', () => {
  const defaults = Object.entries(Timing.parse({}));
  const shown = Object.fromEntries(
    [...page.matchAll(/"(\w+Ms)": (\[\d+, \d+\]|\d+)/g)].map(([, name = '', value = '']) => [name, JSON.parse(value)]),
  );
  for (const [name, [min, max]] of defaults) {
    expect({ [name]: shown[name] as unknown }).toEqual({ [name]: min === max ? min : [min, max] });
  }
});

test('docs/simulator.md names every scripted happening, every call a fault may be on, and every effect', () => {
  expect(missing(Object.keys(Action.shape), section('Scenario'))).toEqual([]);
  expect(missing(FAULT_OPS, section('Faults'))).toEqual([]);
  expect(missing([...EFFECTS, 'delayMs'], section('Faults'))).toEqual([]);
});

test('the scenario that docs/simulator.md shows is one', () => {
  const [, shown = ''] = /```jsonc\n([^]*?)```/.exec(page) ?? [];
  const bare = shown.replaceAll(/\s+\/\/ .*$/gm, '').replace('sha256:…', `sha256:${'0'.repeat(64)}`);
  const scenario = parseScenario(JSON.parse(bare));
  expect(scenario.apps[0]?.machines[0]).toMatchObject({ count: 20, job: { onStop: 'ignore' } });
  expect(createSimulator({ scenario, clock: virtualClock(0) }).machines('encoder')).toHaveLength(20);
});

test('docs/simulator.md says how many commands of flyctl are replayed', () => {
  const commands = textOf('test/simulator/flyctl-requests.jsonl').trim().split('\n').length;
  expect(section('What it answers')).toContain(`${commands} recorded flyctl commands`);
});

test('docs/simulator.md names every control call', async () => {
  const { raw } = lab(oneMachine());
  const listed = async (path: string) => {
    const { text } = await raw('POST', path);
    return (/one of (.*)"/.exec(text)?.[1] ?? '').split(', ').map((name) => name.split(' ').pop() ?? '');
  };
  const names = [...(await listed('/_simulator/nothing')), ...(await listed(`/_simulator/machines/${M1}/nothing`))];
  expect(names.length).toBeGreaterThan(12);
  expect(missing(names, section('Control'))).toEqual([]);
});
