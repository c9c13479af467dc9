import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../src/fly/transport.js';
import { askPrometheus, fillQuery, type PrometheusGate } from '../../src/gates/prometheus.js';
import type { Question } from '../../src/gates/question.js';

const QUESTION: Question = {
  app: 'shop',
  regions: ['ams', 'dfw'],
  machines: ['a1', 'b2'],
  windowMs: 300_000,
  image: 'registry.fly.io/shop:v2',
  rollout: 'abc.def',
  step: 'ams:bake',
};

const GATE: PrometheusGate = { query: 'sum(errors{region=~"{{region}}"})', max: 0.01 };

type Sample = readonly [labels: Record<string, string>, value: string];

const vector = (...samples: Sample[]): string =>
  JSON.stringify({
    status: 'success',
    data: {
      resultType: 'vector',
      result: samples.map(([metric, value]) => ({ metric, value: [1_700_000_000, value] })),
    },
  });

/** Asks a server that gives these answers, one after another. */
async function ask(gate: PrometheusGate, ...answers: (string | { status: number; body?: string } | Error)[]) {
  const asked: HttpRequest[] = [];
  const transport = (request: HttpRequest) => {
    asked.push(request);
    const answer = answers[asked.length - 1] ?? answers.at(-1) ?? new Error('no answer');
    if (answer instanceof Error) return Promise.reject(answer);
    const { status, body = '' } = typeof answer === 'string' ? { status: 200, body: answer } : answer;
    return Promise.resolve({ status, headers: {}, body });
  };
  const server = { url: 'http://prometheus.test/org', authorization: 'Bearer secret', lagMs: 60_000 };
  return { ...(await askPrometheus(gate, QUESTION, { server, transport })), asked };
}

test('a query is filled with what it is about: app, regions, machines and the window', () => {
  expect(fillQuery('{{app}} {{ region }} {{machines}} [{{window}}]', QUESTION)).toBe('shop ams|dfw a1|b2 [300s]');
});

test('it asks one instant query by POST, with the token, and follows no redirect', async () => {
  const { asked } = await ask(GATE, vector([{}, '0']));
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    method: 'POST',
    url: 'http://prometheus.test/org/api/v1/query',
    headers: { authorization: 'Bearer secret' },
    timeoutMs: 10_000,
  });
  expect(new URLSearchParams(asked[0]?.body).get('query')).toBe('sum(errors{region=~"ams|dfw"})');
});

type Case = readonly [what: string, gate: PrometheusGate, answer: Parameters<typeof ask>[1], is: string, says: string];

const CASES: readonly Case[] = [
  ['a value within bounds', GATE, vector([{}, '0.005']), 'PASS', '0.005; wanted at most 0.01'],
  ['a value above max', GATE, vector([{}, '0.25']), 'FAIL', '0.25; wanted at most 0.01'],
  ['a value below min', { query: 'up', min: 1 }, vector([{}, '0']), 'FAIL', '0; wanted at least 1'],
  ['every region within bounds', GATE, vector([{ region: 'ams' }, '0'], [{ region: 'dfw' }, '0.01']), 'PASS', 'ams 0'],
  ['one region above', GATE, vector([{ region: 'ams' }, '0'], [{ region: 'dfw' }, '0.5']), 'FAIL', 'dfw 0.5'],
  ['a region left out', GATE, vector([{ region: 'ams' }, '0']), 'NONE', 'nothing of region dfw'],
  ['a machine left out', GATE, vector([{ instance: 'a1' }, '0']), 'NONE', 'nothing of machine b2'],
  ['a region left out and another above', GATE, vector([{ region: 'ams' }, '0.5']), 'FAIL', 'ams 0.5'],
  ['a region that was not asked about', GATE, vector([{ region: 'fra' }, '0']), 'ERROR', 'region fra'],
  ['a machine that was not asked about', GATE, vector([{ instance: 'zz' }, '0']), 'ERROR', 'instance zz'],
  ['nothing', GATE, vector(), 'NONE', 'no samples'],
  ['not a number', GATE, vector([{}, 'NaN']), 'NONE', 'not a number'],
  ['errors by no successes at all', GATE, vector([{}, '+Inf']), 'FAIL', 'Infinity; wanted at most'],
  ['an infinity within bounds', { query: GATE.query, min: 1 }, vector([{}, '+Inf']), 'NONE', 'not a number'],
  ['a scalar', GATE, '{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}', 'PASS', '0;'],
  ['a matrix', GATE, '{"status":"success","data":{"resultType":"matrix","result":[]}}', 'ERROR', 'instant query'],
  ['a partial answer', GATE, vector([{}, '0']).replace('{', '{"isPartial":true,'), 'NONE', 'partial'],
  ['a warning', GATE, vector([{}, '0']).replace('{', '{"warnings":["w"],'), 'NONE', 'partial'],
  ['no JSON', GATE, '<html>', 'ERROR', 'not JSON'],
  ['a bad query of Prometheus', GATE, { status: 400 }, 'ERROR', 'does not take the query (400)'],
  ['a bad query of VictoriaMetrics', GATE, { status: 422 }, 'ERROR', 'does not take the query (422)'],
  ['a server that is away', GATE, { status: 503 }, 'ERROR', 'answers 503'],
  ['a redirect', GATE, { status: 302 }, 'ERROR', 'answers 302'],
  ['a refused token', GATE, { status: 401 }, 'ERROR', 'answers 401'],
  ['no answer in time', GATE, new Error('timeout'), 'ERROR', 'no whole answer came in time'],
];

test.each(CASES.map((told) => [told[0], told] as const))('%s', async (_what, [, gate, answer, verdict, says]) => {
  const told = await ask(gate, answer);
  expect(told.verdict).toBe(verdict);
  expect(told.says).toContain(says);
});

describe('with "samples"', () => {
  const gate: PrometheusGate = { ...GATE, samples: 'sum(requests)', minSamples: 300 };

  test('fewer than wanted say nothing, and the query itself is not asked', async () => {
    const { verdict, says, asked } = await ask(gate, vector([{}, '299']));
    expect([verdict, says]).toEqual(['NONE', '299 samples; it takes 300']);
    expect(asked).toHaveLength(1);
  });

  test('enough are judged', async () => {
    expect(await ask(gate, vector([{}, '300']), vector([{}, '0.5']))).toMatchObject({ verdict: 'FAIL' });
  });

  test('none at all, or a server that fails, is no PASS', async () => {
    expect(await ask(gate, vector())).toMatchObject({ verdict: 'NONE' });
    expect(await ask(gate, { status: 500 })).toMatchObject({ verdict: 'ERROR' });
  });
});

test('no text of an answer is repeated', async () => {
  for (const answer of ['secret-text', { status: 500, body: 'secret-text' }, vector([{ note: 'secret-text' }, '5'])]) {
    expect((await ask(GATE, answer)).says).not.toContain('secret-text');
  }
});
