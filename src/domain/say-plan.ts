import type { PlanReport, PlanRow, PlanSection } from './plan-report.js';

/** Rows as aligned columns under their heads; the columns are the first row's keys. */
function table(rows: readonly PlanRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const heads = Object.keys(first);
  const cells = [heads, ...rows.map((row) => heads.map((head) => String(row[head] ?? '')))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumber = heads.map((head) => rows.some((row) => typeof row[head] === 'number'));
  return cells.map((row) =>
    row
      .map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

const indent = (line: string): string => `  ${line}`;

const saySection = ({ title, lines, rows }: PlanSection): string[] => [
  '',
  title,
  ...lines.map(indent),
  ...table(rows).map(indent),
];

const machinesTitle = ({ selected, machines: { length } }: PlanReport): string =>
  `Machines in their order: ${length < selected ? `the first ${length} of ${selected}` : `all ${selected}`}`;

/** A plan as a terminal shows it, line by line: headline, notes, sections, and the machines in their order. */
export function sayPlan(report: PlanReport): string[] {
  const rows = report.machines.map(({ step, id, region, group, state, because }) => ({
    step: step ?? '',
    machine: id,
    region,
    group,
    state,
    because,
  }));
  return [
    report.headline,
    `app     ${report.app}`,
    `target  ${report.target}`,
    ...report.notes.map((note) => `! ${note}`),
    ...report.sections.flatMap(saySection),
    ...saySection({ title: machinesTitle(report), lines: [], rows }),
  ];
}
