import { expect, test } from 'vitest';
import { onJudged } from '../../src/domain/judging.js';
import { bakeEnd, openGates } from '../../src/domain/progress.js';
import type { BakeStep } from '../../src/domain/steps.js';
import { applyVerb } from '../../src/domain/verbs.js';
import { MINUTE, NOW, plan, state } from './build.js';

test('resume after gate_silent goes on without the gate that it names, and still asks the others', () => {
  const gates: BakeStep['gates'] = ['a', 'b'].map((name) => ({ kind: 'http', name: `http:${name}` }));
  const step: BakeStep = { kind: 'bake', name: 'ams:bake', scope: {}, ms: 10 * MINUTE, gates };
  let now = state({
    plan: plan({ steps: [step, step] }),
    step: { index: 0, since: NOW, pausedMs: 0, extendedMs: 0, gates: {} },
  });
  const judge = (name: string, at: number) => {
    now = onJudged(now, { name, verdict: 'NONE', says: 'too few', at }, at);
  };
  judge('http:b', NOW + MINUTE); // early: no samples yet
  while (now.pause === undefined) judge('http:a', bakeEnd(now, step));
  expect(now.pause.says).toContain('http:a');
  expect(now.pause.says).not.toContain('http:b');
  const answer = applyVerb(now, 'resume', {}, NOW + 60 * MINUTE);
  if (!answer.ok) throw new Error(answer.refusal);
  expect(openGates(answer.state, step).map(({ name }) => name)).toEqual(['http:b']);
});
