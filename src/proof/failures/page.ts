import { DAYS } from './days.js';
import { INPUTS } from './inputs.js';
import { type FailureMode, type Observed, PARTS } from './mode.js';

export const MODES: readonly FailureMode[] = [...INPUTS, ...DAYS];

/** As a table takes it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('__', '\\_\\_');

/** One row of the page. */
export const sayRow = ({ fault }: FailureMode, { sees, written }: Observed): string =>
  `| ${cell(fault)} | ${sees.map(cell).join('<br>')} | ${cell(written)} |`;

const HEAD = `# Failure modes

What happens on a bad day: the fault, what an operator reads (pauses, and how the rollout ends), and what was written to
machines. Each row is a whole rollout of twelve machines (unless it says otherwise) against the simulator, or an input
that is refused; \`npx vitest run test/proof/failure-modes.test.ts\` runs them all and holds this page to their results.
Made by \`npm run prove -- failures --write docs/failure-modes.md\`; not to be edited by hand.

In every row: no machine is written twice for one change, no job is cut before its time without being reported, and a
minute after the end nothing of ours is left on any machine: no lease, no hold, no cordon.
`;

/** The whole page, of what was observed. */
export function sayPage(rows: readonly { readonly mode: FailureMode; readonly observed: Observed }[]): string {
  const parts = PARTS.map((part) => {
    const own = rows.filter(({ mode }) => mode.part === part).map(({ mode, observed }) => sayRow(mode, observed));
    return `## ${part}\n\n| fault | what the operator sees | what is written |\n| --- | --- | --- |\n${own.join('\n')}\n`;
  });
  return [HEAD, ...parts].join('\n');
}
