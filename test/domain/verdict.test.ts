import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { observe } from '../../src/domain/fleet.js';
import type { Check, Life, MachineFacts } from '../../src/domain/machine.js';
import { type FailureCode, judge, type Verdict } from '../../src/domain/verdict.js';
import { contexts, facts } from './arbitraries.js';
import { context, M1, machine, MINUTE, NEW, NOW, view } from './build.js';

const START = NOW - 10 * MINUTE;

/** A machine that runs the new version since ten minutes. */
const runs = (more: Partial<MachineFacts> = {}): MachineFacts =>
  machine({ state: 'started', digest: NEW, life: { startedAt: START }, ...more });

const exited = (exit: Partial<NonNullable<Life['exit']>>, startedAt: number | undefined = START): MachineFacts =>
  runs({
    state: 'stopped',
    life: {
      ...(startedAt === undefined ? {} : { startedAt }),
      exit: { at: START + MINUTE, code: 0, requested: false, oom: false, looping: false, ...exit },
    },
  });

const check = (status: string, name = 'alive', since = START + MINUTE): Check => ({ name, status, since });
const verdict = (sample: MachineFacts, now = NOW): Verdict => judge(sample, context(), now);
const kind = (sample: MachineFacts, now = NOW): string => verdict(sample, now).kind;

function evidence(sample: MachineFacts, now = NOW): { code: FailureCode; says: string; at: number } {
  const found = verdict(sample, now);
  if (found.kind !== 'failed') throw new Error(`it is ${found.kind}`);
  return found.evidence;
}

describe('a machine that ended', () => {
  test('by itself and cleanly is verified', () => {
    expect(kind(exited({ code: 0 }))).toBe('verified');
  });

  test('by itself with a code has failed, with the code and Fly’s time of it as evidence', () => {
    expect(evidence(exited({ code: 3 }))).toEqual({
      code: 'exit_code',
      says: 'exited with code 3 on the new version',
      at: START + MINUTE,
    });
  });

  test('out of memory has failed for that reason, whatever its code and however often', () => {
    const says = { code: 'out_of_memory', says: 'ran out of memory on the new version', at: START + MINUTE };
    expect(evidence(exited({ oom: true, code: 0 }))).toEqual(says);
    expect(evidence(exited({ oom: true, code: 137, looping: true }))).toEqual(says);
  });

  test('again and again has failed as a crash loop', () => {
    expect(evidence(exited({ code: 1, looping: true }))).toEqual({
      code: 'crash_loop',
      says: 'exits with code 1 again and again on the new version',
      at: START + MINUTE,
    });
  });

  test('again and again with code 0 is no crash loop', () => {
    expect(kind(exited({ code: 0, looping: true }))).toBe('verified');
  });

  test('because it was told to has not failed, whatever its code', () => {
    expect(kind(exited({ requested: true, code: 137, at: START + 1_000 }))).toBe('idle');
    expect(kind(exited({ requested: true, code: 1, oom: true }))).toBe('idle');
    expect(kind(exited({ requested: true, code: 1, looping: true }))).toBe('idle');
  });

  test('because it was told to keeps what it had shown: it ran for long enough, and has no checks', () => {
    expect(kind(exited({ requested: true, at: START + 9_999 }))).toBe('idle');
    expect(kind(exited({ requested: true, at: START + 10_000 }))).toBe('verified');
    expect(kind({ ...exited({ requested: true }), checksConfigured: 1 })).toBe('idle');
  });

  test('before its newest start is judged by that start', () => {
    expect(kind({ ...exited({ code: 1, at: START - 1 }), state: 'started' })).toBe('verified');
    expect(evidence({ ...exited({ code: 1, at: START }), state: 'started' }).code).toBe('exit_code');
  });

  test('before its newest start in a crash loop has failed all the same: the restart is part of the loop', () => {
    expect(evidence({ ...exited({ code: 1, at: START - 1, looping: true }), state: 'started' }).code).toBe(
      'crash_loop',
    );
  });

  test('though no start of it was seen is judged by its exit', () => {
    const exit = { at: START, code: 2, requested: false, oom: false, looping: false };
    expect(evidence(runs({ state: 'stopped', life: { exit } })).code).toBe('exit_code');
  });
});

describe('a machine without checks', () => {
  test('that has not run the new version is idle: nothing is known of it', () => {
    expect(kind(machine({ digest: NEW }))).toBe('idle');
    expect(kind(machine({ digest: NEW, state: 'started', life: {} }))).toBe('idle');
  });

  test('is verified once it has run for as long as healthy.for, and not a moment earlier', () => {
    expect(kind(runs(), START + 9_999)).toBe('settling');
    expect(kind(runs(), START + 10_000)).toBe('verified');
  });

  test('is idle where it was suspended, whatever it did before', () => {
    for (const state of ['suspended', 'created', 'failed']) expect(kind(runs({ state }))).toBe('idle');
  });

  test('is settling between two states, and idle when stopped', () => {
    expect(kind(runs({ state: 'starting' }))).toBe('settling');
    expect(kind(runs({ state: 'stopped' }))).toBe('idle');
  });
});

describe('a machine with checks', () => {
  const checked = (checks: readonly Check[], checksConfigured = 1) => runs({ checksConfigured, checks });

  test('has passed when all that are configured report passing', () => {
    expect(kind(checked([check('passing')]))).toBe('passed');
    expect(kind(checked([check('passing'), check('passing', 'ready')], 2))).toBe('passed');
  });

  test('has passed as soon as they do, and settles as long as one does not, until healthy.within', () => {
    expect(kind(checked([check('passing')]), START + 1)).toBe('passed');
    expect(kind(checked([check('critical')]), START + 5 * MINUTE - 1)).toBe('settling');
    expect(evidence(checked([check('critical')]), START + 5 * MINUTE).code).toBe('checks');
  });

  test('that have not all reported has not passed', () => {
    expect(kind(checked([check('passing')], 2), START + MINUTE)).toBe('settling');
    expect(evidence(checked([check('passing')], 2))).toEqual({
      code: 'checks',
      says: '1 checks have not reported',
      at: NOW,
    });
    expect(evidence(checked([], 2)).says).toBe('2 checks have not reported');
  });

  test('that do not pass has failed, with each by name and status, and the time at which they still do not', () => {
    const checks = [
      check('critical', 'alive', START + 2),
      check('passing', 'ready'),
      check('warning', 'deep', START + 9),
    ];
    expect(evidence(checked(checks, 3))).toEqual({
      code: 'checks',
      says: 'checks do not pass: alive critical, deep warning',
      at: NOW,
    });
  });

  test('that was forgiven has its whole time again, and fails anew after it: forgiven is not passed', () => {
    const sample = checked([check('critical')]);
    expect(judge(sample, context(), NOW + MINUTE, NOW).kind).toBe('settling');
    expect(judge(sample, context(), NOW + 5 * MINUTE, NOW)).toMatchObject({
      kind: 'failed',
      evidence: { code: 'checks', at: NOW + 5 * MINUTE },
    });
  });

  test('is not judged by them while it does not run', () => {
    expect(kind({ ...checked([check('critical')]), state: 'stopped' })).toBe('idle');
    expect(kind({ ...checked([check('passing')]), state: 'stopping' })).toBe('settling');
  });

  test('that exited is judged by its exit, whatever its checks said last', () => {
    const exit = { at: NOW, code: 1, requested: false, oom: false, looping: false };
    const sample = { ...checked([check('passing')]), life: { startedAt: START, exit } };
    expect(evidence(sample).code).toBe('exit_code');
  });

  test('is said in a few words however many fail', () => {
    const checks = Array.from({ length: 40 }, (_, n) => check('critical', `servicecheck-${n}-http-8080`));
    expect(evidence(checked(checks, 40)).says).toMatch(
      /^checks do not pass: servicecheck-0-http-8080 critical, .* and 35 more$/,
    );
    expect(evidence(checked(checks, 40)).says.length).toBeLessThanOrEqual(300);
  });
});

describe('whatever a machine has done', () => {
  const any = [facts, contexts, fc.integer({ min: NOW - MINUTE, max: NOW + 10 * MINUTE })] as const;

  test('no checks configured never means passed', () => {
    fc.assert(
      fc.property(...any, (sample, about, now) => {
        const { kind: found } = judge({ ...sample, checksConfigured: 0, checks: [] }, about, now);
        expect(found).not.toBe('passed');
      }),
    );
  });

  test('a stop that was asked for is no failure, and proves something only after a run of its own', () => {
    fc.assert(
      fc.property(...any, fc.nat({ max: 255 }), (sample, about, now, code) => {
        const exit = { at: now, code, requested: true, oom: code % 2 === 0, looping: code % 3 === 0 };
        const idle = { ...sample, state: 'stopped', life: { ...sample.life, exit } };
        const { kind: found } = judge(idle, about, now);
        expect(['idle', 'verified']).toContain(found);
        const ran = now - (idle.life.startedAt ?? now);
        expect(found === 'verified' && ran < about.healthy.forMs).toBe(false);
      }),
    );
  });

  test('what has neither run nor exited is idle, and what is verified or passed has done one of them', () => {
    fc.assert(
      fc.property(...any, (sample, about, now) => {
        expect(judge({ ...sample, life: {} }, about, now).kind).toBe('idle');
        const healthy = ['passed', 'verified'].includes(judge(sample, about, now).kind);
        expect(healthy && Object.keys(sample.life).length === 0).toBe(false);
      }),
    );
  });

  test('a failure names a time at which something happened, so that forgiving it can tell it from the next', () => {
    fc.assert(
      fc.property(...any, (sample, about, now) => {
        const found = judge(sample, about, now);
        if (found.kind !== 'failed') return fc.pre(false);
        const { startedAt, exit } = sample.life;
        const times = found.evidence.code === 'checks' ? [now] : [startedAt, exit?.at];
        expect(times).toContain(found.evidence.at);
      }),
    );
  });
});

describe('evidence that a person forgave', () => {
  const crashed = exited({ code: 1, at: START + MINUTE });
  const sickOf = (sample: MachineFacts, forgiven: Record<string, number>, failed: string[] = []) =>
    observe([sample], context(), view({ failed, forgiven })).sick.map((sick) => sick.at);

  test('does not count again', () => {
    expect(sickOf(crashed, {})).toEqual([START + MINUTE]);
    expect(sickOf(crashed, { [M1]: START + MINUTE })).toEqual([]);
    expect(sickOf(crashed, { another: NOW })).toEqual([START + MINUTE]);
  });

  test('does not cover what came later', () => {
    expect(sickOf(crashed, { [M1]: START + MINUTE - 1 })).toEqual([START + MINUTE]);
  });

  test('of a machine that is known to have failed is not told again', () => {
    expect(sickOf(crashed, {}, [M1])).toEqual([]);
  });
});
