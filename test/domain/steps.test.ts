import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileCanary, regionProblems, sayEyes } from '../../src/domain/compile-canary.js';
import { onJudged } from '../../src/domain/judging.js';
import { bakeEnd, isStepDone, onAdvanced, stepOf } from '../../src/domain/progress.js';
import type { RolloutState } from '../../src/domain/state.js';
import type { ApprovalStep, BakeStep, Step } from '../../src/domain/steps.js';
import { onTurned } from '../../src/domain/turn.js';
import { applyVerb, type Verb } from '../../src/domain/verbs.js';
import type { CanaryInput } from '../../src/input/types.js';
import { context, MINUTE, NOW, plan, pool, seen, state } from './build.js';

const input = (more: Partial<CanaryInput> = {}): CanaryInput => ({
  type: 'regionalCanary',
  app: 'shop',
  unmanaged: 'leave',
  suspended: 'leave',
  healthy: { forMs: 10_000, withinMs: 300_000 },
  maxUnavailable: { share: 0.33 },
  ramp: 3,
  dryRun: false,
  ifRunning: 'refuse',
  maxFailed: { share: 0.1 },
  onFailure: 'pause',
  allowOtherRepository: false,
  batches: [{ count: 2 }],
  bakeMs: 10 * MINUTE,
  gates: [],
  ...more,
});

const names = (steps: readonly Step[]): string[] => steps.map(({ name }) => name);

describe('a canary is compiled', () => {
  const counts = [
    { region: 'ord', working: 9 },
    { region: 'ams', working: 1 },
    { region: 'dfw', working: 4 },
  ];

  test('to batches, rest, bake and approval for each entry, and a closing pass; nobody is asked after the last', () => {
    const entries = [['ams'], ['dfw', 'ord']] as CanaryInput['entries'];
    const steps = compileCanary(input({ ...(entries && { entries }), approvalMs: 1 }), counts, 'updates');
    expect(names(steps)).toEqual([
      'ams:batch-1',
      'ams:rest',
      'ams:bake',
      'ams:approval',
      'dfw+ord:batch-1',
      'dfw+ord:rest',
      'dfw+ord:bake',
      'late',
      'late:bake',
      'closing',
    ]);
  });

  test('to the smallest region first where none is named, and to nothing but a look where all is done', () => {
    expect(names(compileCanary(input(), counts, 'updates')).filter((name) => name.endsWith('bake'))).toEqual([
      'ams:bake',
      'dfw:bake',
      'ord:bake',
      'late:bake',
    ]);
    expect(names(compileCanary(input(), counts, 'nothing'))).toEqual(['late', 'late:bake', 'closing']);
  });

  test('with batches that grow, each with those before it counted in, and none beyond what works there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.array(
          fc.oneof(
            fc.record({ count: fc.integer({ min: 1, max: 20 }) }),
            fc.record({ share: fc.constantFrom(0.1, 0.5, 1) }),
          ),
          { maxLength: 5 },
        ),
        (working, batches) => {
          const steps = compileCanary(input({ batches }), [{ region: 'ams', working }], 'updates');
          const sizes = steps.flatMap((step) =>
            step.kind === 'update' && step.batch !== undefined ? [step.batch] : [],
          );
          expect(sizes).toEqual([...new Set(sizes)].toSorted((a, b) => a - b));
          expect(sizes.every((size) => size >= 1 && size <= working)).toBe(true);
        },
      ),
    );
  });

  test('a region without selected machines is a problem with a name', () => {
    expect(regionProblems(input({ entries: [['xxx']] as CanaryInput['entries'] & object }), counts)).toEqual([
      'regions: "xxx" has no selected machine; there are some in ams, dfw, ord',
    ]);
  });

  test('and says what so many machines can see', () => {
    expect(sayEyes(1)).toBe('1 machine finds a fault that hits half of them with 50 %');
    expect(sayEyes(2)).toBe('2 machines find a fault that hits half of them with 75 %');
    expect(sayEyes(7)).toBe('7 machines find a fault that hits half of them with 99.2 %');
  });
});

const GATE = { kind: 'http', name: 'http:checkout' } as const;
const BAKE: BakeStep = { kind: 'bake', name: 'ams:bake', scope: {}, ms: 10 * MINUTE, gates: [GATE] };
const APPROVAL: ApprovalStep = { kind: 'approval', name: 'ams:approval', scope: {}, ms: 60 * MINUTE };
const CLOSING: Step = { kind: 'update', name: 'closing', scope: {} };

/** A canary in its first step, with nothing in flight. */
const at = (step: Step, more: Partial<RolloutState> = {}): RolloutState =>
  state({ plan: plan({ steps: [step, CLOSING], context: context({ inPlace: true }) }), ...more });

const END = NOW + BAKE.ms;
const judged = (from: RolloutState, verdict: 'PASS' | 'FAIL' | 'NONE' | 'ERROR', when: number) =>
  onJudged(from, { name: GATE.name, verdict, says: 'x', at: when }, when);

const say = (from: RolloutState, verb: Verb, told: object | undefined, now: number) => applyVerb(from, verb, told, now);
const said = (from: RolloutState, verb: Verb, told: object | undefined, now: number): RolloutState => {
  const answer = say(from, verb, told, now);
  if (!answer.ok) throw new Error(answer.refusal);
  return answer.state;
};

describe('a bake', () => {
  const fresh = (from: RolloutState, when: number) => ({ ...from, seen: seen({ at: when, pools: [pool({ up: 2 })] }) });

  test('is done when it was long enough, a look is fresh, and every gate has passed since', () => {
    const passed = judged(at(BAKE), 'PASS', END);
    expect(isStepDone(fresh(passed, END), END)).toBe(true);
    expect(isStepDone(fresh(passed, END - 1), END)).toBe(false);
    expect(isStepDone(fresh(judged(at(BAKE), 'PASS', END - 1), END), END)).toBe(false);
    expect(isStepDone(fresh(at(BAKE), END), END)).toBe(false);
  });

  test('halts at a FAIL, whenever it comes, and only its end makes NONE and ERROR count', () => {
    expect(judged(at(BAKE), 'FAIL', NOW + 1).pause?.code).toBe('gate_failed');
    expect(judged(at(BAKE), 'NONE', NOW + 1).pause).toBeUndefined();
    expect(judged(at(BAKE), 'ERROR', NOW + 1).pause).toBeUndefined();
    expect(judged(at(BAKE), 'ERROR', END).pause?.code).toBe('judge_unavailable');
  });

  test('gets longer for a NONE at its end, three times as long at most, and pauses then', () => {
    let now = at(BAKE);
    for (let tries = 0; now.pause === undefined && tries < 10; tries += 1)
      now = judged(now, 'NONE', bakeEnd(now, BAKE));
    expect(now.pause).toMatchObject({ code: 'gate_silent', since: NOW + 3 * BAKE.ms });
  });

  test('turns back at a FAIL where the input says so', () => {
    const turning = at(BAKE);
    const back = judged({ ...turning, plan: { ...turning.plan, onFailure: 'rollback' } }, 'FAIL', NOW + 1);
    expect(back.pause).toBeUndefined();
    expect(back.turned?.says).toContain('gate http:checkout of ams:bake: FAIL');
  });

  test('ended by a person asks its gates from then on, and stands still while paused', () => {
    const early = said(at(BAKE), 'proceed', { at: 'ams:bake' }, NOW + MINUTE);
    expect(bakeEnd(early, BAKE)).toBe(NOW + MINUTE);
    expect(isStepDone(fresh(early, NOW + MINUTE), NOW + MINUTE)).toBe(false);
    const paused = said(said(at(BAKE), 'pause', undefined, NOW + MINUTE), 'resume', undefined, NOW + 31 * MINUTE);
    expect(bakeEnd(paused, BAKE)).toBe(END + 30 * MINUTE);
  });

  test('ended by a person during a long pause it waits anew for a gate that has nothing to say', () => {
    const ended = said(said(at(BAKE), 'pause', undefined, NOW), 'proceed', { at: 'ams:bake' }, NOW + MINUTE);
    const resumed = said(ended, 'resume', undefined, NOW + 60 * MINUTE);
    const silent = judged(resumed, 'NONE', NOW + 61 * MINUTE);
    expect(bakeEnd(silent, BAKE)).toBeGreaterThan(NOW + 61 * MINUTE);
    expect(silent.pause).toBeUndefined();
  });

  test('resumed takes what failed or was silent as it is, and asks again what could not judge', () => {
    const failed = said(judged(at(BAKE), 'FAIL', END), 'resume', undefined, END + 1);
    expect(failed.step.gates[GATE.name]?.accepted).toBe(true);
    const broken = said(judged(at(BAKE), 'ERROR', END), 'resume', undefined, END + 1);
    expect(broken.step.gates[GATE.name]?.accepted).toBeUndefined();
  });
});

describe('an approval', () => {
  test('is given by its name alone; given twice it is one; another name is refused with the one that waits', () => {
    const given = said(at(APPROVAL), 'proceed', { at: 'ams:approval' }, NOW + 1);
    expect(isStepDone(given, NOW + 1)).toBe(true);
    expect(said(given, 'proceed', { at: 'ams:approval' }, NOW + 2)).toBe(given);
    expect(say(at(APPROVAL), 'proceed', { at: 'ord:approval' }, NOW)).toMatchObject({
      refusal: 'ord:approval is not waiting; what waits now is ams:approval',
    });
    expect(say(at(CLOSING), 'proceed', { at: 'ams:approval' }, NOW)).toMatchObject({ ok: false });
    expect(say(at(APPROVAL), 'proceed', undefined, NOW)).toMatchObject({ ok: false });
  });

  test('given after the step has gone on is no second one, and no refusal', () => {
    const gone = onAdvanced(said(at(APPROVAL), 'proceed', { at: 'ams:approval' }, NOW + 1), NOW + 2);
    expect(stepOf(gone).name).toBe('closing');
    expect(said(gone, 'proceed', { at: 'ams:approval' }, NOW + 3)).toBe(gone);
  });
});

describe('the way back', () => {
  const away = state({ seen: seen({ pools: [pool({ left: 0, atTarget: 4 })] }) });

  test('begins anew: one step, its own mark, no failures, no ramp, half away, a day', () => {
    const turned = onTurned({ ...away, turned: { says: 'x', since: NOW, failed: {} } }, NOW + MINUTE);
    expect(turned.plan.context.rollout.hash).toBe(`back-${away.plan.context.rollout.hash}`);
    expect(turned.plan.context.back).toEqual({ hash: away.plan.context.rollout.hash, force: false, changed: [] });
    expect(turned.plan.context.maxUnavailable).toEqual({ share: 0.5 });
    expect(names(turned.plan.steps)).toEqual(['rollback']);
    expect(turned.plan.ramp).toBeUndefined();
    expect(turned.failed).toEqual({});
  });

  test('is not rolled back, is said twice for once, and is not cut short by a rollout that is to replace it', () => {
    const turning = said(away, 'rollback', { reason: 'slow' }, NOW);
    expect(said(turning, 'rollback', undefined, NOW + 1)).toBe(turning);
    expect(say(turning, 'abort', { spare: 'rollback' }, NOW)).toMatchObject({ ok: false });
    expect(say(turning, 'abort', undefined, NOW)).toMatchObject({ ok: true });
    const own = state({ plan: plan({ type: 'rollback' }) });
    expect(say(own, 'rollback', undefined, NOW)).toMatchObject({ ok: false });
  });
});
