import { describe, expect, test } from 'vitest';
import { alertExpressions, alerts, dashboard, dashboardExpressions, type Panel } from './metrics-files.js';
import { selectorsOf } from './promql.js';

// That every metric and label exists is shown on a worker at work: test/cli/layover-worker.test.ts.

test('the reader of PromQL finds metrics and labels, and refuses what is none', () => {
  expect(selectorsOf('sum by (app) (rate(a_total{op=~"x"}[5m])) / b > 0')).toEqual([
    { metric: 'a_total', labels: ['op', 'app'] },
    { metric: 'b', labels: ['app'] },
  ]);
  expect(() => selectorsOf('sum by (app (a)')).toThrow('no PromQL');
});

test.each([...dashboardExpressions(), ...alertExpressions()])('$where is PromQL that asks for a metric', ({ expr }) => {
  expect(selectorsOf(expr).filter(({ metric }) => metric !== '')).not.toEqual([]);
});

describe('the dashboard', () => {
  const { panels, templating, uid, schemaVersion } = dashboard();

  test('has an id, a data source to choose, and an app to choose', () => {
    expect({ uid, isModern: schemaVersion >= 36 }).toEqual({ uid: 'layover', isModern: true });
    expect(templating.list.map(({ name, type }) => `${name} ${type}`)).toEqual(['datasource datasource', 'app query']);
    expect(JSON.stringify(panels)).toContain('${datasource}');
  });

  test('has panels with ids and titles of their own, none over another, all within 24 columns', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const overlaps = (a: Panel, b: Panel) =>
      a.id < b.id &&
      a.gridPos.x < b.gridPos.x + b.gridPos.w &&
      b.gridPos.x < a.gridPos.x + a.gridPos.w &&
      a.gridPos.y < b.gridPos.y + b.gridPos.h &&
      b.gridPos.y < a.gridPos.y + a.gridPos.h;
    expect(panels.flatMap((a) => panels.filter((b) => overlaps(a, b)).map((b) => [a.title, b.title]))).toEqual([]);
    expect(panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([]);
  });

  test('never adds up what every worker tells of the same rollouts', () => {
    const gauges = /layover_(rollouts|rollout_machines|wait_seconds)/;
    const wrong = [...dashboardExpressions(), ...alertExpressions()].filter(
      ({ expr }) => gauges.test(expr) && !/max by \(app(, \w+)?\) \(layover_/.test(expr),
    );
    expect(wrong).toEqual([]);
  });
});

describe('each alert', () => {
  test.each(alerts())('$alert says what it means and what to do, and waits before it rings', (alert) => {
    expect(alert.alert).toMatch(/^Layover[A-Z]\w+$/);
    expect(alert.for).toMatch(/^\d+[smh]$/);
    expect(['info', 'warning', 'critical']).toContain(alert.labels['severity']);
    expect(alert.annotations['summary']).toMatch(/\S{3}/);
    expect(alert.annotations['description']).toMatch(/\S{3}/);
  });

  test.each(alerts())('$alert names only labels that its expression keeps', ({ expr, annotations }) => {
    const named = [
      ...Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g),
    ].map(([, label]) => label);
    const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
    expect(named.filter((label) => !kept.includes(label ?? ''))).toEqual([]);
  });
});
