import type { MachineTruth } from '../simulator/truth.js';

/** What one machine looks like in the picture. */
type Cell = 'oldWorking' | 'oldIdle' | 'updating' | 'newWorking' | 'newIdle' | 'suspended' | 'lost';

interface Look {
  readonly sign: string;
  /** ANSI colour code. */
  readonly colour: number;
  readonly says: string;
}

const LOOKS: Readonly<Record<Cell, Look>> = {
  oldWorking: { sign: 'o', colour: 33, says: 'old, at work' },
  oldIdle: { sign: '.', colour: 33, says: 'old, idle' },
  updating: { sign: '*', colour: 36, says: 'being updated' },
  newWorking: { sign: 'O', colour: 32, says: 'new, at work' },
  newIdle: { sign: '-', colour: 32, says: 'new, idle' },
  suspended: { sign: 's', colour: 90, says: 'suspended' },
  lost: { sign: '?', colour: 31, says: 'host lost' },
};

function cellOf(machine: MachineTruth, digest: string | undefined): Cell {
  if (machine.host !== 'ok') return 'lost';
  if (machine.state === 'replacing') return 'updating';
  if (machine.state === 'suspended') return 'suspended';
  const isWorking = machine.state !== 'stopped';
  if (machine.digest === digest) return isWorking ? 'newWorking' : 'newIdle';
  return isWorking ? 'oldWorking' : 'oldIdle';
}

const paint = (cell: Cell, colours: boolean): string =>
  colours ? `\u001b[${LOOKS[cell].colour}m${LOOKS[cell].sign}\u001b[0m` : LOOKS[cell].sign;

/**
 * The fleet as one line a region.
 * @param digest what the new image's machines run; undefined before the first was updated.
 */
export function drawFleet(machines: readonly MachineTruth[], digest: string | undefined, colours: boolean): string[] {
  const regions = [...new Set(machines.map((machine) => machine.region))].toSorted();
  return regions.map((region) => {
    const here = machines.filter((machine) => machine.region === region).toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return `  ${region}  ${here.map((machine) => paint(cellOf(machine, digest), colours)).join(' ')}`;
  });
}

/** What the signs mean. */
export const drawLegend = (colours: boolean): string =>
  `  ${(Object.keys(LOOKS) as Cell[]).map((cell) => `${paint(cell, colours)} ${LOOKS[cell].says}`).join('   ')}`;
