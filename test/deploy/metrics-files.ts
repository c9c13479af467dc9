import { parse } from 'yaml';
import { textOf } from '../house/files.js';

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly refId: string; readonly legendFormat: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export const dashboard = (): Dashboard => JSON.parse(textOf('deploy/grafana-dashboard.json')) as Dashboard;

export const alerts = (): readonly Alert[] =>
  (parse(textOf('deploy/alerts.yml')) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules);

/** Each expression with where it stands. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
}

export const dashboardExpressions = (): Expression[] =>
  dashboard().panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ where: title, expr })));

export const alertExpressions = (): Expression[] => alerts().map(({ alert, expr }) => ({ where: alert, expr }));
