import { parser } from '@prometheus-io/lezer-promql';

/** What an expression asks of one metric. */
export interface Asked {
  readonly metric: string;
  /** Labels it matches, and labels it groups by. */
  readonly labels: readonly string[];
}

/** Grafana's own variables are no PromQL: what they stand for is. */
const plainExpression = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replaceAll('$app', '.*');

/**
 * The metrics of an expression with their labels, by Prometheus's own grammar.
 * @throws Error where it is no PromQL.
 */
export function selectorsOf(expr: string): Asked[] {
  const text = plainExpression(expr);
  const metrics: { metric: string; labels: string[] }[] = [];
  const grouped: string[] = [];
  parser.parse(text).iterate({
    enter: ({ name, from, to, node }) => {
      if (node.type.isError) throw new Error(`no PromQL at ${from}: ${text}`);
      const said = text.slice(from, to);
      const parent = node.parent?.name;
      if (name === 'VectorSelector') metrics.push({ metric: '', labels: [] });
      const current = metrics.at(-1);
      if (name === 'Identifier' && parent === 'VectorSelector' && current !== undefined) current.metric = said;
      if (name !== 'LabelName') return;
      if (parent === 'GroupingLabels') grouped.push(said);
      else current?.labels.push(said);
    },
  });
  // What an expression groups by is taken to belong to each of its metrics; only buckets have a `le`.
  return metrics.map(({ metric, labels }) => ({
    metric,
    labels: [...labels, ...grouped.filter((label) => label !== 'le' || metric.endsWith('_bucket'))],
  }));
}
