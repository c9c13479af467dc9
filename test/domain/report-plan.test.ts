import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { notesOf } from '../../src/domain/plan-notes.js';
import type { PlanReport } from '../../src/domain/plan-report.js';
import { reportPlan } from '../../src/domain/report-plan.js';
import { sayPlan } from '../../src/domain/say-plan.js';
import { HOLD_KEY } from '../../src/domain/hold.js';
import type { Surveyed } from '../../src/domain/survey.js';
import type { Plan } from '../../src/domain/plan.js';
import * as draw from './arbitraries.js';
import { context, HASH, HOUR, M1, NEW, OTHER, plan } from './build.js';
import { findings, parts, some, surveyed } from './surveyed.js';

const STARTED = { state: 'started' } as const;
const HOLD = { rollout: `${HASH}.first`, machine: M1, started: true, cordoned: true };
const held = surveyed({ is: { metadata: { [HOLD_KEY]: JSON.stringify(HOLD) }, hold: HOLD } });

const notes = (fleet: readonly Surveyed[], more: Partial<Plan> = {}, pinNote?: string): string[] =>
  notesOf(findings(fleet, more, pinNote));

function report(fleet: readonly Surveyed[], more: Partial<Plan> = {}): PlanReport {
  const found = findings(fleet, { selected: fleet.length, ...more });
  return reportPlan({ ...found, plan: { ...found.plan, notes: notesOf(found) } });
}

const titles = (made: PlanReport): string[] => made.sections.map(({ title }) => title);
const sectionOf = (made: PlanReport, words: string) => made.sections.find(({ title }) => title.includes(words));
const IN_PLACE = { region: 'ord', group: 'worker' };

describe('the notes', () => {
  test('of an ordinary fleet are none', () => {
    expect(notes([...some(4), ...some(2, { is: STARTED }, 'b')])).toEqual([]);
  });

  test.each<[string, readonly Surveyed[], RegExp]>([
    ['a hold', [held], /^1 machine is held, .*: this one does, first \(a0000000000001\)$/],
    [
      'machines that never rest',
      some(2, { is: STARTED, rests: 'never' }),
      /^2 working machines never rest without being stopped .*"forceAfter"/,
    ],
    ['several images', [surveyed(), surveyed({ image: 'other' })], /^the machines off target run 2 different images$/],
    [
      'groups that are not alike',
      [surveyed(), surveyed({ parts: parts({ env: { A: 1 } }) })],
      /^machines of one process group are not alike: worker$/,
    ],
    [
      'an earlier start',
      [surveyed({ is: { mark: `${HASH}.early#1`, digest: NEW } })],
      /^continues an earlier start of this change \(abcdef012345\.early\): 1 machine carries its mark$/,
    ],
    ['unmanaged machines', some(2, { is: { managed: false } }), /^2 machines without fly_platform_version=v2 are left/],
    ['suspended machines', some(1, { is: { state: 'suspended' } }), /^1 suspended machine is left while suspended/],
    ['lost hosts', some(1, { is: { hostOk: false } }), /^1 machine sits on a host that is not ok: it is waited for/],
  ])('tell of %s', (_what, fleet, says) => {
    expect(notes(fleet)).toEqual([expect.stringMatching(says)]);
  });

  test('tell that suspended machines which are taken along lose their memory', () => {
    const within = context({ suspended: 'update' });
    const fleet = some(2, { is: { state: 'suspended' }, in: within });
    expect(notes(fleet, { context: within })).toEqual(['2 suspended machines are updated and lose their memory']);
  });

  test('tell of a deadline that cannot be kept', () => {
    expect(notes(some(100), { deadlineMs: 2_000 })).toEqual([
      'the deadline of 2s is too short: the idle machines alone take 3s at the least',
    ]);
    expect(notes(some(100), { deadlineMs: 3_000 })).toEqual([]);
  });

  test('put what is wrong before what is merely left', () => {
    const fleet = [held, ...some(1, { is: { managed: false } }, 'b'), ...some(1, { is: STARTED, rests: 'never' }, 'c')];
    const told = notes(fleet, { unlisted: 3, attributes: [] }, 'the registry was silent');
    const words = [
      '3 machines more',
      'is held',
      'never rest',
      'registry',
      'fly_platform_version',
      'no search attribute',
    ];
    expect(words.map((word) => told.findIndex((note) => note.includes(word)))).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('the headline and the machines', () => {
  test('count every selected machine once, and name what keeps one from its update', () => {
    const fleet = [
      ...some(2, {}, 'a'),
      ...some(1, { is: STARTED }, 'b'),
      ...some(1, { is: { digest: NEW } }, 'c'),
      ...some(1, { is: { hostOk: false } }, 'd'),
      ...some(1, { is: { digest: OTHER } }, 'e'),
    ];
    expect(report(fleet).headline).toBe(
      '6 machines selected: 1 at target, 2 idle and updated first, 1 working and updated when they stop, 1 foreign and left, 1 on hosts that are not ok',
    );
    expect(report(fleet).counts).toEqual({ ready: 2, straggler: 1, atTarget: 1, unreachable: 1, foreign: 1 });
    const order = report(fleet).machines.map(({ standing, step }) => [standing, step]);
    expect(order).toEqual([
      ['ready', 1],
      ['ready', 1],
      ['foreign', undefined],
      ['unreachable', undefined],
      ['straggler', undefined],
      ['atTarget', undefined],
    ]);
  });

  test('name two hundred of the selection at most, those to be updated first', () => {
    const made = report([...some(300, { is: STARTED }, 'a'), ...some(150, {}, 'b')]);
    expect(made.machines).toHaveLength(200);
    expect(made.machines.filter(({ standing }) => standing === 'ready')).toHaveLength(150);
    expect(made.machines.findIndex(({ standing }) => standing !== 'ready')).toBe(150);
  });
});

describe('the sections', () => {
  test('of an ordinary fleet: order, images, time, and what Fly believes', () => {
    expect(titles(report(some(4)))).toEqual([
      'Order',
      'Images in the fleet now',
      'Shortest possible time',
      'What Fly goes on believing',
    ]);
  });

  test('begin with what is wrong', () => {
    const fleet = [
      held,
      surveyed({ is: { ...STARTED, id: 'b' }, rests: 'never', parts: parts({ env: { A: 1 } }) }),
      surveyed({ is: { id: 'c', digest: NEW, mark: `${HASH}.early#0` } }),
      surveyed({ is: { id: 'd', managed: false } }),
      surveyed({ is: { id: 'e' }, cordoned: true }),
    ];
    expect(titles(report(fleet))).toEqual([
      'Held: cordoned or stopped by a rollout that could not put them right',
      'Will not rest by themselves',
      'Not alike inside a process group',
      'Earlier starts of this change',
      'Order',
      'Left, or waited for',
      'Unusual machines that are not left',
      'Images in the fleet now',
      'Shortest possible time',
      'What Fly goes on believing',
    ]);
  });

  test('say of a hold who left it and what the machine was', () => {
    expect(sectionOf(report([held]), 'Held')?.rows).toEqual([
      {
        machine: M1,
        region: 'ord',
        state: 'stopped',
        'what then': 'put right',
        'left by': `${HASH}.first`,
        'was before': 'started, cordoned',
      },
    ]);
    const unread = surveyed({ is: { metadata: { [HOLD_KEY]: 'sesame' } } });
    expect(sectionOf(report([unread]), 'Held')?.rows).toMatchObject([
      { 'what then': 'left', 'left by': 'its note cannot be read, or is another machine’s' },
    ]);
  });

  test('count the machines that never rest by place', () => {
    const fleet = [...some(3, { is: STARTED, rests: 'never' }), ...some(2, { is: STARTED, serves: true }, 'b')];
    const section = sectionOf(report(fleet), 'Will not rest');
    expect(section?.rows).toMatchObject([{ ...IN_PLACE, machines: 3 }]);
    expect(section?.lines[0]).toMatch(/^3 machines started, with restart policy "always" .* \(with "forceAfter" /);
    const forced = sectionOf(report(fleet, { forceAfterMs: 6 * HOUR }), 'Will not rest');
    expect(forced?.lines[0]).toMatch(
      /they are stopped 6h after their last start, and no sooner after this rollout’s \("forceAfter"\)\.$/,
    );
    expect(section?.lines[1]).toMatch(/^2 machines started, with services and without autostop/);
  });

  test('say who has what others have not, and how many forms there are of what all have', () => {
    const fleet = [{ A: 1, B: 1 }, { B: 2 }, { B: 2 }].map((env, n) =>
      surveyed({ is: { id: `${n}` }, parts: parts({ env }) }),
    );
    expect(sectionOf(report(fleet), 'Not alike')?.rows).toEqual([
      { group: 'worker', what: 'env', name: 'A', 'machines that have it': '1 of 3' },
      { group: 'worker', what: 'env', name: 'B', 'machines that have it': 'all 3, in 2 forms' },
    ]);
  });

  test('say of an earlier start how far it got', () => {
    const marked = { mark: `${HASH}.early#0` };
    const fleet = [...some(2, { is: { ...marked, digest: NEW } }), ...some(1, { is: marked }, 'b')];
    expect(sectionOf(report(fleet), 'Earlier')?.rows).toEqual([
      { start: `${HASH}.early`, machines: 3, 'at target': 2 },
    ]);
  });

  test('say why machines are left, and what takes them', () => {
    const within = context({ selection: { except: { machines: ['c0000000000000'] } } });
    const fleet = [
      ...some(12, { is: { managed: false } }),
      ...some(1, { is: { state: 'suspended' } }, 'b'),
      ...some(1, { in: within }, 'c'),
    ];
    const rows = sectionOf(report(fleet, { context: within }), 'Left')?.rows;
    expect(rows).toMatchObject([
      { machines: 12, 'what then': '"unmanaged": "include" takes them' },
      { machines: 1, 'what then': expect.stringContaining('"suspended": "update" takes them') as string },
      { machines: 1, because: 'only/except leave it out', ids: 'c0000000000000' },
    ]);
    expect(rows?.[0]?.['ids']).toMatch(/^a0000000000000, .* and 4 more$/);
  });

  test('say what is out of the ordinary about machines that are taken along', () => {
    const within = context({ suspended: 'update', unmanaged: 'include' });
    const fleet = [
      ...some(1, { is: { state: 'suspended' }, in: within }, 'a'),
      ...some(2, { is: { managed: false }, in: within }, 'b'),
      ...some(3, { cordoned: true }, 'c'),
      ...some(1, { cordoned: true, is: { state: 'destroyed' } }, 'f'),
      ...some(4, { is: { onlyIdle: 'scheduled' } }, 'd'),
      ...some(5, {}, 'e'),
    ];
    const rows = sectionOf(report(fleet, { context: within }), 'Unusual')?.rows;
    expect(rows?.map((row) => [row['what'], row['machines']])).toEqual([
      ['suspended', 1],
      ['unmanaged', 2],
      ['cordoned', 3],
      ['scheduled or standby', 4],
    ]);
  });

  test('say which image is the target', () => {
    const fleet = [...some(2, {}, 'a'), ...some(1, { image: 'v2', is: { digest: NEW, group: 'web' } }, 'b')];
    expect(sectionOf(report(fleet), 'Images')?.rows).toMatchObject([
      { machines: 2, groups: 'worker 2', is: '' },
      { image: 'v2', machines: 1, groups: 'web 1', is: 'the target' },
    ]);
  });

  test('name what Fly’s own tools will do with the old release', () => {
    const fleet = some(3, { is: { metadata: { fly_release_version: '41' } } });
    const lines = sectionOf(report(fleet), 'believing')?.lines.join('\n');
    expect(lines).toContain('Machines name release 41 (3).');
    expect(lines).toContain('it may create machines with the old image. While the sweep runs');
    const env = report(fleet, { context: context({ change: { env: { A: '1' } } }) });
    expect(sectionOf(env, 'believing')?.lines.join('\n')).toContain('with the old env. While');
  });

  test('of thousands of rows show the first, and count the rest', () => {
    const fleet = some(100).map((one, n) => ({ ...one, image: `image-${n}` }));
    const section = sectionOf(report(fleet), 'Images');
    expect(section?.rows).toHaveLength(25);
    expect(section?.lines).toEqual(['and 75 more rows']);
  });
});

describe('of any fleet', () => {
  const fleets = fc.uniqueArray(draw.facts, { maxLength: 30, selector: ({ id }) => id });

  test('all rows of a section have the same keys, and every machine is counted once', () => {
    fc.assert(
      fc.property(fleets, (facts) => {
        const fleet = facts.map((is) => surveyed({ is }));
        const made = report(fleet);
        for (const { rows } of made.sections) {
          expect(new Set(rows.map((row) => Object.keys(row).join())).size).toBeLessThanOrEqual(1);
        }
        expect(Object.values(made.counts).reduce((sum, count) => sum + count, 0)).toBe(fleet.length);
      }),
    );
  });

  test('the text has every note, every title and every machine of the report', () => {
    fc.assert(
      fc.property(fleets, (facts) => {
        const made = report(facts.map((is) => surveyed({ is })));
        const said = sayPlan(made);
        expect(said[0]).toBe(made.headline);
        expect(said).toEqual(expect.arrayContaining([...made.notes.map((note) => `! ${note}`), ...titles(made)]));
        for (const { id } of made.machines) expect(said.some((line) => line.includes(id))).toBe(true);
      }),
    );
  });
});

test('a table of the text has its columns aligned under their heads, numbers to the right', () => {
  const rows = [
    { group: 'worker', machines: 7 },
    { group: 'web', machines: 1_200 },
  ];
  const made: PlanReport = { ...report([]), sections: [{ title: 'Title', lines: ['A line.'], rows }] };
  expect(sayPlan({ ...made, notes: [] }).slice(3, 9)).toEqual([
    '',
    'Title',
    '  A line.',
    '  group   machines',
    '  worker         7',
    '  web         1200',
  ]);
  expect(plan().target).toBe(made.target);
});
