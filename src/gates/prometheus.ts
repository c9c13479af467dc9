import { z } from 'zod';
import type { Transport } from '../fly/transport.js';
import { type Answer, ANSWER_TIMEOUT_MS, MOST_ANSWER_BYTES, type Question } from './question.js';

/** Where Prometheus answers, by the worker's config. */
export interface PrometheusServer {
  /** Up to but without `/api/v1/query`, like `https://api.fly.io/prometheus/my-org`. */
  readonly url: string;
  /** The header's whole value. */
  readonly authorization?: string;
  /** How much later a sample can be asked for than it was taken, ms. */
  readonly lagMs: number;
}

/** A query, and what a good answer is. */
export interface PrometheusGate {
  readonly query: string;
  readonly min?: number;
  readonly max?: number;
  /** Counts what the answer is made of; fewer than `minSamples` say nothing. */
  readonly samples?: string;
  readonly minSamples?: number;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const Value = z.tuple([z.number(), z.string()]);

/** The two answers that judge: a vector, or a scalar (VictoriaMetrics gives a vector of one for that as well). */
const Answered = z.looseObject({
  status: z.literal('success'),
  isPartial: z.boolean().nullish(),
  data: z.discriminatedUnion('resultType', [
    z.looseObject({
      resultType: z.literal('vector'),
      result: z.array(z.looseObject({ metric: z.record(z.string(), z.string()).nullish(), value: Value })),
    }),
    z.looseObject({ resultType: z.literal('scalar'), result: Value }),
  ]),
  warnings: z.array(z.string()).nullish(),
});

const error = (says: string): Answer => ({ verdict: 'ERROR', says });
const none = (says: string): Answer => ({ verdict: 'NONE', says });

/** Puts what is asked about into a query; ids, regions and app names are plain words, a list is `a|b` for `=~`. */
export function fillQuery(query: string, { app, regions, machines, windowMs }: Question): string {
  const values: Readonly<Record<string, string>> = {
    app,
    region: regions.join('|'),
    machines: machines.join('|'),
    window: `${Math.max(1, Math.floor(windowMs / 1_000))}s`,
  };
  return query.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => values[name] ?? whole);
}

type Asked =
  { readonly ok: true; readonly samples: readonly Sample[] } | { readonly ok: false; readonly answer: Answer };

/** `+Inf` and `-Inf` as Prometheus writes them (docs/querying/api.md). */
const numberOf = (text: string): number => Number(text.replace(/Inf$/, 'Infinity'));

function read(body: string): Asked {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, answer: error('its answer is not JSON') };
  }
  const parsed = Answered.safeParse(json);
  if (!parsed.success)
    return { ok: false, answer: error('its answer is none to an instant query that gives a vector or a scalar') };
  const { data, isPartial, warnings } = parsed.data;
  if (isPartial === true || (warnings?.length ?? 0) > 0) return { ok: false, answer: none('its answer is partial') };
  const samples =
    data.resultType === 'scalar'
      ? [{ labels: {}, value: numberOf(data.result[1]) }]
      : data.result.map(({ metric, value }) => ({ labels: metric ?? {}, value: numberOf(value[1]) }));
  return { ok: true, samples };
}

/** One instant query. Redirects are not followed: a token must not travel to another host. */
async function ask(query: string, { url, authorization }: PrometheusServer, transport: Transport): Promise<Asked> {
  try {
    const { status, body } = await transport({
      method: 'POST',
      url: `${url}/api/v1/query`,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body: new URLSearchParams({ query }).toString(),
      timeoutMs: ANSWER_TIMEOUT_MS,
      mostBytes: MOST_ANSWER_BYTES,
    });
    if (status === 200) return read(body);
    // 400 and 422: the query itself (Prometheus and VictoriaMetrics each have theirs).
    const why = status === 400 || status === 422 ? `it does not take the query (${status})` : `it answers ${status}`;
    return { ok: false, answer: error(why) };
  } catch {
    return { ok: false, answer: error('no whole answer came in time') };
  }
}

/** A label that names what was not asked about: the query is not about these machines. */
function strangerIn(samples: readonly Sample[], { regions, machines }: Question): string | undefined {
  const known: readonly (readonly [label: string, values: readonly string[]])[] = [
    ['region', regions],
    ['instance', machines],
  ];
  for (const { labels } of samples) {
    for (const [label, values] of known) {
      const value = labels[label];
      if (value !== undefined && !values.includes(value)) return `${label} ${value.slice(0, 40)}`;
    }
  }
  return undefined;
}

/** Answers by region or by machine have to speak of every one that was asked about. */
function missingFrom(samples: readonly Sample[], { regions, machines }: Question): string | undefined {
  const lacking = (label: string, asked: readonly string[]) => {
    const told = new Set(samples.map(({ labels }) => labels[label]));
    if (told.has(undefined)) return undefined;
    return asked.find((value) => !told.has(value));
  };
  const region = lacking('region', regions);
  if (region !== undefined) return `region ${region}`;
  const machine = lacking('instance', machines);
  return machine === undefined ? undefined : `machine ${machine}`;
}

/** So many digits tell a rate of errors from none. */
const say = (value: number): string => Number(value.toPrecision(4)).toString();

function sayBound({ min, max }: PrometheusGate): string {
  return [min === undefined ? '' : `at least ${min}`, max === undefined ? '' : `at most ${max}`]
    .filter((part) => part !== '')
    .join(', ');
}

function judgeSamples(samples: readonly Sample[], gate: PrometheusGate, question: Question): Answer {
  const { min = -Infinity, max = Infinity } = gate;
  const stranger = strangerIn(samples, question);
  if (stranger !== undefined) return error(`its answer speaks of ${stranger}, which was not asked about`);
  const numbers = samples.filter(({ value }) => Number.isFinite(value));
  // Without end is out of bounds: errors by no successes at all.
  const bad = samples.filter(({ value }) => value < min || value > max);
  const where = ({ labels }: Sample) => labels['region'] ?? labels['instance'];
  const told = (list: readonly Sample[]) =>
    list
      .slice(0, 5)
      .map((sample) => `${where(sample) === undefined ? '' : `${where(sample)} `}${say(sample.value)}`)
      .join(', ');
  if (bad.length > 0) return { verdict: 'FAIL', says: `${told(bad)}; wanted ${sayBound(gate)}` };
  if (samples.length === 0) return none('no samples');
  if (numbers.length < samples.length) return none('a value is not a number: there was nothing to count');
  const missing = missingFrom(samples, question);
  if (missing !== undefined) return none(`nothing of ${missing}`);
  return { verdict: 'PASS', says: `${told(numbers)}; wanted ${sayBound(gate)}` };
}

/**
 * Asks Prometheus. Nothing, not a number, and an answer that leaves out a region or machine it was asked about are
 * NONE; a server that does not answer as it should is ERROR; only a number out of bounds, +Inf among them, is FAIL.
 * Shapes: Prometheus docs/querying/api.md; VictoriaMetrics answers `isPartial`, and 422 for a bad query.
 */
export async function askPrometheus(
  gate: PrometheusGate,
  question: Question,
  { server, transport }: { readonly server: PrometheusServer; readonly transport: Transport },
): Promise<Answer> {
  if (gate.samples !== undefined) {
    const counted = await ask(fillQuery(gate.samples, question), server, transport);
    if (!counted.ok) return counted.answer;
    const sum = counted.samples.reduce((all, { value }) => all + (Number.isFinite(value) ? value : 0), 0);
    const least = gate.minSamples ?? 1;
    if (sum < least) return none(`${say(sum)} samples; it takes ${least}`);
  }
  const asked = await ask(fillQuery(gate.query, question), server, transport);
  return asked.ok ? judgeSamples(asked.samples, gate, question) : asked.answer;
}
