import { indent, plain, table } from './text.js';

/**
 * A plan's report as text. It prints what the report holds, by shape and not by name, so that a report with more to
 * say needs no change here: texts as lines, lists of texts as points, lists of objects as tables, objects as pairs,
 * and anything with a `title` under that title.
 */

type Entries = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Entries =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `atTarget` as it is read: `at target`. */
const words = (name: string): string =>
  name.replaceAll(/([a-z])([A-Z])/g, (_, a, b: string) => `${a} ${b.toLowerCase()}`);

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return plain(value);
  if (Array.isArray(value)) return value.map(cell).join(', ');
  if (isObject(value))
    return Object.entries(value)
      .map(([name, inner]) => `${words(name)} ${cell(inner)}`)
      .join(', ');
  return JSON.stringify(value);
}

function rows(list: readonly Entries[]): string[] {
  const names = [...new Set(list.flatMap((one) => Object.keys(one)))];
  return table(
    names.map(words),
    list.map((one) => names.map((name) => cell(one[name]))),
  );
}

function list(values: readonly unknown[]): string[] {
  if (!values.every(isObject)) return values.map((value) => `- ${cell(value)}`);
  return values.some((one) => 'title' in one) ? values.flatMap(sections) : rows(values);
}

function lines(value: unknown): string[] {
  if (Array.isArray(value)) return list(value);
  if (isObject(value))
    return table(
      ['', ''],
      Object.entries(value).map(([name, inner]) => [words(name), cell(inner)]),
    ).slice(1);
  return [cell(value)];
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

/** What has a title of its own: the rest of it stands below. */
function sections({ title, ...rest }: Entries): string[] {
  const body = Object.values(rest)
    .filter((value) => !isEmpty(value))
    .flatMap(lines);
  return [cell(title), ...indent(body), ''];
}

function section(name: string, value: unknown): string[] {
  if (isEmpty(value)) return [];
  if (Array.isArray(value) && value.some((one) => isObject(one) && 'title' in one)) return ['', ...list(value)];
  if (Array.isArray(value) || isObject(value)) return ['', words(name), ...indent(lines(value))];
  return [`${words(name)}: ${cell(value)}`];
}

/** @param report a `PlanReport`, or whatever a later release puts there. */
export function sayPlan(report: object): string[] {
  const { headline, ...rest } = report as Entries;
  const all = [cell(headline), ...Object.entries(rest).flatMap(([name, value]) => section(name, value))];
  return all
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd()
    .split('\n');
}
