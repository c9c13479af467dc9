import { expect, test } from 'vitest';
import { parseScenario, ScenarioError } from '../../src/simulator/scenario.js';

function problemsOf(json: unknown): readonly string[] {
  try {
    parseScenario(json);
    return [];
  } catch (reason) {
    return reason instanceof ScenarioError ? reason.problems : [String(reason)];
  }
}

test('an empty scenario is a world without apps', () => {
  expect(parseScenario({})).toMatchObject({ seed: 1, apps: [], timing: { replaceMs: [1000, 3000] } });
});

test('a duration is a number or a range', () => {
  const { timing } = parseScenario({ timing: { bootMs: 5, stopMs: [1, 2] } });
  expect(timing).toMatchObject({ bootMs: [5, 5], stopMs: [1, 2] });
});

test('every problem is named with its path, unknown keys as well', () => {
  const problems = problemsOf({
    speed: 1,
    apps: [{ name: 'a', machines: [{ image: 'x', state: 'flying' }] }],
    faults: [
      { on: 'get', effect: { cut: true, late408: true } },
      { on: 'gte', effect: { cut: true } },
    ],
    at: [{ ms: 1, do: {} }],
  });
  expect(problems).toHaveLength(5);
  const text = problems.join('\n');
  expect(text).toContain('(top): Unrecognized key: "speed"');
  expect(text).toContain('apps.0.machines.0.state: ');
  expect(text).toContain('faults.0.effect: name one effect');
  expect(text).toContain('faults.1.on: one of any, list');
  expect(text).toContain('at.0.do: exactly one happening');
});

test('an effect must be named', () => {
  expect(problemsOf({ faults: [{ on: 'get', effect: {} }] })).toEqual(['faults.0.effect: name an effect']);
});
